//! A real trail, real files and a real receiver; the clock is turned by hand.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use admintrail_event::{Draft, EventId, Micros};
use admintrail_ledger::Checkpoint;
use admintrail_store::{Submission, TrailOptions};
use admintrail_web::anchors::{Anchor, AnchorWay};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::note::Note;
use super::*;
use crate::config::{Webhook, WebhookAddress};
use crate::stop::Stopper;

const MINUTE: i64 = 60 * Micros::SECOND;
const HOUR: Duration = Duration::from_secs(3_600);

/// A data folder with its clock.
struct Stage {
    dir: tempfile::TempDir,
    outside: tempfile::TempDir,
    trail: Trail,
    control: Control,
    now: Arc<AtomicI64>,
    events: AtomicU64,
}

impl Stage {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000 * Micros::SECOND));
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (trail, control) = Self::open(dir.path(), &now).await;
        Self {
            dir,
            outside,
            trail,
            control,
            now,
            events: AtomicU64::new(0),
        }
    }

    async fn open(dir: &Path, now: &Arc<AtomicI64>) -> (Trail, Control) {
        let clock = clock_of(now);
        let dir = dir.to_owned();
        tokio::task::spawn_blocking(move || {
            let trail = Trail::open(TrailOptions::new(dir.clone(), clock)).unwrap();
            (trail, Control::open(&dir).unwrap())
        })
        .await
        .unwrap()
    }

    /// As after a restart.
    async fn reopen(&mut self) {
        let (trail, control) = (self.trail.clone(), self.control.clone());
        tokio::task::spawn_blocking(move || {
            trail.close();
            control.close();
        })
        .await
        .unwrap();
        (self.trail, self.control) = Self::open(self.dir.path(), &self.now).await;
    }

    /// The same ledger, from here on another one, in the hands of somebody who has the key.
    async fn fork(&mut self) -> Self {
        let (trail, control) = (self.trail.clone(), self.control.clone());
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (self.dir.path().to_owned(), dir.path().to_owned());
        tokio::task::spawn_blocking(move || {
            trail.close();
            control.close();
            copy(&from, &to);
        })
        .await
        .unwrap();
        (self.trail, self.control) = Self::open(self.dir.path(), &self.now).await;
        let now = Arc::new(AtomicI64::new(self.now.load(Ordering::SeqCst)));
        let (trail, control) = Self::open(dir.path(), &now).await;
        Self {
            dir,
            outside: tempfile::tempdir().unwrap(),
            trail,
            control,
            now,
            events: AtomicU64::new(1_000),
        }
    }

    /// One entry more. How many there are then.
    async fn grow(&self) -> u64 {
        let number = self.events.fetch_add(1, Ordering::SeqCst);
        let now = Micros(self.now.load(Ordering::SeqCst));
        let random = u128::from(number).to_be_bytes();
        let id = EventId::new(now, random[6..].try_into().unwrap());
        let panel = "billing".parse().unwrap();
        let draft = Draft::request(id, now, panel, "GET", &format!("/{number}"));
        let trail = self.trail.clone();
        tokio::task::spawn_blocking(move || {
            trail.append_blocking(vec![Submission::new(draft)]).unwrap();
            trail.publish().unwrap();
            trail.ledger().entries
        })
        .await
        .unwrap()
    }

    fn advance(&self, minutes: i64) {
        self.now.fetch_add(minutes * MINUTE, Ordering::SeqCst);
    }

    fn file(&self) -> PathBuf {
        self.outside.path().join("admintrail.checkpoint")
    }

    fn to_file(&self) -> Anchoring {
        Anchoring {
            files: vec![self.file()],
            ..Anchoring::default()
        }
    }

    fn start(&self, anchoring: &Anchoring) -> Running {
        let anchors = begin(anchoring, &self.trail, &self.control);
        let anchorer = Anchorer {
            trail: self.trail.clone(),
            control: self.control.clone(),
            clock: clock_of(&self.now),
            data: self.dir.path().to_owned(),
            recorder: "web-1".to_owned(),
            anchors: Arc::clone(&anchors),
            places: Arc::default(),
            pace: Pace {
                look: Duration::from_millis(5),
                retry: Duration::from_millis(20),
            },
        };
        let stop = Stopper::new();
        let task = tokio::spawn(watch(anchorer, anchoring.clone(), stop.listener()));
        Running {
            anchors,
            stop,
            task,
        }
    }

    /// The size that a file has, signed.
    fn size_at(&self, path: &Path) -> Option<u64> {
        let key = self.trail.ledger().key.parse().unwrap();
        let bytes = std::fs::read(path).ok()?;
        Some(Checkpoint::open(&bytes, &[key]).unwrap().head.size)
    }

    fn lines(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(log_of(&self.file())).unwrap();
        assert!(log.ends_with('\n'), "{log}");
        log.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let (trail, control) = (self.trail.clone(), self.control.clone());
        // Closing waits, which no async thread may.
        let closed = std::thread::spawn(move || {
            trail.close();
            control.close();
        });
        let _ = closed.join();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn clock_of(now: &Arc<AtomicI64>) -> Clock {
    let now = Arc::clone(now);
    Arc::new(move || Micros(now.load(Ordering::SeqCst)))
}

struct Running {
    anchors: Arc<RwLock<Anchors>>,
    stop: Stopper,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        self.stop.stop();
        self.task.await.unwrap();
    }

    fn place(&self) -> AnchorPlace {
        self.anchors.read().places()[0].clone()
    }

    async fn kept(&self, size: u64) {
        until(&format!("{size} entries are anchored"), || {
            let place = self.place();
            place.size == size && place.failing.is_none()
        })
        .await;
    }

    async fn fails(&self, with: &str) -> String {
        until(with, || {
            let failing = self.place().failing;
            failing.is_some_and(|failing| failing.cause.contains(with))
        })
        .await;
        self.place().failing.unwrap().cause
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain: {what}");
}

/// Long enough for many looks.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// Takes what is posted; answers with the status that `answers` has at the moment.
struct Receiver {
    port: u16,
    got: Arc<Mutex<Vec<Value>>>,
    answers: Arc<AtomicU64>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, answers) = (Arc::default(), Arc::new(AtomicU64::new(200)));
        let (kept, status): (Arc<Mutex<Vec<Value>>>, _) = (Arc::clone(&got), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = Vec::new();
                let json = loop {
                    let mut piece = [0; 4_096];
                    let Ok(read @ 1..) = stream.read(&mut piece).await else {
                        break None;
                    };
                    text.extend_from_slice(&piece[..read]);
                    let all = String::from_utf8_lossy(&text).into_owned();
                    let body = all.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
                    let json = body.and_then(|body| serde_json::from_str(&body).ok());
                    if json.is_some() {
                        break json;
                    }
                };
                kept.lock().unwrap().extend(json);
                let status = status.load(Ordering::SeqCst);
                let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, got, answers }
    }

    fn anchoring(&self) -> Anchoring {
        let address = format!("http://localhost:{}/hooks/canary", self.port);
        Anchoring {
            webhook: Some(Webhook {
                address: WebhookAddress(address.parse().unwrap()),
                secret: None,
                private: true,
                private_key: "anchor_webhook_network",
            }),
            ..Anchoring::default()
        }
    }

    fn got(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_the_checkpoint_at_once_and_then_every_hour() {
    let stage = Stage::new().await;
    let running = stage.start(&stage.to_file());
    a_while().await;
    assert!(!stage.file().exists(), "there is no checkpoint yet");
    assert_eq!(running.place().stale(Micros(i64::MAX)), None);
    let first = stage.grow().await;
    running.kept(first).await;
    assert_eq!(stage.size_at(&stage.file()), Some(first));
    let first_at = running.place().kept.unwrap();

    let second = stage.grow().await;
    stage.advance(59);
    a_while().await;
    assert_eq!(stage.size_at(&stage.file()), Some(first), "it is not due");
    stage.advance(1);
    running.kept(second).await;
    assert_eq!(stage.size_at(&stage.file()), Some(second));
    let covering = |entry| running.anchors.read().covering(entry).cloned();
    let place = stage.file().display().to_string();
    let anchor = |at: Micros, size| Anchor {
        way: AnchorWay::File,
        place: place.clone(),
        at,
        size,
    };
    let second_at = Micros(first_at.0 + 60 * MINUTE);
    assert_eq!(covering(first - 1), Some(anchor(first_at, first)));
    assert_eq!(covering(first), Some(anchor(second_at, second)));
    assert_eq!(covering(second), None);

    // Nothing new: a sign of life, and no line more.
    stage.advance(60);
    until("it is written again", || {
        running.place().kept == Some(Micros(second_at.0 + 60 * MINUTE))
    })
    .await;
    let lines = stage.lines();
    let sizes: Vec<u64> = lines
        .iter()
        .map(|one| one["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [first, second]);
    let key = stage.trail.ledger().key.parse().unwrap();
    for line in &lines {
        let note = line["checkpoint"].as_str().unwrap();
        let checkpoint = Checkpoint::open(note.as_bytes(), std::slice::from_ref(&key)).unwrap();
        assert_eq!(line["size"], checkpoint.head.size);
        assert_eq!(line["root"], checkpoint.head.root.to_base64());
        assert_eq!(line["origin"], checkpoint.origin);
        assert_eq!(line["host"], "web-1");
    }
    assert_eq!(lines[0]["at"], first_at.to_string());
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_stopped() {
    let mut stage = Stage::new().await;
    let receiver = Receiver::start().await;
    let first = stage.grow().await;
    let running = stage.start(&receiver.anchoring());
    running.kept(first).await;
    running.end().await;
    assert_eq!(receiver.got().len(), 1);

    stage.reopen().await;
    let second = stage.grow().await;
    stage.advance(30);
    let running = stage.start(&receiver.anchoring());
    a_while().await;
    assert_eq!(receiver.got().len(), 1, "half an hour is not long enough");
    assert_eq!(running.place().size, first);
    stage.advance(30);
    running.kept(second).await;
    running.end().await;

    // What was known before covers what it covered, wherever the next one goes.
    stage.reopen().await;
    let anchors = begin(&stage.to_file(), &stage.trail, &stage.control);
    let covering = anchors.read().covering(0).cloned().unwrap();
    assert_eq!(
        (covering.place.as_str(), covering.size),
        ("localhost", first)
    );
    let mut shorter = anchors.read().clone();
    forget_beyond(&mut shorter, first - 1);
    assert_eq!(shorter.covering(0), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_refuses_is_asked_again_until_it_takes_it() {
    let mut stage = Stage::new().await;
    let receiver = Receiver::start().await;
    receiver.answers.store(503, Ordering::SeqCst);
    let size = stage.grow().await;
    let began = Micros(stage.now.load(Ordering::SeqCst));
    let running = stage.start(&receiver.anchoring());
    let cause = running.fails("503").await;
    assert!(!cause.contains("canary"), "{cause}");
    until("it is asked again", || receiver.got().len() >= 3).await;
    assert_eq!(running.anchors.read().covering(0), None, "nobody has it");
    stage.advance(120);
    assert_eq!(
        running
            .place()
            .stale(Micros(stage.now.load(Ordering::SeqCst))),
        None
    );
    stage.advance(1);
    let now = Micros(stage.now.load(Ordering::SeqCst));
    assert_eq!(running.place().stale(now), Some(began));
    assert_eq!(running.place().failing.unwrap().since, began);
    running.end().await;

    // Since when is known after the restart, too.
    stage.reopen().await;
    let running = stage.start(&receiver.anchoring());
    assert_eq!(running.place().failing.unwrap().since, began);
    receiver.answers.store(204, Ordering::SeqCst);
    running.kept(size).await;
    assert_eq!(running.place().stale(now), None);
    let last = receiver.got().pop().unwrap();
    assert_eq!(last["size"], size);
    assert_eq!(last["host"], "web-1");
    assert_eq!(
        last["checkpoint"].as_str().unwrap(),
        stage.trail.ledger().checkpoint
    );
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_place_that_fails_holds_up_no_other() {
    let stage = Stage::new().await;
    let receiver = Receiver::start().await;
    receiver.answers.store(500, Ordering::SeqCst);
    let anchoring = Anchoring {
        files: vec![stage.outside.path().join("not/mounted/a"), stage.file()],
        ..receiver.anchoring()
    };
    let size = stage.grow().await;
    let running = stage.start(&anchoring);
    running.fails("perhaps its disk is not mounted").await;
    until("the other file has it", || {
        running.anchors.read().places()[1].size == size
    })
    .await;
    until("the receiver fails", || {
        running.anchors.read().places()[2].failing.is_some()
    })
    .await;
    assert!(
        !stage.outside.path().join("not").exists(),
        "no folder is made"
    );
    // The disk comes, and so does the anchor.
    std::fs::create_dir_all(stage.outside.path().join("not/mounted")).unwrap();
    running.kept(size).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_in_the_middle_of_writing_is_mended() {
    let stage = Stage::new().await;
    let first = stage.grow().await;
    let running = stage.start(&stage.to_file());
    running.kept(first).await;
    running.end().await;
    let whole = std::fs::read(log_of(&stage.file())).unwrap();
    let part = stage
        .outside
        .path()
        .join("admintrail.checkpoint.admintrail-part");
    for cut in 1..whole.len() {
        // A line that was not finished, and half of the next file.
        if cut % 29 != 1 {
            continue;
        }
        let torn = [&whole[..], &whole[..cut]].concat();
        std::fs::write(log_of(&stage.file()), torn).unwrap();
        std::fs::write(&part, &whole[..cut]).unwrap();
        assert_eq!(
            stage.size_at(&stage.file()),
            Some(first),
            "the old one stands"
        );
        let size = stage.grow().await;
        stage.advance(60);
        let running = stage.start(&stage.to_file());
        running.kept(size).await;
        running.end().await;
        assert_eq!(stage.size_at(&stage.file()), Some(size));
        assert!(!part.exists());
        let sizes: Vec<u64> = stage
            .lines()
            .iter()
            .map(|one| one["size"].as_u64().unwrap())
            .collect();
        assert_eq!(sizes, [first, size], "{cut}");
        std::fs::write(stage.file(), {
            let line: Value = serde_json::from_slice(&whole).unwrap();
            line["checkpoint"].as_str().unwrap().to_owned()
        })
        .unwrap();
    }
    // Killed after the line and before the file: the line does not come twice.
    let size = stage.grow().await;
    let key = stage.trail.ledger();
    let note = Note::of(&key, "web-1", Micros(0)).unwrap();
    let line = format!("{}\n", note.json());
    std::fs::write(
        log_of(&stage.file()),
        [&whole[..], line.as_bytes()].concat(),
    )
    .unwrap();
    stage.advance(60);
    let running = stage.start(&stage.to_file());
    running.kept(size).await;
    running.end().await;
    assert_eq!(stage.lines().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_the_ledger_contradicts_is_never_written_over() {
    let mut stage = Stage::new().await;
    let fork = stage.fork().await;
    let before = stage.grow().await;
    let running = stage.start(&stage.to_file());
    running.kept(before).await;
    let kept = std::fs::read(stage.file()).unwrap();
    running.end().await;

    // Somebody who has the key rewrote what the anchor covers; and somebody cut it off.
    for entries in [1, 2] {
        while fork.grow().await < entries {}
        let running = fork.start(&stage.to_file());
        running.fails("that the ledger contradicts").await;
        assert_eq!(std::fs::read(stage.file()).unwrap(), kept);
        assert_eq!(running.anchors.read().covering(0), None);
        running.end().await;
    }
    let head = stage.trail.ledger();
    let mut cut = Note::of(&head, "web-1", Micros(0)).unwrap();
    cut.head.size -= 1;
    let refused = file::keep(&stage.file(), stage.dir.path(), &cut, false).unwrap_err();
    assert!(refused.contains("that the ledger contradicts"), "{refused}");
    assert_eq!(std::fs::read(stage.file()).unwrap(), kept);
    stage.grow().await;
    // Tiles that say something else make another root, or none.
    let tiles = stage.dir.path().join("ledger/tile/0");
    let mut at: Vec<PathBuf> = vec![tiles];
    while let Some(path) = at.pop() {
        if path.is_dir() {
            at.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|one| one.unwrap().path()),
            );
        } else {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[0] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    stage.advance(60);
    let running = stage.start(&stage.to_file());
    running.fails("cannot be held against").await;
    assert_eq!(std::fs::read(stage.file()).unwrap(), kept);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_named_by_mistake_is_not_written_over() {
    let stage = Stage::new().await;
    let size = stage.grow().await;
    std::fs::write(stage.file(), "somebody's own\n").unwrap();
    let running = stage.start(&stage.to_file());
    running.fails("is not written over").await;
    assert_eq!(std::fs::read(stage.file()).unwrap(), b"somebody's own\n");
    std::fs::write(stage.file(), "").unwrap();
    running.kept(size).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_where_the_log_would_be_is_not_touched_unless_it_is_one() {
    let stage = Stage::new().await;
    let size = stage.grow().await;
    let log = log_of(&stage.file());
    let running = stage.start(&stage.to_file());
    running.kept(size).await;
    let whole = std::fs::read(&log).unwrap();
    running.end().await;
    let long = "x".repeat(20_000);
    for other in ["somebody's log\n", "somebody's", "one\nsomebody's", &long] {
        std::fs::write(&log, other).unwrap();
        stage.advance(60);
        let running = stage.start(&stage.to_file());
        running
            .fails("it has something else than checkpoints")
            .await;
        assert_eq!(std::fs::read_to_string(&log).unwrap(), other);
        running.end().await;
    }
    // Nor is anything read that never ends.
    let note = Note::of(&stage.trail.ledger(), "web-1", Micros(0)).unwrap();
    let keep = |path: &Path| file::keep(path, stage.dir.path(), &note, false).unwrap_err();
    assert!(keep(Path::new("/dev/zero")).contains("it is no file"));
    let inside = stage.dir.path().join("ledger/../a");
    assert!(keep(&inside).contains("in the data folder"));
    assert!(!stage.dir.path().join("a").exists());
    // The first line of all, cut off by the power.
    for cut in [1, 8, 40, whole.len() - 1] {
        std::fs::write(&log, &whole[..cut]).unwrap();
        stage.advance(60);
        let running = stage.start(&stage.to_file());
        let now = Micros(stage.now.load(Ordering::SeqCst));
        until("it is mended", || running.place().kept == Some(now)).await;
        assert_eq!(stage.lines().len(), 1, "{cut}");
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_mounted_any_more_is_not_mistaken_for_this_one() {
    let stage = Stage::new().await;
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: no /dev/shm");
        return;
    };
    let device = |path: &Path| path.metadata().unwrap().dev();
    if device(other.path()) == device(stage.dir.path()) {
        eprintln!("SKIPPED: /dev/shm is no other disk");
        return;
    }
    // What is mounted there is what the link leads to.
    let mount = stage.outside.path().join("backup");
    std::os::unix::fs::symlink(other.path(), &mount).unwrap();
    let anchoring = Anchoring {
        files: vec![mount.join("a.checkpoint")],
        ..Anchoring::default()
    };
    let size = stage.grow().await;
    let running = stage.start(&anchoring);
    running.kept(size).await;
    running.end().await;

    std::fs::remove_file(&mount).unwrap();
    std::fs::create_dir(&mount).unwrap();
    stage.advance(60);
    let running = stage.start(&anchoring);
    running.fails("perhaps that is not mounted").await;
    assert!(!mount.join("a.checkpoint").exists());
    std::fs::remove_dir(&mount).unwrap();
    std::os::unix::fs::symlink(other.path(), &mount).unwrap();
    running.kept(size).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_once_a_day_whatever_the_others_do() {
    let email = crate::config::Email {
        to: vec![
            "Ops <ops@Example.org>".parse().unwrap(),
            "two@example.org".parse().unwrap(),
            "law@example.com".parse().unwrap(),
        ],
        from: "trail@example.org".parse().unwrap(),
        smtp: crate::config::Smtp {
            host: "localhost".to_owned(),
            port: 25,
            security: crate::config::Security::None,
            user: None,
        },
    };
    let way = Way::Email(email);
    assert_eq!(way.place(), "example.com, example.org");
    assert_eq!(way.way().every(HOUR), 24 * HOUR);
    assert_eq!(way.way().every(24 * HOUR), 24 * HOUR);
}

/// A disk of 64 KiB; gone when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where one may not mount.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], dir.path());
        if !mounted {
            eprintln!("SKIPPED: a disk can be mounted by root alone");
        }
        mounted.then_some(Self(dir))
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    let mut command = std::process::Command::new("mount");
    let command = command
        .args(args)
        .arg(at)
        .stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for Disk {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
        assert!(umount.is_ok_and(|status| status.success()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_or_read_only_keeps_what_it_has_and_gets_the_next_when_it_can() {
    let Some(disk) = Disk::mount() else {
        return;
    };
    let stage = Stage::new().await;
    let path = disk.0.path().join("a.checkpoint");
    let anchoring = Anchoring {
        files: vec![path.clone()],
        ..Anchoring::default()
    };
    let first = stage.grow().await;
    let running = stage.start(&anchoring);
    running.kept(first).await;

    let filler = disk.0.path().join("filler");
    let full = std::fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let second = stage.grow().await;
    stage.advance(60);
    running.fails("No space left").await;
    assert_eq!(stage.size_at(&path), Some(first));
    std::fs::remove_file(&filler).unwrap();
    running.kept(second).await;
    assert_eq!(stage.size_at(&path), Some(second));

    assert!(mount(&["-o", "remount,ro"], disk.0.path()));
    let third = stage.grow().await;
    stage.advance(60);
    running.fails("Read-only").await;
    assert_eq!(stage.size_at(&path), Some(second));
    assert!(mount(&["-o", "remount,rw"], disk.0.path()));
    running.kept(third).await;
    let log = std::fs::read(log_of(&path)).unwrap();
    let sizes: Vec<u64> = notes(&log).iter().map(|(_, note)| size_in(note)).collect();
    assert_eq!(sizes, [first, second, third]);
    running.end().await;
}

/// The second line of a checkpoint.
fn size_in(note: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(note);
    text.lines().nth(1).unwrap().parse().unwrap()
}
