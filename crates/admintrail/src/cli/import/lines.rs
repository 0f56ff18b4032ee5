//! A file in blocks of whole lines.

use std::io::{self, Read};
use std::mem;

use bytes::Bytes;

use crate::control_socket::{BLOCK_BYTES, BLOCK_LINES, Block};

/// What some editors begin a file with: the byte order mark, as UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are read at once.
const PIECE: usize = 128 * 1024;

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Block(Block),
    /// A line that no block holds: with its end it has more than [`BLOCK_BYTES`].
    TooLong {
        line: u64,
    },
}

/// Reads a file. Memory: two blocks.
pub(super) struct Lines<R> {
    file: R,
    /// Read and not given out. Lines are cut off its front.
    read: Bytes,
    /// What came after the last line end that was read.
    rest: Vec<u8>,
    /// Number of the next line.
    next: u64,
    /// Nothing was read yet.
    begins: bool,
    ended: bool,
    /// Why it cannot be read on; told after the whole lines that came before.
    broken: Option<io::Error>,
    /// Of a block.
    most_bytes: usize,
    most_lines: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(file: R) -> Self {
        Self::in_blocks(file, BLOCK_BYTES, BLOCK_LINES)
    }

    fn in_blocks(file: R, most_bytes: usize, most_lines: usize) -> Self {
        Self {
            file,
            read: Bytes::new(),
            rest: Vec::new(),
            next: 1,
            begins: true,
            ended: false,
            broken: None,
            most_bytes,
            most_lines,
        }
    }

    /// Number of the line that comes next.
    pub(super) fn next_line(&self) -> u64 {
        self.next
    }

    /// The first byte that is no white space, unless it is far away. To be asked before the lines.
    pub(super) fn first_byte(&mut self) -> io::Result<Option<u8>> {
        self.fill();
        let bytes = if self.read.is_empty() {
            &self.rest
        } else {
            self.read.as_ref()
        };
        let first = bytes.iter().copied().find(|b| !b.is_ascii_whitespace());
        match self.broken.take_if(|_| first.is_none()) {
            Some(error) => Err(error),
            None => Ok(first),
        }
    }

