//! What the ledger itself says about events that are no longer as they were recorded.
//!
//! Whoever may remove or rewrite events has to say so first, in an entry that the next checkpoint
//! signs; what nobody declared is a fault. The bytes of a statement:
//!
//! ```text
//! 0x02 ‖ version 0x01 ‖ kind u8 ‖ at i64be ‖ first seq u64be ‖ last seq u64be ‖ events u64be
//!      ‖ cutoff ‖ panel ‖ subject ‖ by ‖ approved by ‖ reason ‖ after
//! ```
//!
//! The fields of the second line are `u32be length ‖ bytes` each, with the length `ffffffff` for one
//! that is not given: as in the canonical bytes of an event. `cutoff` is an i64be, `reason` and `after`
//! are 32 bytes, all others are UTF-8.

use admintrail_event::{Limits, Micros, Seq, encode_text};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::entry::take;
use crate::{Hash, LedgerError};

/// The form that this program writes.
const VERSION: u8 = 1;

/// The length that says "not given".
const ABSENT: u32 = u32::MAX;

/// What became of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StatementKind {
    /// They were removed because they had been kept long enough.
    Retention = 1,
    /// A person was erased: name, address and agent gave way to a pseudonym.
    Erasure = 2,
    /// They were lost, or their numbers never given out: a restored backup, a repaired file.
    Loss = 3,
}

impl StatementKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Retention, Self::Erasure, Self::Loss];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Erasure => "erasure",
            Self::Loss => "loss",
        }
    }

    /// The byte that stands for it; never reused for another meaning.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// What a statement says, before it is known whether it can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// What became of the events.
    pub kind: StatementKind,
    /// When it was said.
    pub at: Micros,
    /// The first event that may be meant.
    pub first: Seq,
    /// The last event that may be meant. A retention or an erasure is about events whose blocks
    /// stand before it in the ledger; a loss may be about numbers that come next.
    pub last: Seq,
    /// How many of those are meant.
    pub events: u64,
    /// Only events received before this moment.
    pub cutoff: Option<Micros>,
    /// Only events of this panel.
    pub panel: Option<String>,
    /// The pseudonym of whoever was erased.
    pub subject: Option<String>,
    /// Who decided: an account, or the setting that did.
    pub by: String,
    /// Who else had to agree.
    pub approved_by: Option<String>,
    /// Why, sealed: it may itself be about the person.
    pub reason: Option<ReasonSeal>,
    /// Root over the hashes of the events as they were rewritten, in the order of their numbers: what
    /// an erasure leaves is held against it from then on.
    pub after: Option<Hash>,
}

/// That events were removed, rewritten or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(Declaration);

impl Statement {
    /// A statement that says this.
    ///
    /// # Errors
    /// LEDGER-022 if its range is empty or begins with 0, if it means no event or more than the range
    /// has, or if a text is empty, longer than [`Limits::TEXT`] or would move, colour or turn a line
    /// that it is printed on.
    pub fn new(declared: Declaration) -> Result<Self, LedgerError> {
        let wrong = |cause| Err(LedgerError::NotStatement { cause });
        if declared.first.0 == 0 || declared.first > declared.last {
            return wrong("its range of events is none");
        }
        // One less than the number of events in the range, which may be 2^64 - 1.
        let span = declared.last.0 - declared.first.0;
        if declared.events == 0 || declared.events - 1 > span {
            return wrong("it means no events, or more than its range has");
        }
        let Declaration {
            panel,
            subject,
            by,
            approved_by,
            ..
        } = &declared;
        let optional = [panel, subject, approved_by];
        for text in optional.into_iter().flatten().chain([by]) {
            if text.is_empty() || text.len() > Limits::TEXT {
                return wrong("a text of it is empty or longer than 1,024 bytes");
            }
            if encode_text(text) != text.as_str() {
                return wrong("a text of it has control characters");
            }
        }
        Ok(Self(declared))
    }

    /// What it says.
    #[must_use]
    pub const fn declared(&self) -> &Declaration {
        &self.0
    }

    /// Whether it says that somebody was erased.
    #[must_use]
    pub fn erases(&self) -> bool {
        self.0.kind == StatementKind::Erasure
    }

    /// Whether it speaks of this event.
    #[must_use]
    pub fn covers(&self, seq: Seq) -> bool {
        (self.0.first..=self.0.last).contains(&seq)
    }

