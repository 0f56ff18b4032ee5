//! `admintrail tail`

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::{Global, Outcome, output, row, view};
use crate::control_socket::{Ask, Client};

#[derive(Args)]
pub(super) struct TailArgs {
    /// Filter words
    #[arg(
        value_name = "FILTER",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    filter: String,
    /// Earlier events to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &Global, args: &TailArgs) -> Outcome {
    view::parse(&args.filter)?;
    let dir = global.data_folder()?;
    let colours = output::colours(&io::stdout());
    let mut last = args.lines;
    let mut told = false;
    loop {
        let Some(mut client) = Client::connect(&dir)? else {
            if !told {
                output::say(&format!(
                    "No server runs on {}; waiting for one.",
                    dir.display()
                ));
                told = true;
            }
            std::thread::sleep(Duration::from_millis(500));
            continue;
        };
        client.send(&Ask::Tail {
            filter: args.filter.clone(),
            last,
        })?;
        while let Some(answer) = client.next()? {
            let event = answer?;
            // Each event as it comes, so no buffer that holds it back.
            let mut out = io::stdout().lock();
            if args.json {
                writeln!(out, "{event}")?;
            } else {
                writeln!(out, "{}", row::line(&event, colours))?;
            }
            out.flush()?;
        }
        last = 0;
        output::say("The server stopped; waiting for it to come back.");
        told = true;
        std::thread::sleep(Duration::from_millis(500));
    }
}
