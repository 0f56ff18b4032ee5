//! Some lines of a file.

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

/// Most bytes of a block, and so of a line with its end.
pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;

/// Most lines of a block.
pub(crate) const BLOCK_LINES: usize = 2_000;

/// Whole lines as they stand in a file, beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Number of the first, from 1 on.
    pub(crate) first: u64,
    /// At most [`BLOCK_BYTES`]; the file's last line may lack its end.
    pub(crate) bytes: Bytes,
}

impl Block {
    /// Blocks as they come.
    pub(crate) fn stream(mut blocks: mpsc::Receiver<Self>) -> impl Stream<Item = Self> {
        stream::poll_fn(move |context| blocks.poll_recv(context))
    }

    /// How many lines it has.
    pub(super) fn count(&self) -> usize {
        let ends = memchr::memchr_iter(b'\n', &self.bytes).count();
        ends + usize::from(!self.bytes.ends_with(b"\n"))
    }

    /// Each line without its end, and its number.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = self.bytes.as_ref();
        let lines = std::iter::from_fn(move || {
            let end = match memchr::memchr(b'\n', rest) {
                Some(at) => at + 1,
                None if rest.is_empty() => return None,
                None => rest.len(),
            };
            let (line, others) = rest.split_at_checked(end)?;
            rest = others;
            Some(without_end(line))
        });
        (self.first..).zip(lines)
    }
}

fn without_end(mut line: &[u8]) -> &[u8] {
    while let [before @ .., b'\n' | b'\r'] = line {
        line = before;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_lose_their_ends() {
        let block = Block {
            first: 7,
            bytes: Bytes::from_static(b"{}\r\n\n\r\r\na\rb\nlast"),
        };
        let lines: Vec<(u64, &[u8])> = block.lines().collect();
        let expected: [(u64, &[u8]); 5] =
            [(7, b"{}"), (8, b""), (9, b""), (10, b"a\rb"), (11, b"last")];
        assert_eq!(lines, expected);
        assert_eq!(block.count(), expected.len());
    }
}
