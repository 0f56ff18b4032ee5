//! `pack.json` and `README.txt`: what is said about the rows.

use admintrail_event::{LogId, Micros, Seq, encode_text};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{PackAnchor, PackInfo};
use crate::{Checkpoint, Hash};

/// The form of packs that this program writes.
const VERSION: u8 = 1;

/// For whoever opens the pack first.
const README: &str = include_str!("README.txt");

/// `pack.json`, field by field.
#[derive(Serialize)]
pub(super) struct Facts<'a> {
    format: &'static str,
    version: u8,
    program: &'a str,
    made: String,
    made_by: &'a str,
    filter: &'a str,
    from: Option<String>,
    to: Option<String>,
    log: Option<String>,
    rows: u64,
    /// How many of them are as an erasure left them.
    erased: u64,
    /// First and last of each run of numbers that the rows have, on one line.
    seqs: Box<RawValue>,
    origin: &'a str,
    size: u64,
    root: Hash,
    key: String,
    anchors: Vec<Anchor<'a>>,
}

#[derive(Serialize)]
struct Anchor<'a> {
    place: &'a str,
    at: String,
    size: u64,
    root: Hash,
    path: &'a [Hash],
}

impl<'a> From<&'a PackAnchor> for Anchor<'a> {
    fn from(anchor: &'a PackAnchor) -> Self {
        Self {
            place: &anchor.place,
            at: anchor.at.to_string(),
            size: anchor.head.size,
            root: anchor.head.root,
            path: &anchor.consistency.path,
        }
    }
}

/// What follows from the rows of a pack.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The log of all of them.
    pub(super) log: Option<LogId>,
    /// Runs of numbers, first and last.
    pub(super) seqs: Vec<(u64, u64)>,
    /// How many are as an erasure left them.
    pub(super) erased: u64,
}

impl Rows {
    pub(super) fn count(&self) -> u64 {
        self.seqs.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Takes in the next one.
    pub(super) fn push(&mut self, log: LogId, seq: Seq) {
        self.log = Some(log);
        match self.seqs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seq.0) => *last = seq.0,
            _ => self.seqs.push((seq.0, seq.0)),
        }
    }
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        info: &'a PackInfo<'a>,
        checkpoint: &'a Checkpoint,
        anchors: &'a [PackAnchor],
        rows: &Rows,
    ) -> serde_json::Result<Self> {
        let shown = |moment: Option<Micros>| moment.map(|moment| moment.to_string());
        Ok(Self {
            format: "admintrail-proof-pack",
            version: VERSION,
            program: info.program,
            made: info.made.to_string(),
            made_by: info.made_by,
            filter: info.filter,
            from: shown(info.from),
            to: shown(info.to),
            log: rows.log.map(|log| log.to_string()),
            rows: rows.count(),
            erased: rows.erased,
            seqs: to_raw_value(&rows.seqs)?,
            origin: &checkpoint.origin,
            size: checkpoint.head.size,
            root: checkpoint.head.root,
            key: info.key.id().to_string(),
            anchors: anchors.iter().map(Anchor::from).collect(),
        })
    }

    /// The text for people, with these facts in it.
    pub(super) fn readme(&self, key: &str) -> String {
        let span = |from: &Option<String>, otherwise: &str| match from {
            Some(moment) => moment.clone(),
            None => otherwise.to_owned(),
        };
        let filter = match self.filter {
            "" => "everything",
            filter => filter,
        };
        let anchors = match self.anchors.as_slice() {
            [] => "none is known to the server that made this pack".to_owned(),
            anchors => anchors
                .iter()
                .map(|a| {
                    let Anchor {
                        place,
                        at,
                        size,
                        root,
                        ..
                    } = a;
                    format!("{place}, {at}: the first {size} entries, root\n    {root}")
                })
                .collect::<Vec<_>>()
                .join("\n  "),
        };
        let facts = [
            ("{rows}", self.rows.to_string()),
            ("{erased}", self.erased.to_string()),
            ("{filter}", filter.to_owned()),
            ("{from}", span(&self.from, "the beginning")),
            ("{to}", span(&self.to, "the end")),
            ("{made}", self.made.clone()),
            ("{made_by}", self.made_by.to_owned()),
            ("{program}", self.program.to_owned()),
            ("{origin}", self.origin.to_owned()),
            ("{size}", self.size.to_string()),
            ("{root}", self.root.to_string()),
            ("{key}", key.to_owned()),
            ("{anchors}", anchors),
        ];
        filled(README, &facts)
    }
}

/// The template with its words replaced; what is put in is not looked at again.
fn filled(template: &str, facts: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 1_024);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        match facts.iter().find(|(word, _)| after.starts_with(word)) {
            Some((word, fact)) => {
                // Anchors stand on lines of their own; all else stays on its line.
                let lines = fact.split('\n').map(encode_text);
                out.push_str(&lines.collect::<Vec<_>>().join("\n"));
                rest = after.strip_prefix(word).unwrap_or_default();
            }
            None => {
                out.push('{');
                rest = after.strip_prefix('{').unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_once_and_unknown_ones_stay() {
        let facts = [("{a}", "{b}\t".to_owned()), ("{b}", "x\ny".to_owned())];
        assert_eq!(filled("1 {a} {b} {c} {", &facts), "1 {b}%09 x\ny {c} {");
    }
}
