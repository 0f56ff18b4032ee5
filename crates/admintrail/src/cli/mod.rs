//! The command line: one file a command.
//!
//! Exit codes: 0 done, 1 failed, 2 used wrongly; `verify` has more. Data goes to stdout, everything else to stderr.

mod account;
mod alerts;
mod config_command;
mod demo_command;
mod erase;
mod export;
mod healthcheck;
mod identity;
mod import;
mod ledger;
mod output;
mod preset;
mod query;
mod row;
mod serve_command;
mod server_or_folder;
mod tail;
mod token;
mod verify;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Flags, Mistakes};
use crate::control_socket::Refused;

/// Every request your admins make, on record.
#[derive(Parser)]
#[command(
    name = "admintrail",
    version,
    about,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
struct Global {
    /// The data folder; it may belong to a running server [default: ./admintrail-data; demo: a temporary one; env: ADMINTRAIL_DATA]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file (TOML) [env: ADMINTRAIL_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Record what passes to your panels, and show it
    Serve(serve_command::ServeArgs),
    /// Show what Admintrail does, with a sample panel and simulated admins
    ///
    /// What it records goes into a temporary folder and goes when the demo does, unless --data names one.
    Demo(demo_command::DemoArgs),
    /// Make and manage the accounts that may sign in to Admintrail
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Make and revoke API tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Say whose API tokens and basic users of a panel are
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// See what a preset says of what was recorded
    #[command(subcommand)]
    Preset(preset::PresetCommand),
    /// Search the record
    Query(query::QueryArgs),
    /// Follow the record as it grows
    Tail(tail::TailArgs),
    /// Take over events from a file
    Import(import::ImportArgs),
    /// Write the record to a file
    Export(export::ExportArgs),
    /// Hold every event against the signed ledger
    ///
    /// Exits 0 if all is as it was recorded, 1 on tampering or an undeclared gap, 3 if it could not be
    /// checked, 4 if an anchor is missing or stale.
    Verify(verify::VerifyArgs),
    /// Take a person out of the record, for good
    ///
    /// The id, addresses and browsers of the person give way to a pseudonym, everywhere in the record. Time,
    /// action and outcome stay, and the ledger says that it was done. Where there are two owners a second
    /// one has to approve.
    Erase(erase::EraseArgs),
    /// What others need to check the ledger
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Try who is told when something is wrong
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config_command::ConfigCommand),
    /// Exit 0 if the server on the data folder records and answers
    Healthcheck,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The asker's mistake: exit 2.
    Usage(String),
    /// Anything else: exit 1.
    Failed(anyhow::Error),
    /// Nobody reads our output any more: exit 0, as `head` expects.
    Closed,
    /// Said already: exit 1.
    Said,
    /// Said already: exit with this.
    Verdict(u8),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        if output::ReaderGone::is_cause_of(&error) {
            return Self::Closed;
        }
        if let Some(refused) = error.downcast_ref::<Refused>()
            && refused.usage
        {
            return Self::Usage(refused.message.clone());
        }
        if error.downcast_ref::<Mistakes>().is_some() {
            return Self::Usage(error.to_string());
        }
        Self::Failed(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Failed(error) => write!(f, "{error:#}"),
            Self::Closed | Self::Said | Self::Verdict(_) => Ok(()),
        }
    }
}

type Outcome = Result<(), Failure>;

/// Runs the process.
pub(crate) fn run() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let done = match command {
        Command::Serve(args) => serve_command::run(&global, args),
        Command::Demo(args) => demo_command::run(&global, args),
        Command::Account(command) => account::run(&global, command),
        Command::Token(command) => token::run(&global, command),
        Command::Identity(command) => identity::run(&global, command),
        Command::Preset(command) => preset::run(&global, &command),
        Command::Query(args) => query::run(&global, &args),
        Command::Tail(args) => tail::run(&global, &args),
        Command::Import(args) => import::run(&global, &args),
        Command::Export(args) => export::run(&global, &args),
        Command::Verify(args) => verify::run(&global, &args),
        Command::Erase(args) => erase::run(&global, args),
        Command::Ledger(command) => ledger::run(&global, &command),
        Command::Alerts(command) => alerts::run(&global, &command),
        Command::Config(command) => config_command::run(&global, command),
        Command::Healthcheck => healthcheck::run(&global),
    };
    match done {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::FAILURE,
        Err(Failure::Verdict(code)) => ExitCode::from(code),
        Err(failure) => {
            output::complain(&failure.to_string());
            match failure {
                Failure::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

impl Global {
    fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            data: self.data.clone(),
            ..Flags::default()
        }
    }

    /// The data folder.
    fn data_folder(&self) -> Result<PathBuf, Mistakes> {
        Config::data_folder(&self.flags(), &environment)
    }
}

/// The process's environment; an empty variable is as good as none.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The machine's name, for events.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name.to_owned()
    }
}
