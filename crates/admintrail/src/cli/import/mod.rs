//! `admintrail import`

mod lines;
mod progress;
mod tally;
mod under_way;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use admintrail_event::PanelName;
use anyhow::Context;
use clap::Args;

use super::server_or_folder::{Begins, Door};
use super::{Failure, Global, Outcome, output};
use lines::Lines;
use progress::Progress;
use under_way::UnderWay;

#[derive(Args)]
pub(super) struct ImportArgs {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Panel of the lines that name none themselves
    #[arg(long)]
    panel: Option<String>,
    /// What the file holds; auto recognises it
    #[arg(long, value_parser = ["auto", "ndjson"], default_value = "auto")]
    format: String,
}

pub(super) fn run(global: &Global, args: &ImportArgs) -> Outcome {
    let panel = args.panel.as_deref().map(default_panel).transpose()?;
    let dir = global.data_folder()?;
    let (file, size) = open(&args.file)?;
    let mut lines = Lines::new(file);
    if args.format == "auto" {
        recognise(&mut lines, &args.file)?;
    }
    let door = Door::open(global, &dir, Begins::Yes)?;
    let progress = Progress::of(size);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(UnderWay::run(lines, door, panel, &progress));
    progress.end();
    // Whoever waits for more of standard input is left to it.
    runtime.shutdown_background();
    done.tally.tell(&args.file);
    if let Some(cause) = &done.unrecorded {
        output::say_unrecorded(cause);
    }
    match done.failure {
        Some(failure) => Err(failure),
        None if done.tally.is_whole() => Ok(()),
        None => Err(Failure::Said),
    }
}

fn default_panel(name: &str) -> Result<PanelName, Failure> {
    let panel = name
        .parse::<PanelName>()
        .map_err(|error| Failure::Usage(format!("--panel: {error}")))?;
    if panel == PanelName::own() {
        return Err(Failure::Usage(format!(
            "--panel: {panel} is Admintrail's record of its own use, which nobody can add to; \
             name the panel that the events are from"
        )));
    }
    Ok(panel)
}

/// The file, and its size if it has one.
fn open(file: &Path) -> Result<(File, Option<u64>), Failure> {
    if file.as_os_str() == "-" {
        // Without the small buffer that standard input has.
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        return Ok((input.into(), None));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let size = opened
        .metadata()
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|meta| meta.len());
    Ok((opened, size))
}

/// NDJSON begins with a brace.
fn recognise(lines: &mut Lines<impl Read>, file: &Path) -> Outcome {
    let first = lines
        .first_byte()
        .with_context(|| format!("cannot read {}", file.display()))?;
    match first {
        None | Some(b'{') => Ok(()),
        Some(_) => Err(Failure::Usage(format!(
            "{} is not NDJSON (one JSON object a line), which is what can be imported",
            file.display()
        ))),
    }
}
