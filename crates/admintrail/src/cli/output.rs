//! Writing for people and pipes.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};

use admintrail_event::encode_text;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Nobody reads our output any more, as `head` does after its lines. A type of its own: a server
/// that goes away breaks a pipe too, and that is a failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub(super) struct ReaderGone;

impl ReaderGone {
    /// Whether this is why an error came.
    pub(super) fn is_cause_of(error: &anyhow::Error) -> bool {
        error.chain().any(|cause| {
            cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
        })
    }
}

/// Standard output whose errors say that it was standard output.
pub(super) struct Stdout(io::Stdout);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_stdout)
    }
}

fn of_stdout(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), ReaderGone),
        // `write_all` begins again by itself.
        io::ErrorKind::Interrupted => error,
        kind => io::Error::new(kind, format!("cannot write to standard output: {error}")),
    }
}

/// Ends the process, as done, when nobody reads standard output any more: what waits for events
/// would else notice with the next one only, and `tail | head -1` hang until then.
pub(super) fn end_with_reader() {
    std::thread::spawn(|| {
        let stdout = io::stdout();
        loop {
            // Asks for nothing, so that only errors and the end are told.
            let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
            match poll(&mut watched, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return,
            }
            let [watched] = watched;
            if watched
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP)
            {
                std::process::exit(0);
            }
            // Closed from the beginning; the first write tells.
            return;
        }
    });
}

/// Buffered standard output. Write errors, also those of a closed pipe, come back as errors.
pub(super) fn stdout() -> BufWriter<Stdout> {
    BufWriter::with_capacity(64 * 1024, Stdout(io::stdout()))
}

/// One JSON document for programs.
pub(super) fn json(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}

/// A message to stderr. Nothing can be done if that fails.
pub(super) fn say(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(message));
}

/// Says that something was done without a trace of it.
pub(super) fn say_unrecorded(cause: &str) {
    say(&format!(
        "Warning: this was done, but the record does not show it: {cause}"
    ));
}

/// A message without what moves a cursor, colours a terminal or turns a line around: it may name
/// files, lines and people that others chose.
fn harmless(message: &str) -> String {
    let lines = message.split('\n').map(encode_text);
    lines.collect::<Vec<_>>().join("\n")
}

/// What went wrong, in red where that shows.
pub(super) fn complain(message: &str) {
    let (on, off) = if colours(&io::stderr()) {
        ("\x1b[31m", "\x1b[0m")
    } else {
        ("", "")
    };
    let message = harmless(message);
    let _ = writeln!(io::stderr().lock(), "{on}admintrail:{off} {message}");
}

/// Whether to colour what goes there.
pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Rows in columns, two spaces apart; the last column runs free.
pub(super) fn table(out: &mut impl Write, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<Cow<'_, str>>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| encode_text(cell)).collect())
        .collect();
    let mut widths: Vec<usize> = head.iter().map(|text| text.chars().count()).collect();
    for row in &rows {
        for (width, text) in widths.iter_mut().zip(row.iter()) {
            *width = (*width).max(text.chars().count());
        }
    }
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            let gap = width.saturating_sub(cell.chars().count()) + 2;
            text.extend(std::iter::repeat_n(' ', gap));
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&mut head.iter().copied())?;
    rows.iter()
        .try_for_each(|row| line(&mut row.iter().map(AsRef::as_ref)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_neither_ends_its_row_nor_colours_it() {
        let mut out = Vec::new();
        let rows = vec![vec!["a\u{1b}[31m\nb".to_owned(), "c\u{202e}d".to_owned()]];
        table(&mut out, &["ONE", "TWO"], &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ONE           TWO\na%1B[31m%0Ab  c%E2%80%AEd\n"
        );
    }

    #[test]
    fn only_our_own_output_is_a_reader_that_went_away() {
        let ours = of_stdout(io::ErrorKind::BrokenPipe.into());
        assert!(ReaderGone::is_cause_of(&anyhow::Error::from(ours)));
        let server = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!ReaderGone::is_cause_of(
            &anyhow::Error::from(server).context("the server stopped listening")
        ));
        let full = of_stdout(io::ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("standard output"));
    }
}
