//! What the binary itself does with the data folder: it keeps the key there, and others out.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use admintrail_store::{Control, StoreError, Trail, TrailOptions};
use anyhow::{Context, Result, bail};

/// Bytes of the key.
const LENGTH: usize = 32;

/// What is ours in the folder, beside the databases.
const OURS: &[&str] = &[
    "lock",
    "control.lock",
    "control.sock",
    "journal",
    "segments",
    "derived.snapshot",
    "derived.snapshot.tmp",
    "key",
    NEW_KEY,
    "ledger",
    "ledger.key",
    "ledger.key.part",
];

/// A key that is being written.
const NEW_KEY: &str = "key.new";

/// The databases, and what SQLite keeps beside each.
const DATABASES: &[&str] = &["trail.db", "control.db", "ledger.db"];
const BESIDE: &[&str] = &["", "-wal", "-shm", "-journal"];

/// How long to wait for a folder that somebody holds: a command, or a server that starts or stops.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens both databases. Each has a lock of its own.
pub(crate) fn open(options: &TrailOptions) -> Result<(Trail, Control), StoreError> {
    let trail = Trail::open(options.clone())?;
    match Control::open(&options.dir) {
        Ok(control) => Ok((trail, control)),
        Err(error) => {
            trail.close();
            Err(error)
        }
    }
}

/// Tries again for a while as long as somebody else holds the folder.
pub(crate) fn when_free<T, E>(
    mut attempt: impl FnMut() -> Result<T, E>,
    is_held: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if is_held(&error) && Instant::now() < until => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

/// Whether this says that somebody else holds the folder.
pub(crate) fn is_locked(error: &StoreError) -> bool {
    matches!(error, StoreError::FolderLocked { .. })
}

/// Closes a folder that was made with the usual rights: its files are their owner's alone, and
/// their names and sizes need be nobody else's either. A folder where something else lives, or
/// which belongs to somebody else, stays as it is; the answer then says what to do.
pub(crate) fn close_to_others(dir: &Path) -> io::Result<Option<String>> {
    let meta = match fs::metadata(dir) {
        Ok(meta) => meta,
        // It is made later, closed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mode = meta.permissions().mode();
    if !meta.is_dir() || mode & 0o077 == 0 {
        return Ok(None);
    }
    let mine = meta.uid() == rustix::process::geteuid().as_raw();
    // Whoever lets everybody write there means it, as for /tmp.
    if mine && mode & 0o1002 == 0 && holds_nothing_else(dir)? {
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        return Ok(None);
    }
    Ok(Some(format!(
        "others can see which files {dir} holds (mode {mode:04o}); close it with: chmod 700 {dir}",
        dir = dir.display(),
        mode = mode & 0o7777
    )))
}

/// Hidden files are those of a home folder, which the service's user often has here.
fn holds_nothing_else(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !is_ours(&name) && !name.starts_with('.') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whole names: somebody's `journal-2025.txt` is not ours.
fn is_ours(name: &str) -> bool {
    let database = |name: &str| {
        DATABASES
            .iter()
            .filter_map(|database| name.strip_prefix(database))
            .any(|beside| BESIDE.contains(&beside))
    };
    OURS.contains(&name) || database(name)
}

/// Reads the key that session hashes and fingerprints are made with; makes it on the first start.
///
/// Without the old key every known session would read as unknown, so a key of the wrong length
/// is an error and never replaced.
pub(crate) fn key(dir: &Path) -> Result<[u8; LENGTH]> {
    let path = dir.join("key");
    match File::open(&path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .with_context(|| format!("cannot read {}", path.display()))?;
            match <[u8; LENGTH]>::try_from(bytes.as_slice()) {
                Ok(key) => Ok(key),
                Err(_) => bail!(
                    "{} is damaged: it holds {} bytes, not {LENGTH}. Restore it from a backup, or move it away: \
                     then everyone signed in to a panel reads as unknown until the next sign-in",
                    path.display(),
                    bytes.len()
                ),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make(dir, &path).with_context(|| format!("cannot write {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Whole or not at all: written beside its place, then renamed.
fn make(dir: &Path, path: &Path) -> Result<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let beside = dir.join(NEW_KEY);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(dir)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let made = key(dir.path()).unwrap();
        assert_eq!(key(dir.path()).unwrap(), made);
        assert_ne!(made, [0; LENGTH]);
        let mode = fs::metadata(dir.path().join("key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_folder_is_waited_for_until_both_its_databases_are_free() {
        let dir = tempfile::tempdir().unwrap();
        let options = TrailOptions::new(dir.path().to_owned(), crate::clock::system());
        // A command on its way out has closed the trail already.
        let mut leaving = Some(Control::open(dir.path()).unwrap());
        let mut attempts = 0;
        let attempt = || {
            attempts += 1;
            let opened = open(&options);
            if let Some(control) = leaving.take() {
                control.close();
            }
            opened
        };
        let (trail, control) = when_free(attempt, is_locked).unwrap();
        assert_eq!(attempts, 2);
        trail.close();
        control.close();
    }

    #[test]
    fn what_is_ours_is_known_by_its_whole_name() {
        for ours in [
            "trail.db",
            "trail.db-wal",
            "control.db-shm",
            "control.db-journal",
            "control.lock",
            "control.sock",
            "lock",
            "journal",
            "segments",
            "derived.snapshot",
            "derived.snapshot.tmp",
            "key",
            "key.new",
            "ledger",
            "ledger.db-wal",
            "ledger.key",
            "ledger.key.part",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "keyring",
            "journal-2025.txt",
            "locksmith",
            "trail.gpx",
            "control.db.bak",
            "trail.db-old",
            "key-wal",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), b"short").unwrap();
        let error = key(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("damaged") && error.contains("backup"),
            "{error}"
        );
        assert_eq!(fs::read(dir.path().join("key")).unwrap(), b"short");
    }
}
