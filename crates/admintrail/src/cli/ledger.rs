//! `admintrail ledger`

use std::io::Write;

use admintrail_store::{Trail, TrailOptions, verification_key};
use clap::Subcommand;

use super::{Failure, Global, Outcome, output, server_or_folder};
use crate::clock;

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Print the key with which everybody checks this ledger; keep a copy elsewhere
    Key,
}

pub(super) fn run(global: &Global, command: &LedgerCommand) -> Outcome {
    let LedgerCommand::Key = command;
    let dir = global.data_folder()?;
    server_or_folder::check_trail(&dir)?;
    let trail = Trail::open_read_only(TrailOptions::new(dir.clone(), clock::system()))?;
    let Some(key) = verification_key(&dir, trail.state().log)? else {
        return Err(Failure::Failed(anyhow::anyhow!(
            "{} has no ledger yet; start a server on it once",
            dir.display()
        )));
    };
    let mut out = output::stdout();
    writeln!(out, "{key}")?;
    out.flush()?;
    Ok(())
}
