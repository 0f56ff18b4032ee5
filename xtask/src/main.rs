//! Developer chores. `cargo xtask test` is what CI runs; `cargo xtask bench` measures every bar.

mod bench;
mod shell;
mod test;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer chores of Admintrail")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, then runs formatting, lints, all tests and the browser tests.
    Test(test::Options),
    /// Measures against peers in the same run and prints ratios.
    Bench(bench::Options),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
