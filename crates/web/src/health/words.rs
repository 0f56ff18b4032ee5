//! What happened, what it means, what to do.

use admintrail_event::Micros;

use super::condition::Fault;
use super::facts::Disk;
use crate::pages::wording::number::{bytes, counted, lasted};

/// `the clock is 3,650 days ahead of what is on record`
pub(crate) fn clock_ahead(seconds: i64) -> String {
    let far = seconds.unsigned_abs();
    let far = match far / 86_400 {
        0..3 => lasted(far.saturating_mul(1_000_000)),
        days => counted(days, "day", "days"),
    };
    let way = if seconds < 0 { "behind" } else { "ahead of" };
    format!("the clock is {far} {way} what is on record")
}

/// The sentences of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// A few words, for a heading or the subject of a mail.
    pub title: String,
    /// What happened.
    pub what: String,
    /// What that means.
    pub means: String,
    /// What to do about it.
    pub remedy: String,
}

impl Words {
    /// Of a condition that holds; `at` writes moments as the reader is used to.
    #[must_use]
    pub fn of(fault: &Fault, since: Micros, at: &dyn Fn(Micros) -> String) -> Self {
        let (title, what, means, remedy) = match fault {
            Fault::RecordingStopped { cause } => (
                "Recording stopped".to_owned(),
                format!(
                    "Recording stopped {}; rows are complete until then.",
                    at(since)
                ),
                format!(
                    "Nothing can be written: {cause}. Panels refuse changes, or let them pass \
                     and only count them, as on_failure says."
                ),
                "Mend what is named here; recording goes on by itself.".to_owned(),
            ),
            Fault::LedgerTampered { first_seq, says } => (
                "The record was tampered with".to_owned(),
                format!(
                    "The record is not as its ledger has it, from event {first_seq} on; found {}.",
                    at(since)
                ),
                format!(
                    "It says: {says}. What stands before that event is as it was recorded; what \
                     comes after it was not looked at."
                ),
                "Stop whoever may write to the data folder, keep a copy of it as it is, and run \
                 admintrail verify on that copy. Then put the folder back from a backup; the next \
                 verification that finds it intact ends this."
                    .to_owned(),
            ),
            Fault::SegmentDamaged { name, cause } => (
                "Part of the archive is damaged".to_owned(),
                format!("The segment {name} of the archive cannot be read."),
                format!(
                    "It says: {cause}. Its events are missing from every answer; all others are \
                     there."
                ),
                "Put the file back from a backup: it is read again within a minute. Have the \
                 disk checked."
                    .to_owned(),
            ),
            Fault::Gap {
                panel,
                requests,
                says,
            } => {
                let n = counted(*requests, "request", "requests");
                let (they, have, their) = if *requests == 1 {
                    ("It is", "has", "its")
                } else {
                    ("They are", "have", "their")
                };
                (
                    format!("Requests to {panel} without a record"),
                    format!("{n} to {panel} {have} no record of {their} own."),
                    format!("{they} counted, but who did what is not known. The gap says: {says}."),
                    "Read in the log why recording failed then, and mend that.".to_owned(),
                )
            }
            Fault::DiskLow { free, total } => {
                let (free, total) = (*free, *total);
                let permille = Disk { free, total }.free_permille();
                (
                    "Disk nearly full".to_owned(),
                    format!(
                        "The disk of the data folder has {}.{} % left ({} of {}).",
                        permille / 10,
                        permille % 10,
                        bytes(free),
                        bytes(total)
                    ),
                    "When it is full, recording stops and panels refuse changes.".to_owned(),
                    "Free some space, or keep events for a shorter time.".to_owned(),
                )
            }
            Fault::ArchiveStopped { cause } => (
                "Archiving stopped".to_owned(),
                format!("Nothing could be archived since {}.", at(since)),
                format!(
                    "It says: {cause}. Nothing is lost, and recording goes on; searches take longer \
                     and memory fills."
                ),
                "Mend what is named here; archiving is tried again by itself.".to_owned(),
            ),
            Fault::RetentionPaused { ahead_s } => (
                "Retention is paused".to_owned(),
                format!(
                    "Nothing is deleted any more: {}, seen {}.",
                    clock_ahead(*ahead_s),
                    at(since)
                ),
                "By such a clock events would seem older than they are, and go too early. The disk \
                 may fill meanwhile."
                    .to_owned(),
                "Set the clock right; or, if it is right, an owner says so under Settings → \
                 Retention."
                    .to_owned(),
            ),
            Fault::ArchiveBehind { events } => (
                "The archive is behind".to_owned(),
                format!(
                    "{} wait to be archived.",
                    counted(*events, "event", "events")
                ),
                "Nothing is lost; searches take longer and memory fills.".to_owned(),
                "Read in the log why archiving fails; it may be the disk.".to_owned(),
            ),
            Fault::LedgerBehind { events, cause } => (
                "The ledger is behind".to_owned(),
                match events {
                    0 => format!("The ledger cannot be written since {}.", at(since)),
                    n => format!(
                        "{} from {} on {} not in the published ledger yet.",
                        counted(*n, "event", "events"),
                        at(since),
                        if *n == 1 { "is" } else { "are" }
                    ),
                },
                match cause {
                    Some(cause) => format!(
                        "It says: {cause}. Nothing is lost, and recording goes on; until the ledger \
                         has caught up nobody could prove that those events are as they were."
                    ),
                    None => "Nothing is lost, and recording goes on; until the ledger has caught up \
                             nobody could prove that those events are as they were."
                        .to_owned(),
                },
                "See that the data folder can be written and the disk is fast enough; it catches up \
                 by itself."
                    .to_owned(),
            ),
            Fault::ClockUnsynchronised => (
                "The clock is not synchronised".to_owned(),
                "No time server was heard for a while.".to_owned(),
                "The clock of this machine may be wrong, and so may the times on record."
                    .to_owned(),
                "See what timedatectl timesync-status says, and let UDP 123 out.".to_owned(),
            ),
            Fault::ClockLeap { by_s } => {
                let far = lasted(by_s.unsigned_abs().saturating_mul(1_000_000));
                let way = if *by_s < 0 { "back" } else { "ahead" };
                (
                    "The clock leapt".to_owned(),
                    format!(
                        "The clock of this machine leapt {far} {way}, seen {}.",
                        at(since)
                    ),
                    "Times around then are not comparable. The order in which events came is \
                     kept, and nothing is deleted on account of it."
                        .to_owned(),
                    "Find out what set the clock, and set it right; this ends when it is, or \
                     after a day."
                        .to_owned(),
                )
            }
            Fault::AnchorStale { place, cause } => (
                format!("No anchor at {place}"),
                format!(
                    "No checkpoint of the ledger was kept at {place} since {}.",
                    at(since)
                ),
                format!(
                    "It says: {cause}. What was recorded since then could be rewritten by whoever \
                     owns this machine, unless another anchor covers it."
                ),
                "Mend what is named here; the next checkpoint is sent by itself.".to_owned(),
            ),
            Fault::ErasureStopped { cause } => (
                "An erasure is not done".to_owned(),
                format!(
                    "Somebody who is to be erased is still on record; the first attempt failed {}.",
                    at(since)
                ),
                format!("It says: {cause}."),
                "Mend what is named here; it is tried again every minute.".to_owned(),
            ),
        };
        Self {
            title,
            what,
            means,
            remedy,
        }
    }

