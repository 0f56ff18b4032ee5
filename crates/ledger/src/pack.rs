//! The proof pack: events with their proofs in one zip, for somebody who has none of our software.
//!
//! | file | holds |
//! |---|---|
//! | `events.ndjson` | a line an event, in the order of numbers: `{"event":{…},"proof":{…}}`, or `{"event":{…},"erased":{…}}` |
//! | `events.csv` | the same events for reading, cell by cell safe to open in a spreadsheet |
//! | `checkpoint`, `key.txt` | the signed note as it is, and the key that it is checked with |
//! | `pack.json` | what was asked for, by whom and when, how many rows, which events, known anchors |
//! | `README.txt` | what this is, what it proves and what not, how to check it |
//! | `verify.html`, `verify.py` | two programs that check it, in a browser and by Python alone |
//!
//! `event` holds all fields of the canonical form by name and in its order, each as just the text
//! that is hashed or null, numbers too: whoever checks puts lengths before them and knows nothing of
//! events. A line has one spelling, that of compact JSON, so that nothing hides in it. `proof` is an
//! [`EventProof`](crate::EventProof) of an event as it was recorded, `erased` an
//! [`ErasedProof`](crate::ErasedProof) of one as an erasure left it. A row carries all that leads from it
//! to the checkpoint, though its block and its erasure stand in other rows too: whoever checks one row
//! needs no other, and a zip makes repetitions small.
//!
//! `events.csv` and the facts of `pack.json` that follow from rows and checkpoint are held against
//! those by both programs. The others (who asked, when, for what) nobody can prove: they are the word
//! of whoever made the pack, and are shown as that.

mod csv;
mod facts;
mod fields;
mod writer;

pub use writer::PackWriter;

use admintrail_event::Micros;

use crate::{ConsistencyProof, TreeHead, VerifierKey};

/// What a pack is about, apart from its rows.
#[derive(Debug, Clone)]
pub struct PackInfo<'a> {
    /// The signed note that all proofs lead to.
    pub checkpoint: &'a str,
    /// The key that signed it.
    pub key: &'a VerifierKey,
    /// The filter, in the words of the filter language; empty for everything.
    pub filter: &'a str,
    /// From which moment on, if one was given.
    pub from: Option<Micros>,
    /// Up to which moment, if one was given.
    pub to: Option<Micros>,
    /// When the pack was made.
    pub made: Micros,
    /// Who asked for it.
    pub made_by: &'a str,
    /// What made it, with its version.
    pub program: &'a str,
}

/// A checkpoint that somebody else keeps, with the proof that the pack's ledger begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackAnchor {
    /// Where it is kept, as people call that place.
    pub place: String,
    /// When it came there.
    pub at: Micros,
    /// Size and root that it has.
    pub head: TreeHead,
    /// From there to the checkpoint of the pack.
    pub consistency: ConsistencyProof,
}
