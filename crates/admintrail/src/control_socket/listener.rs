//! The answering side, in the server.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use admintrail_event::{EventJson, Filter};
use admintrail_store::{Order, PageRequest, View};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::address::Address;
use super::desk::Desk;
use super::protocol::{Ask, Refused, Reply};
use crate::stop::Stop;

/// Longest question: an import's batch.
const MAX_LINE: u64 = 64 * 1024 * 1024;

/// Events sent to a `tail` at once.
const TAIL_BATCH: usize = 500;

/// The socket, open.
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Opens the socket of a data folder whose lock is held: one that is there is a dead server's.
    pub(crate) fn bind(dir: &Path) -> io::Result<Self> {
        let address = Address::of(dir)?;
        match fs::remove_file(address.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(address.path())?;
        fs::set_permissions(address.path(), Permissions::from_mode(0o600))?;
        Ok(Self {
            socket,
            path: dir.join("control.sock"),
        })
    }

    /// Answers until told to stop.
    pub(crate) async fn serve(self, desk: Arc<Desk>, mut stop: Stop) {
        let mut askers = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        askers.spawn(converse(stream, Arc::clone(&desk)));
                    }
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                },
                Some(_) = askers.join_next(), if !askers.is_empty() => {}
                () = stop.told() => break,
            }
        }
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, desk: Arc<Desk>) {
    let user = stream.peer_cred().map_or_else(
        |_| "unknown".to_owned(),
        |who| crate::shell_user::name(who.uid()),
    );
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        match (&mut read)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(1..) => {}
            _ => return,
        }
        let ask = match serde_json::from_slice(&line) {
            Ok(ask) => ask,
            Err(_) => {
                let refused = Refused::failed(
                    "the server does not understand this; it may be of another version",
                );
                let _ = say(&mut write, &Reply::Refused(refused)).await;
                return;
            }
        };
        let said = match ask {
            Ask::Tail { filter, last } => {
                tail(&desk, &filter, last, &user, &mut read, &mut write).await;
                return;
            }
            ask => {
                let (desk, user) = (Arc::clone(&desk), user.clone());
                let answer = tokio::task::spawn_blocking(move || desk.answer(ask, &user)).await;
                match answer {
                    Ok(Ok(value)) => Reply::Done(value),
                    Ok(Err(refused)) => Reply::Refused(refused),
                    Err(_) => Reply::Refused(Refused::failed(
                        "the server could not answer; its log says why",
                    )),
                }
            }
        };
        if say(&mut write, &said).await.is_err() {
            return;
        }
    }
}

async fn say(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

async fn tail(
    desk: &Arc<Desk>,
    filter: &str,
    last: usize,
    user: &str,
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) {
    let filter = match Filter::parse(filter) {
        Ok(filter) => filter,
        Err(error) => {
            let _ = say(write, &Reply::Refused(Refused::usage(error.to_string()))).await;
            return;
        }
    };
    let (note, words, user) = (Arc::clone(desk), filter.to_string(), user.to_owned());
    let _ = tokio::task::spawn_blocking(move || note.looked("tail", &words, &user)).await;
    // Subscribed before the page is read: nothing falls between the two.
    let mut fresh = desk.trail.tail(None);
    let begin = fresh.seq();
    let mut old = Vec::new();
    if last > 0 {
        let (trail, view) = (
            desk.trail.clone(),
            View {
                filter: filter.clone(),
                ..View::default()
            },
        );
        let request = PageRequest {
            order: Order::Descending,
            limit: last.min(1_000),
            cursor: None,
            last: false,
        };
        if let Ok(Ok(page)) = tokio::task::spawn_blocking(move || trail.page(&view, &request)).await
        {
            old = page.events;
        }
    }
    old.retain(|event| event.seq <= begin);
    for event in old.iter().rev() {
        if say_event(write, event).await.is_err() {
            return;
        }
    }
    let mut gone = [0; 1];
    loop {
        let batch = tokio::select! {
            batch = fresh.next(TAIL_BATCH) => batch,
            // The asker says nothing more, so this only ever reads the end.
            _ = read.read(&mut gone) => return,
        };
        let Some(batch) = batch else { return };
        for event in batch.iter().filter(|event| filter.matches(event)) {
            if say_event(write, event).await.is_err() {
                return;
            }
        }
    }
}

async fn say_event(write: &mut OwnedWriteHalf, event: &admintrail_event::Event) -> io::Result<()> {
    let value: Value = serde_json::to_value(EventJson(event))?;
    say(write, &Reply::Done(value)).await
}
