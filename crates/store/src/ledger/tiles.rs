//! The published tiles against those that the entries make: every file, also what no proof asks for.

use admintrail_event::Seq;
use admintrail_ledger::{
    Fault, FaultKind, LedgerError, TileFile, TileId, TileSource, TileWriter, TreeHead, VerifyError,
};
use hashbrown::HashMap;

use super::folder::Published;
use super::verify::Stop;
use crate::StoreError;

/// Makes the tiles anew as entries come.
pub(super) struct Tiles<'f> {
    published: &'f Published,
    writer: TileWriter,
    /// The tiles at the right edge, as they are at the end.
    edge: HashMap<TileId, (TileId, Vec<u8>)>,
    first: u64,
    size: u64,
    entries: u64,
}

impl<'f> Tiles<'f> {
    /// From an entry on; what is before it is believed.
    pub(super) fn from(published: &'f Published, head: TreeHead, first: u64) -> Result<Self, Stop> {
        let writer = if first == 0 {
            TileWriter::new()
        } else {
            let mut reader = admintrail_ledger::TileReader::new(published, head);
            let start = reader.consistency(first).map(|(start, _)| start);
            let resumed = start.and_then(|start| TileWriter::resume(published, start));
            resumed.map_err(|error| fault(error, Seq(1), first))?
        };
        Ok(Self {
            published,
            writer,
            edge: HashMap::new(),
            first,
            size: head.size,
            entries: first,
        })
    }

    /// The next entry, after which the event `next` comes.
    pub(super) fn entry(&mut self, entry: &[u8], next: Seq) -> Result<(), Stop> {
        let appended = self.writer.append(entry);
        appended.map_err(|error| fault(error, next, self.entries))?;
        self.entries += 1;
        if self
            .entries
            .is_multiple_of(admintrail_ledger::TILE_WIDTH.into())
        {
            self.compare(next)?;
        }
        Ok(())
    }

    fn compare(&mut self, next: Seq) -> Result<(), Stop> {
        for TileFile { tile, bytes } in self.writer.files() {
            if tile.is_partial() {
                self.edge.insert(tile.full(), (tile, bytes));
            } else {
                self.is_published(&tile, &bytes, next)?;
                self.edge.remove(&tile);
            }
        }
        self.writer.wrote();
        Ok(())
    }

    fn is_published(&self, tile: &TileId, bytes: &[u8], next: Seq) -> Result<(), Stop> {
        let found = self.published.read(tile);
        let found = found.map_err(|error| StoreError::NotReadable {
            path: tile.to_string().into(),
            cause: error.to_string(),
        })?;
        if found.as_deref() == Some(bytes) {
            Ok(())
        } else {
            Err(self.wrong(next))
        }
    }

    /// Everything was entered: the right edge, and partial tiles that nobody needs any more.
    pub(super) fn finish(mut self, next: Seq) -> Result<(), Stop> {
        self.compare(next)?;
        for (tile, bytes) in self.edge.values() {
            self.is_published(tile, bytes, next)?;
        }
        let files = self.published.files();
        let files = files.map_err(|error| StoreError::NotReadable {
            path: "ledger/tile".into(),
            cause: error.to_string(),
        })?;
        for path in files.iter().filter(|path| !path.ends_with(".part")) {
            let Ok(tile) = path.parse::<TileId>() else {
                return Err(self.wrong(next));
            };
            // A tile of a tree that grew meanwhile is not ours to judge, nor one that was checked.
            if !tile.is_partial() || tile.index() < self.first >> 8 {
                continue;
            }
            let whole = match self.edge.get(&tile.full()) {
                Some((_, whole)) => Some(whole.clone()),
                None => self.published.read(&tile.full()).ok().flatten(),
            };
            let found = self.published.read(&tile).ok().flatten();
            if let (Some(whole), Some(found)) = (whole, found)
                && !whole.starts_with(&found)
                && found.len() <= whole.len()
            {
                return Err(self.wrong(next));
            }
        }
        Ok(())
    }

    fn wrong(&self, next: Seq) -> Stop {
        VerifyError::Fault(Fault {
            kind: FaultKind::Tiles,
            first: next,
            last: next,
            entry: self.entries.min(self.size),
        })
        .into()
    }
}

fn fault(error: LedgerError, next: Seq, entry: u64) -> Stop {
    match error {
        LedgerError::TileUnreadable { .. } => VerifyError::CannotCheck(error).into(),
        _ => VerifyError::Fault(Fault {
            kind: FaultKind::Tiles,
            first: next,
            last: next,
            entry,
        })
        .into(),
    }
}
