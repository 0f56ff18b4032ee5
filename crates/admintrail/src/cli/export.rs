//! `admintrail export`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use admintrail_event::EventJson;
use admintrail_store::{Trail, View};
use anyhow::Context;
use clap::Args;

use super::view::ViewArgs;
use super::{Failure, Global, Outcome, output, query, server_or_folder};
use crate::control_socket::events;

#[derive(Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    view: ViewArgs,
    /// csv (safe to open in a spreadsheet) or ndjson (exact)
    #[arg(long, value_parser = ["csv", "ndjson"])]
    format: String,
    /// Write here instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &ExportArgs) -> Outcome {
    let view = args.view.view()?;
    let dir = global.data_folder()?;
    let trail = query::open(&dir)?;
    server_or_folder::note_look(global, &dir, "export", &args.view.filter);
    let csv = args.format == "csv";
    match &args.output {
        None => write(&trail, &view, csv, &mut output::stdout()).map(drop),
        Some(path) => {
            let count = to_file(&trail, &view, csv, path)?;
            output::say(&format!("{} written to {}", events(count), path.display()));
            Ok(())
        }
    }
}

/// Whole or not at all: an export that breaks off must not look like one that ended.
fn to_file(trail: &Trail, view: &View, csv: bool, path: &Path) -> Result<u64, Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let cannot = || format!("cannot write {}", part.display());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .with_context(cannot)?;
    let done = finish(trail, view, csv, file).and_then(|count| {
        fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(count)
    });
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

fn finish(trail: &Trail, view: &View, csv: bool, file: File) -> Result<u64, Failure> {
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let count = write(trail, view, csv, &mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(count)
}

fn write(trail: &Trail, view: &View, csv: bool, out: &mut impl Write) -> Result<u64, Failure> {
    if csv {
        out.write_all(&admintrail_web::csv_header()?)?;
    }
    let mut count = 0;
    for chunk in trail.scan(view) {
        let events = chunk?;
        count += events.len() as u64;
        if csv {
            out.write_all(&admintrail_web::csv_lines(&events)?)?;
        } else {
            for event in &events {
                serde_json::to_writer(&mut *out, &EventJson(event)).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(count)
}
