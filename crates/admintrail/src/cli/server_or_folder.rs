//! Asking the server that runs on a folder or, when none does, doing it here.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::RecorderState;
use admintrail_event::PanelName;
use admintrail_store::control::{ErasureId, ErasureState};
use admintrail_store::{ErasureProgress, TrailOptions};
use admintrail_web::erasing::carry_out;
use anyhow::{Context, Result, anyhow};
use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::{Failure, Global, host_name, output};
use crate::config::{Config, Flags};
use crate::control_socket::{self, Answer, Ask, Block, Client, Desk, ErasureShown, Import, Told};
use crate::erasing::FolderHands;
use crate::serve::{base_url, configured, presets};
use crate::{cli, clock, data_folder, shell_user};

/// Between two looks at an erasure that goes on.
const BETWEEN: Duration = Duration::from_millis(200);

/// One that is not done yet.
const APPROVED: &str = ErasureState::Approved.as_str();

/// Answers a question, by the server if one runs.
pub(super) fn ask<T: DeserializeOwned>(global: &Global, ask: Ask) -> Result<T, Failure> {
    let dir = global.data_folder()?;
    let begins = match ask {
        Ask::AddAccount { .. } | Ask::CreateToken { .. } => Begins::Yes,
        _ => Begins::No,
    };
    let mut door = Door::open(global, &dir, begins)?;
    let answer = door.ask(ask);
    door.close();
    taken(answer?)
}

/// What an answer holds. That something was done and not recorded is said at once.
pub(super) fn taken<T: DeserializeOwned>(answer: Answer) -> Result<T, Failure> {
    if let Some(cause) = &answer.unrecorded {
        output::say_unrecorded(cause);
    }
    Ok(control_socket::read(serde_json::from_value(answer.value))?)
}

/// Where questions go: the running server, or the folder itself.
pub(super) enum Door {
    Server(Client),
    Folder(Box<Desk>),
}

/// Whether a question may be the first to a folder, and so make it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    Yes,
    No,
}

/// Says what to do about a folder that holds no trail; one mistyped letter must not begin another.
pub(super) fn check_trail(dir: &Path) -> Result<(), Failure> {
    let trail = dir.join("trail.db");
    match trail.metadata() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Failed(anyhow!(
            "there is no trail in {dir}; name the data folder of the server with --data \
             (a service's is usually /var/lib/admintrail)",
            dir = dir.display()
        ))),
        Err(error) => Err(Failure::Failed(anyhow!(
            "cannot read {}: {error}; run this as the user the server runs as \
             (sudo -u admintrail …)",
            trail.display()
        ))),
    }
}

impl Door {
    pub(super) fn open(global: &Global, dir: &Path, begins: Begins) -> Result<Self, Failure> {
        let open = || {
            if let Some(client) = Client::connect(dir)? {
                return Ok(Self::Server(client));
            }
            if begins == Begins::No {
                check_trail(dir)?;
            } else if !dir.exists() {
                output::say(&format!("{} is new", dir.display()));
            }
            let desk = open_desk(global, dir)?;
            Ok(Self::Folder(Box::new(desk)))
        };
        data_folder::when_free(open, is_held)
    }

    pub(super) fn ask(&mut self, ask: Ask) -> Result<Answer, Failure> {
        Ok(match self {
            Self::Server(client) => client.ask(&ask)??,
            Self::Folder(desk) => desk.answer(ask, &shell_user::own())?,
        })
    }

