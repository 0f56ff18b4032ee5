//! The asking side, for commands.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};

use super::address::Address;
use super::protocol::{Answer, Ask, Refused, Reply};

/// A connection to the server of a data folder.
pub(crate) struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Connects; `None` if no server runs on the folder.
    pub(crate) fn connect(dir: &Path) -> Result<Option<Self>> {
        let address = match Address::of(dir) {
            Ok(address) => address,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", dir.display()));
            }
        };
        match UnixStream::connect(address.path()) {
            Ok(stream) => Ok(Some(Self {
                reader: BufReader::new(stream),
            })),
            // The file of a server that was killed stays behind.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| {
                format!(
                    "cannot ask the server on {}; run this as the user it runs as (sudo -u admintrail …)",
                    dir.display()
                )
            }),
        }
    }

    /// Asks once.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Result<Answer, Refused>> {
        self.send(ask)?;
        match self.next()? {
            Some(answer) => Ok(answer),
            None => anyhow::bail!("the server stopped before it answered"),
        }
    }

    /// Asks for a stream of answers; read them with [`Self::next`].
    pub(crate) fn send(&mut self, ask: &Ask) -> Result<()> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        self.reader
            .get_mut()
            .write_all(&line)
            .context("the server stopped listening")?;
        Ok(())
    }

    /// The next answer; `None` when the server is gone.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Answer, Refused>>> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
        // A line without an end was cut off by the end of the server.
        if !line.ends_with('\n') {
            return Ok(None);
        }
        match read(serde_json::from_str(&line))? {
            Reply::Done(value) => Ok(Some(Ok(Answer::recorded(value)))),
            Reply::DoneUnrecorded(answer) => Ok(Some(Ok(answer))),
            Reply::Refused(refused) => Ok(Some(Err(refused))),
        }
    }
}

/// What a server said, as this binary understands it.
pub(crate) fn read<T>(said: serde_json::Result<T>) -> Result<T> {
    said.context("the server answers in another version; use its own binary")
}
