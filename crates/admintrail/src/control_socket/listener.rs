//! The answering side, in the server.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{Event, EventJson, Filter, Micros, PanelName, Seq};
use admintrail_store::{Order, PageRequest, Position, View};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::address::Address;
use super::desk::Desk;
use super::import::{Import, answer_import};
use super::protocol::{Ask, Place, Refused, Reply, Tailed};
use crate::stop::Stop;

/// Longest question.
const MAX_LINE: u64 = 1024 * 1024;

/// When the server stops, what was asked before gets this long: an import ends with what it has.
const GRACE: Duration = Duration::from_secs(2);

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
                        askers.spawn(converse(stream, Arc::clone(&desk), stop.clone()));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = askers.join_next(), if !askers.is_empty() => {}
                () = stop.told() => break,
            }
        }
        let _ = fs::remove_file(&self.path);
        let answered = async { while askers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, answered).await;
    }
}

async fn converse(stream: UnixStream, desk: Arc<Desk>, mut stop: Stop) {
    let user = stream.peer_cred().map_or_else(
        |_| "unknown".to_owned(),
        |who| crate::shell_user::name(who.uid()),
    );
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut next = (&mut read).take(MAX_LINE);
        let heard = tokio::select! {
            heard = next.read_until(b'\n', &mut line) => heard,
            () = stop.told() => return,
        };
        if !matches!(heard, Ok(1..)) {
            return;
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
            Ask::Tail {
                filter,
                last,
                after,
            } => {
                let mut asker = Asker {
                    user: &user,
                    read: &mut read,
                    write: &mut write,
                };
                // It ends when the asker or the server does; nobody is left to be told.
                tokio::select! {
                    _ = tail(&desk, &filter, last, after, &mut asker) => {}
                    () = stop.told() => {}
                }
                return;
            }
            Ask::Import { panel } => {
                let panel = match panel.as_deref().map(str::parse::<PanelName>).transpose() {
                    Ok(panel) => panel,
                    Err(error) => {
                        let refused = Refused::usage(error.to_string());
                        let _ = say(&mut write, &Reply::Refused(refused)).await;
                        return;
                    }
                };
                let import = Import {
                    desk: Arc::clone(&desk),
                    panel,
                    user: Some(user.clone()),
                };
                match answer_import(import, &mut read, &mut write, stop.told()).await {
                    Ok(true) => continue,
                    _ => return,
                }
            }
            ask => {
                let (desk, user) = (Arc::clone(&desk), user.clone());
                let answer = tokio::task::spawn_blocking(move || desk.answer(ask, &user)).await;
                Reply::from(answer.unwrap_or_else(|_| {
                    Err(Refused::failed(
                        "the server could not answer; its log says why",
                    ))
                }))
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

/// Whoever follows the record.
struct Asker<'a> {
    user: &'a str,
    read: &'a mut BufReader<OwnedReadHalf>,
    write: &'a mut OwnedWriteHalf,
}

impl Asker<'_> {
    async fn hear(&mut self, tailed: &Tailed) -> io::Result<()> {
        let value = serde_json::to_value(tailed)?;
        say(self.write, &Reply::Done(value)).await
    }

    async fn hear_of(&mut self, event: &Event) -> io::Result<()> {
        let place = Place {
            log: event.log.to_string(),
            seq: event.seq.0,
        };
        let value = serde_json::to_value(EventJson(event))?;
        self.hear(&Tailed::Event(value, place)).await
    }
}

async fn tail(
    desk: &Arc<Desk>,
    filter: &str,
    last: usize,
    after: Option<Place>,
    asker: &mut Asker<'_>,
) -> io::Result<()> {
    let filter = match Filter::parse(filter) {
        Ok(filter) => filter,
        Err(error) => {
            let refused = Refused::usage(error.to_string());
            return say(asker.write, &Reply::Refused(refused)).await;
        }
    };
    let (note, words, user) = (Arc::clone(desk), filter.to_string(), asker.user.to_owned());
    let noted = tokio::task::spawn_blocking(move || {
        let looked = note.looked("tail", &words, &user);
        (looked.err(), note.trail.state().log)
    });
    let (unrecorded, log) = noted.await.map_err(io::Error::other)?;
    let view = Arc::new(View {
        filter,
        ..View::default()
    });
    // A place in another log says nothing about this one.
    let after = after.filter(|place| place.log == log.to_string());
    // Subscribed before the page is read: nothing falls between the two.
    let mut fresh = desk.trail.tail(after.as_ref().map(|place| Position {
        time: Micros(0),
        log,
        seq: Seq(place.seq),
    }));
    let begin = fresh.seq();
    if last > 0 && after.is_none() {
        let (trail, view) = (desk.trail.clone(), Arc::clone(&view));
        let request = PageRequest {
            order: Order::Descending,
            limit: last.min(1_000),
            cursor: None,
            last: false,
        };
        let page = tokio::task::spawn_blocking(move || trail.page(&view, &request)).await;
        let old = page.ok().and_then(Result::ok).map(|page| page.events);
        let old = old.unwrap_or_default();
        for event in old.iter().rev().filter(|event| event.seq <= begin) {
            asker.hear_of(event).await?;
        }
    }
    asker
        .hear(&Tailed::Begins {
            place: Place {
                log: log.to_string(),
                seq: begin.0,
            },
            unrecorded,
        })
        .await?;
    let mut gone = [0; 1];
    loop {
        let open = tokio::select! {
            open = fresh.ready() => open,
            // The asker says nothing more, so this only ever reads the end.
            _ = asker.read.read(&mut gone) => return Ok(()),
        };
        if !open {
            return Ok(());
        }
        // Whoever resumes far behind has much judged by a filter that may be a costly one.
        let view = Arc::clone(&view);
        let step = tokio::task::spawn_blocking(move || {
            let events = fresh.read(&view, TAIL_BATCH);
            (fresh, events)
        });
        let (further, events) = step.await.map_err(io::Error::other)?;
        fresh = further;
        for event in &events {
            asker.hear_of(event).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stopper;

    /// A desk whose trail takes nothing more.
    fn closed_desk(dir: &Path) -> Arc<Desk> {
        let desk = Desk::for_tests(dir);
        desk.trail.close();
        desk
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_follows_the_record_hears_that_it_does_not_show_it() {
        let dir = tempfile::tempdir().unwrap();
        let (asker, server) = UnixStream::pair().unwrap();
        let stopper = Stopper::new();
        let talk = converse(server, closed_desk(dir.path()), stopper.listener());
        let conversation = tokio::spawn(talk);
        let (read, mut write) = asker.into_split();
        let ask = Ask::Tail {
            filter: String::new(),
            last: 0,
            after: None,
        };
        let mut line = serde_json::to_vec(&ask).unwrap();
        line.push(b'\n');
        write.write_all(&line).await.unwrap();
        let mut said = String::new();
        BufReader::new(read).read_line(&mut said).await.unwrap();
        let Reply::Done(value) = serde_json::from_str(&said).unwrap() else {
            panic!("{said}");
        };
        let Tailed::Begins { unrecorded, .. } = serde_json::from_value(value).unwrap() else {
            panic!("{said}");
        };
        assert!(
            unrecorded.is_some_and(|cause| cause.starts_with("STORE-")),
            "{said}"
        );
        conversation.await.unwrap();
    }
}
