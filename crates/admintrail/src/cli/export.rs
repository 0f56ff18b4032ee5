//! `admintrail export`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use admintrail_store::{Trail, View};
use admintrail_web::{FileFormat, PackAsk, write_file, write_pack};
use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::view::ViewArgs;
use super::{Failure, Global, Outcome, output, query, server_or_folder};
use crate::control_socket::events;
use crate::{anchors, clock, shell_user};

#[derive(Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    view: ViewArgs,
    /// csv (safe to open in a spreadsheet), ndjson (exact) or parquet (exact, a column a field)
    #[arg(long, value_parser = format(), required_unless_present = "with_proof")]
    format: Option<FileFormat>,
    /// A zip with a proof for each event, the signed checkpoint, and programs that check them
    #[arg(long, conflicts_with = "format", requires = "output")]
    with_proof: bool,
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
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(path)) => {
            with_proof(&trail, &view, &dir, path)?;
            return query::nothing_missing(&trail, &view);
        }
        // The parser asks for one or the other.
        (None, None) => return Err(Failure::Usage("add -o FILE".to_owned())),
    };
    match &args.output {
        None if format == FileFormat::Parquet && io::stdout().is_terminal() => {
            return Err(Failure::Usage(
                "Parquet is no text for a terminal; add -o FILE, or send it into a pipe".to_owned(),
            ));
        }
        None => {
            write_file(&trail, &view, format, &mut output::stdout())?;
        }
        Some(path) => {
            let damaged = || trail.state().archive.damaged.len();
            let mut known = damaged();
            let count = loop {
                match to_file(path, |file| finish(&trail, &view, format, file)) {
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
fn to_file<T>(path: &Path, write: impl FnOnce(File) -> Result<T, Failure>) -> Result<T, Failure> {
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
    let done = write(file).and_then(|written| {
        fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(written)
    });
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

/// Events that no checkpoint covers are said and left out.
fn with_proof(trail: &Trail, view: &View, dir: &Path, path: &Path) -> Outcome {
    let ask = PackAsk {
        made_by: shell_user::own(),
        made: clock::now(),
        anchors: anchors::known(dir, trail)?,
    };
    let packed = to_file(path, |file| {
        let mut out = BufWriter::with_capacity(256 * 1024, file);
        let packed = write_pack(trail, view, &ask, &mut out).map_err(anyhow::Error::from)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(packed)
    })?;
    output::say(&format!(
        "{} with proof written to {}",
        events(packed.events),
        path.display()
    ));
    if let Some(why) = packed.left_out_words() {
        output::say(&format!("Left out: {why}"));
    }
    Ok(())
}

fn finish(trail: &Trail, view: &View, format: FileFormat, file: File) -> Result<u64, Failure> {
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let count = write_file(trail, view, format, &mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(count)
}
