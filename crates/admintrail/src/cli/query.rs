//! `admintrail query`

use std::io::{self, Write};

use admintrail_event::EventJson;
use admintrail_store::{Order, PageRequest, Relation, Trail, TrailOptions, View};
use clap::Args;

use super::view::ViewArgs;
use super::{Failure, Global, Outcome, output, row, server_or_folder};
use crate::clock;
use crate::control_socket::events;

#[derive(Args)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    view: ViewArgs,
    /// Most events, the newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &Global, args: &QueryArgs) -> Outcome {
    let view = args.view.view()?;
    let dir = global.data_folder()?;
    let trail = open(&dir)?;
    let mut out = output::stdout();
    let colours = output::colours(&io::stdout());
    let mut left = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut cursor = None;
    let mut first = None;
    while left > 0 {
        let request = PageRequest {
            order: Order::Descending,
            limit: left.min(1_000),
            cursor,
            last: false,
        };
        let page = trail.page(&view, &request)?;
        // After the first reading, so that no look finds itself; before anything is shown.
        if first.is_none() {
            server_or_folder::note_look(global, &dir, "query", &args.view.filter);
        }
        left -= page.events.len().min(left);
        for event in &page.events {
            if args.json {
                serde_json::to_writer(&mut out, &EventJson(event)).map_err(io::Error::from)?;
                writeln!(out)?;
            } else {
                writeln!(
                    out,
                    "{}",
                    row::line(&serde_json::to_value(EventJson(event))?, colours)
                )?;
            }
        }
        first.get_or_insert(page.total);
        cursor = page.older;
        if cursor.is_none() || page.events.is_empty() {
            break;
        }
    }
    out.flush()?;
    if let Some(total) = first.filter(|_| !args.json) {
        let (plus, verb) = match (total.relation, total.value) {
            (Relation::AtLeast, _) => ("+", "events match"),
            (Relation::Equal, 1) => ("", "event matches"),
            (Relation::Equal, _) => ("", "events match"),
        };
        output::say(&format!("{}{plus} {verb}", total.value));
    }
    nothing_missing(&trail, &view)
}

/// An error that names what damaged segments keep from an answer that was given all the same.
pub(super) fn nothing_missing(trail: &Trail, view: &View) -> Outcome {
    let missing = trail.missing(view);
    if missing == 0 {
        return Ok(());
    }
    let damaged = trail.state().archive.damaged;
    let names: Vec<&str> = damaged.iter().map(|(name, _)| name.as_str()).collect();
    Err(Failure::from(anyhow::anyhow!(
        "not complete: {} of damaged segments are left out ({}). Put the files back from a backup",
        events(missing),
        names.join(", ")
    )))
}

/// The trail for reading, beside a server or without one.
pub(super) fn open(dir: &std::path::Path) -> Result<Trail, Failure> {
    server_or_folder::check_trail(dir)?;
    Ok(Trail::open_read_only(TrailOptions::new(
        dir.to_owned(),
        clock::system(),
    ))?)
}
