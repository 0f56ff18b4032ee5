//! The opaque text of a page's place.

use std::fmt;

use admintrail_event::{LogId, Micros, Seq};

use crate::StoreError;
use crate::query::{Cursor, Position, Since};

/// Version of the encoding; another one means other fields.
const VERSION: u8 = 1;
const BEFORE: u8 = 0;
const AFTER: u8 = 1;
const BYTES: usize = 2 + 8 + 16 + 8;

impl Cursor {
    /// Reads what [`std::fmt::Display`] wrote.
    ///
    /// # Errors
    /// STORE-006 for anything else.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let bytes = from_hex(text).ok_or(StoreError::BadCursor)?;
        let (head, rest) = bytes.split_at(2);
        let (time, rest) = rest.split_at(8);
        let (log, seq) = rest.split_at(16);
        let position = Position {
            time: Micros(i64::from_be_bytes(
                time.try_into().map_err(|_| StoreError::BadCursor)?,
            )),
            log: LogId(log.try_into().map_err(|_| StoreError::BadCursor)?),
            seq: Seq(u64::from_be_bytes(
                seq.try_into().map_err(|_| StoreError::BadCursor)?,
            )),
        };
        match head {
            [VERSION, BEFORE] => Ok(Self(Since::Before(position))),
            [VERSION, AFTER] => Ok(Self(Since::After(position))),
            _ => Err(StoreError::BadCursor),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, position) = match self.0 {
            Since::Before(position) => (BEFORE, position),
            Since::After(position) => (AFTER, position),
        };
        write!(
            f,
            "{VERSION:02x}{side:02x}{:016x}{}{:016x}",
            position.time.0, position.log, position.seq.0
        )
    }
}

fn from_hex(text: &str) -> Option<[u8; BYTES]> {
    if text.len() != BYTES * 2 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits)
            .ok()
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let position = Position {
            time: Micros(-5),
            log: LogId([7; 16]),
            seq: Seq(u64::MAX),
        };
        for since in [Since::Before(position), Since::After(position)] {
            let text = Cursor(since).to_string();
            assert_eq!(Cursor::parse(&text).unwrap(), Cursor(since));
            assert!(Cursor::parse(&text[1..]).is_err());
            assert!(Cursor::parse(&text.replacen("01", "02", 1)).is_err());
        }
        for bad in ["", "x", &"+".repeat(BYTES * 2), &"é".repeat(BYTES)] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
