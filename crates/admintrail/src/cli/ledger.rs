//! `admintrail ledger`

use std::io::Write;
use std::path::Path;

use admintrail_store::{Trail, TrailOptions, accept_loss, verification_key};
use clap::Subcommand;

use super::verify::sentence;
use super::{Failure, Global, Outcome, output, server_or_folder};
use crate::clock;

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Print the key with which everybody checks this ledger; keep a copy elsewhere
    Key,
    /// Go on after an older copy of the data folder was put back: say in the ledger what is lost
    ///
    /// No server may run on the folder. Nothing is removed; what cannot be proven any more is named by
    /// `verify` from then on.
    AcceptLoss {
        /// Who says so, for everybody who reads the ledger
        #[arg(long, value_name = "WHO")]
        by: String,
    },
}

pub(super) fn run(global: &Global, command: &LedgerCommand) -> Outcome {
    let dir = global.data_folder()?;
    server_or_folder::check_trail(&dir)?;
    match command {
        LedgerCommand::Key => key(&dir),
        LedgerCommand::AcceptLoss { by } => {
            match accept_loss(&dir, by, clock::now())? {
                Some(statement) => output::say(&sentence(&statement)),
                None => output::say("nothing is lost: the ledger is not ahead of the trail"),
            }
            Ok(())
        }
    }
}

fn key(dir: &Path) -> Outcome {
    let trail = Trail::open_read_only(TrailOptions::new(dir.to_owned(), clock::system()))?;
    let Some(key) = verification_key(dir, trail.state().log)? else {
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
