//! Runs the tests that damage examples for longer than CI does.

use anyhow::Result;
use clap::Args;

use crate::shell;

#[derive(Args)]
pub struct Options {
    /// How long each reader is fed.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    seconds: u64,
    /// The one test to run, or how its name begins; all without it.
    #[arg(default_value = "", value_name = "NAME")]
    name: String,
}

/// What fails says its bytes; put them into an ordinary test.
pub fn run(options: &Options) -> Result<()> {
    let mut command = shell::cargo();
    command
        .args(["test", "-p", "admintrail-event", "-p", "admintrail-ledger"])
        .args(["-p", "admintrail-capture", "-p", "admintrail"])
        .args(["--lib", "--bins", "--test", "it"])
        .arg(format!("fuzz::{}", options.name))
        .env("ADMINTRAIL_FUZZ_SECONDS", options.seconds.to_string());
    shell::run(&mut command)
}
