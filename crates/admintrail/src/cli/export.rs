//! `admintrail export`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use admintrail_store::{Trail, View};
use admintrail_web::{FileFormat, write_file};
use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::view::ViewArgs;
use super::{Failure, Global, Outcome, output, query, server_or_folder};
use crate::control_socket::events;

#[derive(Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    view: ViewArgs,
    /// csv (safe to open in a spreadsheet), ndjson (exact) or parquet (exact, a column a field)
    #[arg(long, value_parser = format())]
    format: FileFormat,
    /// Write here instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn format() -> impl TypedValueParser<Value = FileFormat> {
    PossibleValuesParser::new(FileFormat::ALL.map(FileFormat::extension))
        .try_map(|word| FileFormat::of(&word).ok_or("no such format"))
}

pub(super) fn run(global: &Global, args: &ExportArgs) -> Outcome {
    let view = args.view.view()?;
    let dir = global.data_folder()?;
    let trail = query::open(&dir)?;
    server_or_folder::note_look(global, &dir, "export", &args.view.filter);
    match &args.output {
        None if args.format == FileFormat::Parquet && io::stdout().is_terminal() => {
            return Err(Failure::Usage(
                "Parquet is no text for a terminal; add -o FILE, or send it into a pipe".to_owned(),
            ));
        }
        None => {
            write_file(&trail, &view, args.format, &mut output::stdout())?;
        }
        Some(path) => {
            let damaged = || trail.state().archive.damaged.len();
            let mut known = damaged();
            let count = loop {
                match to_file(&trail, &view, args.format, path) {
                    // What turned out to be damaged on the way is left out from the start.
                    Err(_) if damaged() > known => known = damaged(),
                    written => break written?,
                }
            };
            output::say(&format!("{} written to {}", events(count), path.display()));
        }
    }
    query::nothing_missing(&trail, &view)
}

/// Whole or not at all: an export that breaks off must not look like one that ended.
fn to_file(trail: &Trail, view: &View, format: FileFormat, path: &Path) -> Result<u64, Failure> {
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
    let done = finish(trail, view, format, file).and_then(|count| {
        fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(count)
    });
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

fn finish(trail: &Trail, view: &View, format: FileFormat, file: File) -> Result<u64, Failure> {
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let count = write_file(trail, view, format, &mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(count)
}
