//! The asking side, for commands.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use admintrail_event::PanelName;
use anyhow::{Context, Result};
use futures_util::{Stream, future};
use tokio::io::AsyncBufReadExt;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;

use super::address::Address;
use super::import::{Block, Told, send_import};
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
        let reply: Reply = read(serde_json::from_str(&line))?;
        Ok(Some(reply.into()))
    }

    /// Asks for blocks of lines to be taken over; what became of each is told in their order, and of
    /// the end. Without the end the server is gone.
    pub(crate) async fn import(
        mut self,
        panel: Option<&PanelName>,
        blocks: impl Stream<Item = Block>,
        told: mpsc::Sender<Told>,
    ) -> Result<()> {
        let panel = panel.map(PanelName::to_string);
        self.send(&Ask::Import { panel })?;
        let stream = self.reader.into_inner();
        stream.set_nonblocking(true)?;
        let (answers, mut write) = tokio::net::UnixStream::from_std(stream)?.into_split();
        // What cannot be sent is not answered, and why is said by the last answers.
        let send = async move {
            let _ = send_import(&mut write, blocks).await;
            future::pending::<()>().await;
        };
        tokio::select! {
            heard = hear(answers, told) => heard,
            () = send => Ok(()),
        }
    }
}

/// Passes on the answers of an import, to the last.
async fn hear(answers: OwnedReadHalf, told: mpsc::Sender<Told>) -> Result<()> {
    let mut lines = tokio::io::BufReader::new(answers).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply: Reply = read(serde_json::from_str(&line))?;
        let one: Told = reply.into();
        let ended = |answer: &Answer| answer.value.get("ended") == Some(&true.into());
        let last = one.as_ref().is_ok_and(ended);
        if told.send(one).await.is_err() || last {
            break;
        }
    }
    Ok(())
}

/// What a server said, as this binary understands it.
pub(crate) fn read<T>(said: serde_json::Result<T>) -> Result<T> {
    said.context("the server answers in another version; use its own binary")
}
