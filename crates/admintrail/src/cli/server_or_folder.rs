//! Asking the server that runs on a folder or, when none does, doing it here.

use std::path::Path;
use std::sync::Arc;

use admintrail_store::{Control, Trail, TrailOptions};
use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Failure, Global, host_name};
use crate::config::{Config, Flags};
use crate::control_socket::{Ask, Client, Desk};
use crate::serve::{base_url, presets};
use crate::{cli, clock, data_folder, shell_user};

/// Answers a question, by the server if one runs.
pub(super) fn ask<T: DeserializeOwned>(global: &Global, ask: Ask) -> Result<T, Failure> {
    let dir = global.data_folder()?;
    if let Some(mut client) = Client::connect(&dir)? {
        return Ok(client.ask(&ask)??);
    }
    let desk = open_desk(global, &dir)?;
    let answer = desk.answer(ask, &shell_user::own());
    desk.trail.close();
    desk.control.close();
    let value: Value = answer?;
    Ok(serde_json::from_value(value)?)
}

/// A desk of our own: takes the folder's lock.
pub(super) fn open_desk(global: &Global, dir: &Path) -> Result<Desk, Failure> {
    rustix::process::umask(rustix::fs::Mode::from_bits_retain(0o077));
    // Only links and presets come from the rest of the configuration; a mistake there must not
    // keep anybody from making an account.
    let flags = Flags {
        data: Some(dir.to_owned()),
        ..global.flags()
    };
    let config = Config::load(&flags, &cli::environment, &host_name())?;
    let clock = clock::system();
    let options = TrailOptions {
        dir: dir.to_owned(),
        clock: Arc::clone(&clock),
    };
    let trail = Trail::open(options)?;
    let control = Control::open(dir)?;
    Ok(Desk {
        trail,
        control,
        presets: presets(&config.panels),
        clock,
        base_url: base_url(&config),
        listen: config.listen,
        recorder: config.recorder,
        key: data_folder::key(dir)?,
    })
}

/// Tells a running server that somebody read the record, so that it is recorded. Without a server
/// nothing can be recorded, and reading works all the same.
pub(super) fn note_look(dir: &Path, command: &str, filter: &str) {
    if let Ok(Some(mut client)) = Client::connect(dir) {
        let ask = Ask::Looked {
            command: command.to_owned(),
            filter: filter.to_owned(),
        };
        let _: Result<_> = client.ask::<Value>(&ask);
    }
}
