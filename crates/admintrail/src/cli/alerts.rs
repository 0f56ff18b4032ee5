//! `admintrail alerts`

use std::io::Write;

use clap::Subcommand;

use super::{Failure, Global, Outcome, environment, host_name, output};
use crate::alerts::{self, Message};
use crate::clock;
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum AlertsCommand {
    /// Send a test on every way that [alerts] of the configuration names, and say what became of it
    Test,
}

pub(super) fn run(global: &Global, command: &AlertsCommand) -> Outcome {
    let AlertsCommand::Test = command;
    let config = Config::load(&global.flags(), &environment, &host_name())?;
    let channels = alerts::channels(&config.alerts, &config.recorder);
    if channels.is_empty() {
        return Err(Failure::Usage(
            "nobody is told: put webhook or email under [alerts] in the configuration (--config)"
                .to_owned(),
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut out = output::stdout();
    let mut failed = false;
    for channel in channels {
        let message = Message::test(clock::now(), &config.recorder);
        let sent = runtime.block_on(channel.send(&[message]));
        let (name, target) = (channel.name(), channel.target());
        match sent {
            Ok(()) => writeln!(out, "{name}: delivered to {target}")?,
            Err(cause) => {
                failed = true;
                writeln!(out, "{name}: NOT delivered to {target}: {cause}")?;
            }
        }
        out.flush()?;
    }
    if failed { Err(Failure::Said) } else { Ok(()) }
}
