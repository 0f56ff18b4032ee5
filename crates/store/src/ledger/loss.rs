//! Going on after an older copy of a file was put back: what is lost is said in the ledger.

use std::path::Path;

use admintrail_event::{Micros, Seq};
use admintrail_ledger::{
    Declaration, LedgerEntry, Statement, StatementKind, TILE_WIDTH, TileReader, TreeHead,
};

use super::block::ToKeep;
use super::database::LedgerDatabase;
use super::folder::Published;
use super::key::signing_key;
use super::opening::read_checkpoint;
use crate::StoreError;
use crate::folder::FolderLock;
use crate::hot::{Access, Database, watermark};

/// Says in the ledger of a data folder that the events between what is left and what was published are
/// lost, so that the trail opens again; their numbers are not given out again. `None` if nothing is.
///
/// The statement is published by the next start.
///
/// # Errors
/// STORE-001 while a server has the folder; STORE-003 and 007 for what is damaged or unreadable.
pub fn accept_loss(dir: &Path, by: &str, now: Micros) -> Result<Option<Statement>, StoreError> {
    let _lock = FolderLock::take(dir)?;
    let database = Database::in_folder(dir);
    let mut connection = database.connect(Access::Write)?;
    let log = database.prepare(&mut connection, crate::trail::fresh_log()?)?;
    let first_hot = watermark(&connection).map_err(|error| database.opening_error(&error))?;
    let seqs = database.seqs(&connection, first_hot)?;
    let last = seqs.map_or(Seq(first_hot.0.saturating_sub(1)), |(_, last)| last);
    let key = signing_key(dir, log)?;
    let published = Published::below(dir);
    let head = read_checkpoint(dir, &published, &key)?.map(|(_, checkpoint)| checkpoint.head);
    let mut private = LedgerDatabase::open(dir, Access::Write)?;
    let (size, next) = private.end()?;
    let mut lost: Option<(Seq, Seq)> = None;
    let mut widen = |first: Seq, last: Seq| {
        let (from, to) = lost.unwrap_or((first, last));
        lost = Some((from.min(first), to.max(last)));
    };
    let missing = (Seq(last.0 + 1), Seq(next.0.saturating_sub(1)));
    if missing.0 <= missing.1 && !private.is_lost(missing)? {
        // A block of which a part is left cannot be proven.
        let cut = private.blocks(Seq(last.0 + 1), Seq(last.0 + 1))?;
        let first = cut.first().map_or(Seq(last.0 + 1), |block| block.first);
        widen(first, Seq(next.0 - 1));
    }
    let covered = head.map_or(size, |head| head.size.max(size));
    if let Some(head) = head.filter(|head| head.size > size) {
        for block in blocks_from(dir, &published, head, size)? {
            widen(block.0, block.1);
        }
    }
    let Some((first, last)) = lost else {
        return Ok(None);
    };
    let statement = Statement::new(Declaration {
        kind: StatementKind::Loss,
        at: now,
        first,
        last,
        events: last.0 - first.0 + 1,
        cutoff: None,
        panel: None,
        subject: None,
        by: by.to_owned(),
        approved_by: None,
        reason: None,
        after: None,
    })
    .map_err(|error| StoreError::CannotRecord {
        cause: error.to_string(),
    })?;
    private.skip_to(covered)?;
    private.add_statement(&statement, &ToKeep::default(), None, Some(Seq(last.0 + 1)))?;
    Ok(Some(statement))
}

/// The events of the blocks from an entry on.
fn blocks_from(
    dir: &Path,
    published: &Published,
    head: TreeHead,
    from: u64,
) -> Result<Vec<(Seq, Seq)>, StoreError> {
    let width = u64::from(TILE_WIDTH);
    let mut reader = TileReader::new(published, head);
    let mut blocks = Vec::new();
    for bundle in from / width..head.size.div_ceil(width) {
        let entries = reader.bundle(bundle).map_err(|error| StoreError::Damaged {
            path: dir.join("ledger"),
            cause: error.to_string(),
        })?;
        for (index, entry) in (bundle * width..).zip(entries) {
            if let (true, Ok(LedgerEntry::Block(block))) =
                (index >= from, LedgerEntry::parse(&entry))
            {
                blocks.push((block.first(), block.last()));
            }
        }
    }
    Ok(blocks)
}
