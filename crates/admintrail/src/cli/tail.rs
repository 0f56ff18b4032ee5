//! `admintrail tail`

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::{Global, Outcome, output, row, server_or_folder, view};
use crate::control_socket::{Ask, Client, Place, Tailed};

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
    output::end_with_reader();
    let mut place: Option<Place> = None;
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
        let ask = Ask::Tail {
            filter: args.filter.clone(),
            last: args.lines,
            after: place.clone(),
        };
        // A server that stops while it is asked comes back like one that stops later.
        let asked = client.send(&ask).is_ok();
        while let Some(answer) = client.next()?.filter(|_| asked) {
            match server_or_folder::taken(answer?)? {
                Tailed::Begins {
                    place: at,
                    unrecorded,
                } => {
                    place = Some(at);
                    if let Some(cause) = unrecorded {
                        server_or_folder::say_unrecorded_look(&cause);
                    }
                }
                Tailed::Event(event, at) => {
                    // Each event as it comes, so nothing stays behind in a buffer.
                    let mut out = output::stdout();
                    if args.json {
                        writeln!(out, "{event}")?;
                    } else {
                        writeln!(out, "{}", row::line(&event, colours))?;
                    }
                    out.flush()?;
                    // Earlier events come in the order of time; the place begins after them.
                    if place.is_some() {
                        place = Some(at);
                    }
                }
            }
        }
        output::say("The server stopped; waiting for it to come back.");
        told = true;
        std::thread::sleep(Duration::from_millis(500));
    }
}
