//! What became of the lines, summed up and told.

use std::path::Path;

use crate::cli::output;
use crate::control_socket::{ImportReport, LineError, events};

/// Kinds of mistakes that are named, and lines of each.
const NAMED: usize = 20;

/// Sums of what became of lines, which come in order. However many are wrong, little is kept.
#[derive(Default)]
pub(super) struct Tally {
    accepted: u64,
    duplicates: u64,
    own: u64,
    wrong: u64,
    /// What is wrong with many lines is said once.
    kinds: Vec<Kind>,
    /// Lines whose mistake is of a kind beyond [`NAMED`].
    others: u64,
}

/// A mistake, and the lines that have it.
struct Kind {
    message: String,
    first: u64,
    /// Those after the first, if they are few.
    more: Vec<u64>,
    count: u64,
    last: u64,
}

impl Tally {
    /// Lines that were taken, or left out rightly.
    pub(super) fn taken(&self) -> u64 {
        self.accepted + self.duplicates + self.own
    }

    /// Whether every line was.
    pub(super) fn is_whole(&self) -> bool {
        self.wrong == 0
    }

    pub(super) fn add(&mut self, report: ImportReport) {
        self.accepted += report.accepted;
        self.duplicates += report.duplicates;
        self.own += report.own;
        report.errors.into_iter().for_each(|error| self.note(error));
    }

    pub(super) fn note(&mut self, error: LineError) {
        let LineError { line, message } = error;
        self.wrong += 1;
        if let Some(kind) = self.kinds.iter_mut().find(|kind| kind.message == message) {
            if kind.more.len() <= NAMED {
                kind.more.push(line);
            }
            kind.count += 1;
            kind.last = line;
        } else if self.kinds.len() < NAMED {
            self.kinds.push(Kind {
                message,
                first: line,
                more: Vec::new(),
                count: 1,
                last: line,
            });
        } else {
            self.others += 1;
        }
    }

    /// Tells what is wrong, then how much was taken.
    pub(super) fn tell(&self, file: &Path) {
        self.kinds.iter().for_each(|kind| kind.tell(file));
        match self.others {
            0 => {}
            1 => output::say("… and 1 more line"),
            others => output::say(&format!("… and {others} more lines")),
        }
        if self.own > 0 {
            let was = if self.own == 1 { "was" } else { "were" };
            output::say(&format!(
                "{} of Admintrail's own use {was} left out: nobody adds to that record",
                events(self.own)
            ));
        }
        let mut parts = vec![format!("{} imported", self.accepted)];
        if self.duplicates > 0 {
            let was = if self.duplicates == 1 { "was" } else { "were" };
            parts.push(format!("{} {was} there already", self.duplicates));
        }
        if self.wrong > 0 {
            parts.push(format!(
                "{} not taken; correct them and import the file again",
                self.wrong
            ));
        }
        output::say(&parts.join(", "));
    }
}

impl Kind {
    fn tell(&self, file: &Path) {
        let Self { message, first, .. } = self;
        output::say(&format!("{}:{first}: {message}", file.display()));
        match self.more.as_slice() {
            [] => {}
            [line] => output::say(&format!("  and line {line}")),
            [others @ .., last] if others.len() < NAMED => {
                let others: Vec<String> = others.iter().map(u64::to_string).collect();
                output::say(&format!("  and lines {} and {last}", others.join(", ")));
            }
            _ => output::say(&format!(
                "  and {} more lines, up to line {}",
                self.count - 1,
                self.last
            )),
        }
    }
}
