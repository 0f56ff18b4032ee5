//! The anchors that a ledger is held against: those of `--anchor`, and the files of the
//! configuration and of the page Integrity.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use admintrail_event::Micros;
use admintrail_ledger::Checkpoint;
use admintrail_store::Verified;
use admintrail_web::anchors::{AddedPlace, Target};
use indicatif::HumanCount;
use serde_json::{Value, json};

use crate::anchors::{log_of, notes};
use crate::clock;
use crate::config::{Config, Mistakes};

/// One file, and what it has to say.
#[derive(Debug)]
struct Anchor {
    place: String,
    /// When it was written.
    kept: Option<Micros>,
    /// Entries that the longest of its checkpoints covers.
    size: Option<u64>,
    checkpoints: u64,
    problem: Option<(Problem, String)>,
}

/// Why a file is no anchor of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Missing,
    Stale,
    NotCheckpoint,
}

impl Problem {
    const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::NotCheckpoint => "not_a_checkpoint",
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    files: Vec<Anchor>,
    /// Which file each note is of.
    notes: Vec<(String, usize)>,
    bytes: Vec<(String, Vec<u8>)>,
}

impl Anchors {
    /// What the configuration names, and files that the page does.
    pub(super) fn known(config: &Config, added: &[AddedPlace]) -> Self {
        let mut anchors = Self::default();
        let every = config.anchoring.every;
        let mut files: Vec<&PathBuf> = config.anchoring.files.iter().collect();
        for one in added {
            match &one.target {
                Target::File { path } if !files.contains(&path) => files.push(path),
                _ => {}
            }
        }
        for path in files {
            anchors.read(path, Some(every));
            let log = log_of(path);
            if log.exists() {
                anchors.read(&log, None);
            }
        }
        anchors
    }

    /// Reads one more. Where one is to be written every so often, an old one is stale.
    pub(super) fn read(&mut self, path: &Path, every: Option<Duration>) {
        let number = self.files.len();
        let place = path.display().to_string();
        let mut anchor = Anchor {
            place: place.clone(),
            kept: None,
            size: None,
            checkpoints: 0,
            problem: None,
        };
        match std::fs::read(path) {
            Err(error) => anchor.problem = Some((Problem::Missing, error.to_string())),
            Ok(bytes) => {
                anchor.kept = written(path);
                anchor.problem = every.and_then(|every| stale(anchor.kept, every));
                for (line, note) in notes(&bytes) {
                    let size = size_of(&note);
                    anchor.size = anchor.size.max(size);
                    anchor.checkpoints += u64::from(size.is_some());
                    let name = match line {
                        Some(line) => format!("{place}:{line}"),
                        None => place.clone(),
                    };
                    self.notes.push((name.clone(), number));
                    self.bytes.push((name, note));
                }
            }
        }
        self.files.push(anchor);
    }

    /// What the ledger is to be held against.
    pub(super) fn take(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.bytes)
    }

    /// Notes what was found to be no checkpoint of this ledger.
    pub(super) fn judge(&mut self, verified: &Verified) {
        for (name, cause) in &verified.unusable {
            let of = self.notes.iter().find(|(note, _)| note == name);
            let Some(anchor) = of.and_then(|(_, number)| self.files.get_mut(*number)) else {
                continue;
            };
            let line = name.strip_prefix(&anchor.place).unwrap_or_default();
            let line = line.strip_prefix(':').map(|line| format!("line {line}: "));
            let says = format!("{}{cause}", line.unwrap_or_default());
            match &anchor.problem {
                Some((Problem::NotCheckpoint, _)) => {}
                // Whatever its age: it is none.
                _ => anchor.problem = Some((Problem::NotCheckpoint, says)),
            }
        }
    }

    /// Whether every one is there, of now, and a checkpoint of this ledger.
    pub(super) fn are_good(&self) -> bool {
        self.files.iter().all(|anchor| anchor.problem.is_none())
    }

    pub(super) fn json(&self, intact: bool) -> Vec<Value> {
        let one = |anchor: &Anchor| {
            let state = match &anchor.problem {
                Some((problem, _)) => problem.word(),
                None if intact => "good",
                // Which of them the ledger contradicts is not known.
                None => "unchecked",
            };
            json!({
                "place": anchor.place,
                "state": state,
                "size": anchor.size,
                "checkpoints": anchor.checkpoints,
                "kept": anchor.kept.map(|at| at.to_string()),
                "says": anchor.problem.as_ref().map(|(_, says)| says),
            })
        };
        self.files.iter().map(one).collect()
    }

    /// A line each. What was found good where not all is intact is not told.
    pub(super) fn lines(&self, intact: bool) -> Vec<String> {
        let one = |anchor: &Anchor| {
            let place = &anchor.place;
            match &anchor.problem {
                Some((Problem::Missing, cause)) => {
                    Some(format!("the anchor {place} is missing: {cause}"))
                }
                Some((Problem::Stale, how)) => Some(format!("the anchor {place} is stale: {how}")),
                Some((Problem::NotCheckpoint, cause)) => Some(format!(
                    "the anchor {place} is no checkpoint of this ledger: {cause}"
                )),
                None if !intact => None,
                None => Some(format!(
                    "the anchor {place} holds: {} entries",
                    HumanCount(anchor.size.unwrap_or(0))
                )),
            }
        };
        self.files.iter().filter_map(one).collect()
    }
}

fn size_of(note: &[u8]) -> Option<u64> {
    let note = std::str::from_utf8(note).ok()?;
    // An empty line stands before the signatures.
    let text = note.get(..=note.rfind("\n\n")?)?;
    Some(Checkpoint::parse(text).ok()?.head.size)
}

fn written(path: &Path) -> Option<Micros> {
    let at = path.metadata().ok()?.modified().ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(Micros)
}

fn stale(kept: Option<Micros>, every: Duration) -> Option<(Problem, String)> {
    let kept = kept?;
    let old = clock::now().0.saturating_sub(kept.0);
    let two = i64::try_from(every.as_micros())
        .unwrap_or(i64::MAX)
        .saturating_mul(2);
    (old > two).then(|| {
        let minutes = every.as_secs() / 60;
        let says = format!("it was written {kept}, and one is due every {minutes} minutes");
        (Problem::Stale, says)
    })
}

/// Mistakes that keep one from knowing which anchors are configured. Others are no matter here.
pub(super) fn in_the_way(mistakes: Mistakes) -> Result<(), Mistakes> {
    let of_anchors = |key: &str| key.is_empty() || key.split('.').next() == Some("ledger");
    let mut mistakes = mistakes;
    mistakes.0.retain(|mistake| of_anchors(&mistake.key));
    if mistakes.0.is_empty() {
        Ok(())
    } else {
        Err(mistakes)
    }
}
