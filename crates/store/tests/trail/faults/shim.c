/* Lets the n-th write, sync, rename or opening for writing below a folder fail, or the process die there.
 *
 * FAULT_DIR    the folder
 * FAULT_AT     which one, from 1 on; 0: none
 * FAULT_HOW    EIO, ENOSPC, kill, or torn (half of a write, then kill)
 * FAULT_COUNT  a file that is told at the end how many there were
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static long count;

static int is_below(const char *path) {
    const char *dir = getenv("FAULT_DIR");
    return dir != NULL && strncmp(path, dir, strlen(dir)) == 0;
}

static int is_file_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Whether this one fails; errno says how. */
static int fails(void) {
    const char *at = getenv("FAULT_AT"), *how = getenv("FAULT_HOW");
    if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) != atol(at != NULL ? at : "0")) return 0;
    if (strcmp(how, "kill") == 0) die();
    errno = strcmp(how, "EIO") == 0 ? EIO : ENOSPC;
    return 1;
}

static int is_torn(void) {
    const char *how = getenv("FAULT_HOW");
    return how != NULL && strcmp(how, "torn") == 0;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at, int with_place) {
    if (is_file_below(fd) && fails()) {
        if (!is_torn()) return -1;
        if (with_place) syscall(SYS_pwrite64, fd, bytes, length / 2, at);
        else syscall(SYS_write, fd, bytes, length / 2);
        die();
    }
    return with_place ? syscall(SYS_pwrite64, fd, bytes, length, at)
                      : syscall(SYS_write, fd, bytes, length);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return write_at(fd, bytes, length, 0, 0);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return write_at(fd, bytes, length, at, 1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    return write_at(fd, bytes, length, at, 1);
}

int fsync(int fd) {
    if (is_file_below(fd) && fails()) return -1;
    return syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
    if (is_file_below(fd) && fails()) return -1;
    return syscall(SYS_fdatasync, fd);
}
int ftruncate(int fd, off_t length) {
    if (is_file_below(fd) && fails()) return -1;
    return syscall(SYS_ftruncate, fd, length);
}
int ftruncate64(int fd, off_t length) {
    return ftruncate(fd, length);
}

int rename(const char *from, const char *to) {
    if (is_below(to) && fails()) return -1;
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int open_at(int dir, const char *path, int flags, mode_t mode) {
    if ((flags & (O_WRONLY | O_RDWR)) && is_below(path) && fails()) return -1;
    return syscall(SYS_openat, dir, path, flags, mode);
}

#define OPENS(name, ...)                                        \
    mode_t mode = 0;                                            \
    if (flags & (O_CREAT | O_TMPFILE)) {                        \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode = va_arg(rest, mode_t);                            \
        va_end(rest);                                           \
    }                                                           \
    return open_at(name, path, flags, mode)

int open(const char *path, int flags, ...) { OPENS(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENS(AT_FDCWD); }
int openat(int dir, const char *path, int flags, ...) { OPENS(dir); }
int openat64(int dir, const char *path, int flags, ...) { OPENS(dir); }

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FAULT_COUNT");
    if (path == NULL) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", count);
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    syscall(SYS_write, fd, text, length);
}