    /// The next lines; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.read.is_empty() {
            self.fill();
        }
        if !self.read.is_empty() {
            return Ok(Some(Piece::Block(self.cut())));
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        // All that fits, and no end of the line in it.
        let line = self.next;
        self.next += 1;
        self.skip_line();
        Ok(Some(Piece::TooLong { line }))
    }

    /// Reads on: a block's worth, up to its last line end.
    fn fill(&mut self) {
        let mut buffer = Vec::with_capacity(self.most_bytes);
        buffer.append(&mut self.rest);
        let mut lines = 0;
        // Who writes few lines into a pipe need not wait until they are very many bytes.
        while !self.ended && buffer.len() < self.most_bytes && lines < self.most_lines {
            let before = buffer.len();
            self.read_into(&mut buffer);
            lines += memchr::memchr_iter(b'\n', buffer.get(before..).unwrap_or_default()).count();
            if mem::take(&mut self.begins) && buffer.starts_with(MARK) {
                buffer.drain(..MARK.len());
            }
        }
        let whole = match memchr::memrchr(b'\n', &buffer) {
            _ if self.ended && self.broken.is_none() => buffer.len(),
            Some(last) => last + 1,
            None => 0,
        };
        self.rest = buffer.split_off(whole);
        self.read = buffer.into();
    }

    /// Reads a piece, if the file has as much and the buffer room for it.
    fn read_into(&mut self, buffer: &mut Vec<u8>) {
        let room = PIECE.min(self.most_bytes - buffer.len());
        let mut next = self.file.by_ref().take(room as u64);
        match next.read_to_end(buffer) {
            Ok(read) => self.ended = read < room,
            Err(error) => {
                self.ended = true;
                self.broken = Some(error);
            }
        }
    }

    /// The first lines of what was read.
    fn cut(&mut self) -> Block {
        let (mut lines, mut end) = (0, 0);
        for at in memchr::memchr_iter(b'\n', &self.read).take(self.most_lines) {
            lines += 1;
            end = at + 1;
        }
        if lines < self.most_lines && end < self.read.len() {
            lines += 1;
            end = self.read.len();
        }
        let block = Block {
            first: self.next,
            bytes: self.read.split_to(end),
        };
        self.next += lines as u64;
        block
    }

    /// Skips a line that [`Self::rest`] is the beginning of.
    fn skip_line(&mut self) {
        loop {
            let mut buffer = mem::take(&mut self.rest);
            if let Some(end) = memchr::memchr(b'\n', &buffer) {
                self.rest = buffer.split_off(end + 1);
                return;
            }
            if self.ended {
                return;
            }
            buffer.clear();
            self.read_into(&mut buffer);
            self.rest = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line's number and, unless it is too long, what it says.
    type Line = (u64, Option<Vec<u8>>);

    /// Each line that came, and how it ended.
    fn all<R: Read>(lines: &mut Lines<R>) -> (Vec<Line>, io::Result<()>) {
        let mut all = Vec::new();
        loop {
            match lines.next() {
                Ok(Some(Piece::Block(Block { first, bytes }))) => {
                    assert!((1..=lines.most_bytes).contains(&bytes.len()));
                    let whole = bytes.split_inclusive(|byte| *byte == b'\n');
                    let count = whole.clone().count();
                    assert!(count <= lines.most_lines);
                    assert_eq!(first + count as u64, lines.next_line());
                    let line = |line: &[u8]| line.strip_suffix(b"\n").unwrap_or(line).to_vec();
                    all.extend((first..).zip(whole.map(|one| Some(line(one)))));
                }
                Ok(Some(Piece::TooLong { line })) => all.push((line, None)),
                Ok(None) => return (all, Ok(())),
                Err(error) => return (all, Err(error)),
            }
        }
    }

    /// Gives a few bytes at a time, then fails if there is a reason to.
    struct Drops<'a>(&'a [u8], usize, Option<io::ErrorKind>);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty()
                && let Some(kind) = self.2.take()
            {
                return Err(kind.into());
            }
            let many = buffer.len().min(self.1);
            (&mut self.0).take(many as u64).read(buffer)
        }
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let line = prop::collection::vec(prop::sample::select(b"ab\r\xff ".as_slice()), 0..14);
        prop::collection::vec((line, prop::bool::weighted(0.9)), 0..30).prop_map(|lines| {
            let with_end = |(line, end): (Vec<u8>, bool)| {
                let end: &[u8] = if end { b"\n" } else { b"" };
                [line.as_slice(), end].concat()
            };
            lines.into_iter().flat_map(with_end).collect()
        })
    }

    proptest! {
        #[test]
        fn blocks_hold_every_line_of_the_file_once(
            text in text(), most_bytes in 3_usize..40, most_lines in 1_usize..6, drop in 1_usize..9,
            marked: bool, peeked: bool, fails: bool,
        ) {
            let mark = if marked { MARK } else { b"" };
            let file = [mark, text.as_slice()].concat();
            let failure = fails.then_some(io::ErrorKind::BrokenPipe);
            let mut lines = Lines::in_blocks(Drops(&file, drop, failure), most_bytes, most_lines);
            if peeked {
                let _ = lines.first_byte();
            }
            let (came, end) = all(&mut lines);
            let mut expected: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            // Behind the last end is no line; and what a failure cut off is none either.
            if expected.last().is_some_and(|last| last.is_empty()) || fails {
                expected.pop();
            }
            let fits = |line: &[u8]| line.len() < most_bytes;
            let expected: Vec<_> = (1..)
                .zip(expected.into_iter().map(|line| fits(line).then(|| line.to_vec())))
                .collect();
            let told_already = peeked && fails && end.is_ok();
            prop_assert!(end.is_err() == fails || told_already);
            // A line that was too long already is told, cut off or not.
            prop_assert!(came.starts_with(&expected), "{:?} {:?}", came, expected);
            let more = &came[expected.len()..];
            prop_assert!(more.is_empty() || fails && more.len() == 1 && more[0].1.is_none());
        }
    }

    #[test]
    fn the_first_byte_is_told_and_still_there() {
        let mut lines = Lines::new(b"\xef\xbb\xbf \r\n\t{}".as_slice());
        assert_eq!(lines.first_byte().unwrap(), Some(b'{'));
        let (came, _) = all(&mut lines);
        assert_eq!(came[1], (2, Some(b"\t{}".to_vec())));
        assert_eq!(Lines::new(b"".as_slice()).first_byte().unwrap(), None);
        let mut broken = Lines::new(Drops(b"", 1, Some(io::ErrorKind::IsADirectory)));
        assert!(broken.first_byte().is_err());
    }
}
