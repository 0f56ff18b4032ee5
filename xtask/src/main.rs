//! Developer chores. `cargo xtask test` is what CI runs; `cargo xtask bench` measures every bar.

mod bench;
mod fuzz;
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
    /// Feeds what reads foreign bytes with damaged examples, for as long as asked.
    Fuzz(fuzz::Options),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::Cli::command().debug_assert();
    }
}