    /// Appends what follows the first byte of the entry.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Declaration {
            kind,
            at,
            first,
            last,
            events,
            cutoff,
            panel,
            subject,
            by,
            approved_by,
            reason,
            after,
        } = &self.0;
        out.extend_from_slice(&[VERSION, kind.code()]);
        out.extend_from_slice(&at.0.to_be_bytes());
        for number in [first.0, last.0, *events] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        let cutoff = cutoff.map(|cutoff| cutoff.0.to_be_bytes());
        push(out, cutoff.as_ref().map(<[u8; 8]>::as_slice));
        push(out, panel.as_deref().map(str::as_bytes));
        push(out, subject.as_deref().map(str::as_bytes));
        push(out, Some(by.as_bytes()));
        push(out, approved_by.as_deref().map(str::as_bytes));
        push(out, reason.as_ref().map(|seal| seal.0.as_slice()));
        push(out, after.as_ref().map(|root| root.0.as_slice()));
    }

    /// Reads what follows the first byte of the entry.
    pub(super) fn parse(rest: &[u8]) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotStatement { cause };
        match rest.split_first() {
            Some((&VERSION, rest)) => {
                let read = read(rest).ok_or(wrong("its bytes end inside a field, or go on"))?;
                Self::new(read.map_err(wrong)?)
            }
            Some((&version, _)) => Err(LedgerError::NewerEntry { kind: 2, version }),
            None => Err(wrong("it has no version")),
        }
    }
}

/// The fields of version 1. `None` if the bytes are too few or too many; inside, what is wrong with
/// one of them.
fn read(mut rest: &[u8]) -> Option<Result<Declaration, &'static str>> {
    let [kind] = take(&mut rest)?;
    let at = Micros(i64::from_be_bytes(take(&mut rest)?));
    let first = Seq(u64::from_be_bytes(take(&mut rest)?));
    let last = Seq(u64::from_be_bytes(take(&mut rest)?));
    let events = u64::from_be_bytes(take(&mut rest)?);
    let cutoff = field(&mut rest)?;
    let panel = field(&mut rest)?;
    let subject = field(&mut rest)?;
    let by = field(&mut rest)?;
    let approved_by = field(&mut rest)?;
    let reason = field(&mut rest)?;
    let after = field(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let declared = || {
        Ok(Declaration {
            kind: StatementKind::from_code(kind).ok_or("its kind is none")?,
            at,
            first,
            last,
            events,
            cutoff: exact(cutoff)?.map(|bytes| Micros(i64::from_be_bytes(bytes))),
            panel: text(panel)?,
            subject: text(subject)?,
            by: text(by)?.ok_or("it does not say on whose word")?,
            approved_by: text(approved_by)?,
            reason: exact(reason)?.map(ReasonSeal),
            after: exact(after)?.map(Hash),
        })
    };
    Some(declared())
}

fn push(out: &mut Vec<u8>, field: Option<&[u8]>) {
    // Longer ones are refused before.
    let length = field.map_or(ABSENT, |bytes| {
        u32::try_from(bytes.len()).unwrap_or(ABSENT - 1)
    });
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field.unwrap_or_default());
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match u32::from_be_bytes(take(rest)?) {
        ABSENT => Some(None),
        length => {
            let (field, after) = rest.split_at_checked(length as usize)?;
            *rest = after;
            Some(Some(field))
        }
    }
}

fn exact<const N: usize>(field: Option<&[u8]>) -> Result<Option<[u8; N]>, &'static str> {
    let bytes = field.map(<[u8; N]>::try_from).transpose();
    bytes.map_err(|_| "its cutoff, reason or root has another length")
}

fn text(field: Option<&[u8]>) -> Result<Option<String>, &'static str> {
    let text = field.map(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
    text.transpose().map_err(|_| "a text of it is not UTF-8")
}

/// A reason that can be shown later to be the one of then, and cannot be guessed before:
/// `HMAC-SHA256(32 random bytes, reason)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonSeal(pub [u8; 32]);

impl ReasonSeal {
    /// Seals a reason with 32 random bytes, which must be kept beside it for it to be shown.
    #[must_use]
    pub fn new(blind: &[u8; 32], reason: &str) -> Self {
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(32);
        key.copy_from_slice(blind);
        let mac = Hmac::<Sha256>::new(&block.into());
        Self(mac.chain_update(reason).finalize().into_bytes().into())
    }

    /// Whether it was this reason.
    #[must_use]
    pub fn fits(&self, blind: &[u8; 32], reason: &str) -> bool {
        *self == Self::new(blind, reason)
    }
}
