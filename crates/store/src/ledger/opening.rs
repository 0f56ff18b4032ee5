//! What a start finds of the ledger, and whether it goes on from there.

use std::path::Path;

use admintrail_event::{LogId, Micros, Seq};
use admintrail_ledger::{
    Checkpoint, Declaration, Hash, Statement, StatementKind, TileReader, TileWriter, TreeHead,
};

use super::block::ToKeep;
use super::database::LedgerDatabase;
use super::folder::Published;
use super::key::signing_key;
use super::status::LedgerState;
use crate::StoreError;
use crate::hot::Access;

/// The ledger of a data folder, ready to go on.
pub(crate) struct Opened {
    pub(super) database: LedgerDatabase,
    pub(super) tiles: TileWriter,
    pub(super) published: Published,
    pub(super) key: admintrail_ledger::SigningKey,
    pub(super) state: LedgerState,
    /// There is no checkpoint, or none that covers all entries.
    pub(super) behind: bool,
    /// The first event that is in no block.
    pub(crate) next: Seq,
}

/// What the trail has, that the ledger is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrailEnd {
    /// The first event that is not sealed.
    pub(crate) watermark: Seq,
    pub(crate) last: Seq,
    pub(crate) now: Micros,
}

/// Opens the ledger, or begins it: then what is sealed already is declared to be before it.
///
/// # Errors
/// STORE-011 if it is ahead of the trail; STORE-003 and 007 for what is damaged or unreadable.
pub(crate) fn open(dir: &Path, log: LogId, end: TrailEnd) -> Result<Opened, StoreError> {
    let key = signing_key(dir, log)?;
    let published = Published::below(dir);
    let mut database = LedgerDatabase::open(dir, Access::Write)?;
    let checkpoint = read_checkpoint(dir, &published, &key)?;
    let (size, mut next) = database.end()?;
    let head = checkpoint.as_ref().map(|(_, checkpoint)| checkpoint.head);
    let covered = head.map_or(0, |head| head.size);
    let missing = (Seq(end.last.0 + 1), Seq(next.0.saturating_sub(1)));
    let is_ahead = missing.0 <= missing.1 && !database.is_lost(missing)?;
    if covered > size || is_ahead {
        return Err(StoreError::LedgerAhead {
            entries: covered.max(size),
            known: size,
            next,
            last: end.last,
        });
    }
    if size == 0 && end.watermark.0 > 1 {
        next = end.watermark;
        database.begin_at(next)?;
        database.add_statement(&began(end)?, &ToKeep::default(), None, None)?;
    }
    let mut tiles = match head {
        Some(head) => TileWriter::resume(&published, head).map_err(|error| ledger(dir, &error))?,
        None => TileWriter::new(),
    };
    let mut at = covered;
    for (index, bytes) in database.pending(covered.saturating_sub(1))? {
        if index < covered {
            same_leaf(dir, &published, head, index, &bytes)?;
        } else if index == at {
            tiles.append(&bytes).map_err(|error| ledger(dir, &error))?;
            at += 1;
        }
    }
    if at != database.end()?.0 {
        return Err(ledger_damaged(
            dir,
            "entries are missing that were not published yet",
        ));
    }
    let state = LedgerState {
        origin: key.name().to_owned(),
        key: key.public().to_string(),
        entries: covered,
        next_seq: next,
        checkpoint: checkpoint.map_or_else(String::new, |(note, _)| note),
        ..LedgerState::default()
    };
    Ok(Opened {
        // A ledger without entries is signed, too: one without a checkpoint is no ledger.
        behind: at > covered || head.is_none(),
        database,
        tiles,
        published,
        key,
        state,
        next,
    })
}

/// The published checkpoint, if its signature is the key's.
pub(super) fn read_checkpoint(
    dir: &Path,
    published: &Published,
    key: &admintrail_ledger::SigningKey,
) -> Result<Option<(String, Checkpoint)>, StoreError> {
    let bytes = published
        .checkpoint()
        .map_err(|error| StoreError::NotReadable {
            path: dir.join("ledger/checkpoint"),
            cause: error.to_string(),
        })?;
    let Some(bytes) = bytes else { return Ok(None) };
    let checkpoint = Checkpoint::open(&bytes, std::slice::from_ref(key.public()))
        .map_err(|error| ledger(dir, &error))?;
    Ok(Some((
        String::from_utf8_lossy(&bytes).into_owned(),
        checkpoint,
    )))
}

/// Whether the last published entry is the one that is known here: a folder that was put back from a
/// copy may have gone on another way.
fn same_leaf(
    dir: &Path,
    published: &Published,
    head: Option<TreeHead>,
    index: u64,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let Some(head) = head else { return Ok(()) };
    let leaf = TileReader::new(published, head).leaf(index);
    match leaf.map_err(|error| ledger(dir, &error))? {
        leaf if leaf == Hash::of_leaf(bytes) => Ok(()),
        _ => Err(ledger_damaged(
            dir,
            "the published ledger has another last entry than ledger.db",
        )),
    }
}

/// Events that were sealed before there was a ledger are not in it.
fn began(end: TrailEnd) -> Result<Statement, StoreError> {
    let last = Seq(end.watermark.0 - 1);
    Statement::new(Declaration {
        kind: StatementKind::Loss,
        at: end.now,
        first: Seq(1),
        last,
        events: last.0,
        cutoff: None,
        panel: None,
        subject: None,
        by: "the ledger begins after them".to_owned(),
        approved_by: None,
        reason: None,
        after: None,
    })
    .map_err(|error| StoreError::CannotRecord {
        cause: error.to_string(),
    })
}

/// What is wrong with the published ledger.
fn ledger(dir: &Path, error: &admintrail_ledger::LedgerError) -> StoreError {
    ledger_damaged(dir, &error.to_string())
}

fn ledger_damaged(dir: &Path, cause: &str) -> StoreError {
    StoreError::Damaged {
        path: dir.join("ledger"),
        cause: cause.to_owned(),
    }
}