    /// What is said when it is over.
    #[must_use]
    pub fn over(fault: &Fault, since: Micros, at: &dyn Fn(Micros) -> String) -> String {
        match fault {
            Fault::RecordingStopped { .. } => {
                format!("Recording works again; it had stopped {}.", at(since))
            }
            Fault::LedgerTampered { .. } => {
                "A verification found the record as its ledger has it again.".to_owned()
            }
            Fault::SegmentDamaged { name, .. } => {
                format!("The segment {name} of the archive is not reported as damaged any more.")
            }
            Fault::Gap { panel, .. } => {
                format!("For an hour no request to {panel} passed without a record.")
            }
            Fault::DiskLow { .. } => "The disk of the data folder has room again.".to_owned(),
            Fault::ArchiveStopped { .. } => "Archiving works again.".to_owned(),
            Fault::RetentionPaused { .. } => {
                "Retention goes on; what is too old is deleted again.".to_owned()
            }
            Fault::ArchiveBehind { .. } => "The archive has caught up.".to_owned(),
            Fault::LedgerBehind { .. } => "The ledger has caught up.".to_owned(),
            Fault::ClockUnsynchronised => {
                "The clock is not reported as unsynchronised any more.".to_owned()
            }
            Fault::ClockLeap { .. } => {
                "The clock is back, or a day has passed since it leapt.".to_owned()
            }
            Fault::AnchorStale { place, .. } => {
                format!("Checkpoints of the ledger are kept at {place} again.")
            }
            Fault::ErasureStopped { .. } => {
                "The erasure that could not be done is done.".to_owned()
            }
        }
    }
}