    /// Waits until an erasure that is approved is done, and says how far it is now and then. Ends as it
    /// stands then: a server tries again what it could not do.
    pub(super) fn follow_erasure(
        &mut self,
        dir: &Path,
        id: i64,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let client = match self {
            Self::Server(client) => client,
            Self::Folder(desk) => {
                let hands = FolderHands {
                    data: dir.to_owned(),
                    clock: Arc::clone(&desk.clock),
                };
                let erasure = desk.control.erasure(ErasureId(id));
                let erasure = erasure.ok_or_else(|| anyhow!("the request is gone"))?;
                let told = move |it: ErasureProgress| progress(it.done, it.of);
                carry_out((&desk.trail, &desk.control), &erasure, &hands, told).context(
                    "the erasure is begun and not done; the next start of a server does the rest",
                )?;
                return Ok(());
            }
        };
        loop {
            let answer = client.ask(&Ask::Erasures).map_err(|error| {
                anyhow!("{error:#}; the erasure goes on with the next start of the server")
            })??;
            let all: Vec<ErasureShown> = taken(answer)?;
            match all.into_iter().find(|one| one.id == id) {
                Some(one) if one.state == APPROVED && one.failing.is_none() => {
                    let (done, of) = one.progress.unwrap_or_default();
                    progress(done, of);
                    std::thread::sleep(BETWEEN);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Has blocks of lines taken over; what became of each is told in their order, and of the end.
    pub(super) async fn import(
        self,
        panel: Option<&PanelName>,
        blocks: impl Stream<Item = Block>,
        told: mpsc::Sender<Told>,
    ) -> Result<()> {
        let desk = match self {
            Self::Server(client) => return client.import(panel, blocks, told).await,
            Self::Folder(desk) => Arc::from(desk),
        };
        let import = Import {
            desk: Arc::clone(&desk),
            panel: panel.cloned(),
            user: Some(shell_user::own()),
        };
        import.take_over(blocks, told).await;
        close(&desk);
        Ok(())
    }

    pub(super) fn close(self) {
        if let Self::Folder(desk) = self {
            close(&desk);
        }
    }
}

fn close(desk: &Desk) {
    desk.trail.close();
    desk.control.close();
}

fn is_held(failure: &Failure) -> bool {
    match failure {
        Failure::Failed(error) => error.downcast_ref().is_some_and(data_folder::is_locked),
        _ => false,
    }
}

/// A desk of our own: takes the folder's lock.
fn open_desk(global: &Global, dir: &Path) -> Result<Desk> {
    rustix::process::umask(rustix::fs::Mode::from_bits_retain(0o077));
    if let Some(open) = data_folder::close_to_others(dir)? {
        output::say(&format!("Warning: {open}"));
    }
    let clock = clock::system();
    let options = TrailOptions::new(dir.to_owned(), Arc::clone(&clock));
    let (trail, control) = data_folder::open(&options)?;
    // Only links and presets come from the rest of the configuration; a mistake there must not
    // keep anybody from making an account.
    let flags = Flags {
        data: Some(dir.to_owned()),
        ..global.flags()
    };
    let (config, mistakes) = Config::read(&flags, &cli::environment, &host_name());
    if !mistakes.0.is_empty() {
        output::say(&format!(
            "Warning: {mistakes}\nDone all the same; what is wrong there counts as left out."
        ));
    }
    Ok(Desk {
        trail,
        control,
        presets: presets(&config.panels),
        configured: configured(&config.panels),
        key: data_folder::key(dir)?,
        clock,
        base_url: base_url(&config),
        listen: config.listen,
        recorder: config.recorder,
        erasing: Arc::default(),
        recorder_state: Arc::new(no_recorder),
    })
}

fn no_recorder() -> RecorderState {
    RecorderState {
        open: 0,
        waiting: 0,
        unrecorded: 0,
        failing: None,
    }
}

/// Records that somebody reads the record, by the server if one runs. What cannot be recorded is
/// said, and can be read all the same.
pub(super) fn note_look(global: &Global, dir: &Path, command: &str, filter: &str) {
    let look = || -> Result<Answer, Failure> {
        let mut door = Door::open(global, dir, Begins::No)?;
        let answer = door.ask(Ask::Looked {
            command: command.to_owned(),
            filter: filter.to_owned(),
        });
        door.close();
        answer
    };
    let unrecorded = match look() {
        Ok(answer) => answer.unrecorded,
        Err(failure) => Some(failure.to_string()),
    };
    if let Some(cause) = unrecorded {
        say_unrecorded_look(&cause);
    }
}

pub(super) fn say_unrecorded_look(cause: &str) {
    output::say(&format!(
        "Warning: the record does not show that you read it: {cause}"
    ));
}
