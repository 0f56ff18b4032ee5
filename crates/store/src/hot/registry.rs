//! What `trail.db` says of the archive: which segments count, from which seq on events are hot, and
//! in which blocks those were accepted.

use admintrail_event::{Micros, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use super::blocks::Cutter;
use super::database::Database;
use crate::StoreError;
use crate::archive::{Block, Name};

/// Something that is remembered under a name.
pub(crate) fn noted(connection: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
}

pub(crate) fn note(connection: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])?;
    Ok(())
}

/// Before this seq everything is sealed.
pub(crate) fn watermark(connection: &Connection) -> rusqlite::Result<Seq> {
    let kept = noted(connection, "watermark")?;
    let bytes = kept.and_then(|bytes| bytes.try_into().ok());
    Ok(Seq(bytes.map_or(0, u64::from_be_bytes)))
}

pub(crate) fn set_watermark(connection: &Connection, seq: Seq) -> rusqlite::Result<()> {
    note(connection, "watermark", &seq.0.to_be_bytes())
}

/// The segments that count, in the order of their events.
pub(crate) fn segments(connection: &Connection) -> rusqlite::Result<Vec<Name>> {
    connection
        .prepare("SELECT first_seq, last_seq, generation FROM segments ORDER BY first_seq")?
        .query_map([], |row| {
            Ok(Name {
                first: Seq(unsigned(row.get(0)?)),
                last: Seq(unsigned(row.get(1)?)),
                generation: row.get(2)?,
            })
        })?
        .collect()
}

pub(crate) fn add_segment(connection: &Connection, name: &Name) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO segments (first_seq, last_seq, generation) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            signed(name.first.0),
            signed(name.last.0),
            name.generation
        ])?;
    Ok(())
}

pub(crate) fn remove_segment(connection: &Connection, name: &Name) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM segments WHERE first_seq = ?1 AND generation = ?2")?
        .execute(params![signed(name.first.0), name.generation])?;
    Ok(())
}

pub(crate) fn add_block(connection: &Connection, block: &Block) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO blocks (first_seq, count, min_received, max_received)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            signed(block.first_seq),
            block.count,
            block.received.0,
            block.received.1,
        ])?;
    Ok(())
}

pub(crate) fn remove_blocks_below(connection: &Connection, seq: Seq) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM blocks WHERE first_seq < ?1")?
        .execute([signed(seq.0)])?;
    Ok(())
}

/// The closed blocks of hot.
pub(crate) fn blocks(connection: &Connection) -> rusqlite::Result<Vec<Block>> {
    connection
        .prepare(
            "SELECT first_seq, count, min_received, max_received FROM blocks ORDER BY first_seq",
        )?
        .query_map([], |row| {
            Ok(Block {
                first_seq: unsigned(row.get(0)?),
                count: row.get(1)?,
                received: (row.get(2)?, row.get(3)?),
            })
        })?
        .collect()
}

/// Closes the block that was open when the last server ended: its rows are there, its end is not.
pub(crate) fn close_open_block(
    database: &Database,
    connection: &mut Connection,
) -> Result<(), StoreError> {
    let wrong = |error: rusqlite::Error| database.opening_error(&error);
    let transaction = connection.transaction().map_err(wrong)?;
    let known = blocks(&transaction).map_err(wrong)?;
    let from = match known.last() {
        Some(block) => block.first_seq + u64::from(block.count),
        None => watermark(&transaction).map_err(wrong)?.0,
    };
    let mut cutter = Cutter::default();
    let mut ended = Vec::new();
    {
        let mut rows = transaction
            .prepare("SELECT seq, received FROM events WHERE seq >= ?1 ORDER BY seq")
            .map_err(wrong)?;
        let mut rows = rows.query([signed(from)]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let seq = Seq(unsigned(row.get(0).map_err(wrong)?));
            ended.extend(cutter.accept(seq, Micros(row.get(1).map_err(wrong)?)));
        }
    }
    for block in ended.into_iter().chain(cutter.close()) {
        add_block(&transaction, &block).map_err(wrong)?;
    }
    transaction.commit().map_err(wrong)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
