//! `admintrail import`

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use admintrail_event::PanelName;
use anyhow::Context;
use clap::Args;
use hashbrown::HashMap;
use indicatif::{ProgressBar, ProgressStyle};

use super::server_or_folder::{Begins, Door, taken};
use super::{Failure, Global, Outcome, output};
use crate::control_socket::{Ask, ImportLine, ImportReport, events};

/// Lines sent at once.
const BATCH: usize = 2_000;

/// Bytes sent at once, about.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Longest line.
const MAX_LINE: u64 = 1024 * 1024;

/// Kinds of mistakes that are named, and lines of each.
const NAMED: usize = 20;

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
    if let Some(panel) = &args.panel {
        let panel = panel
            .parse::<PanelName>()
            .map_err(|error| Failure::Usage(format!("--panel: {error}")))?;
        if panel == PanelName::own() {
            return Err(Failure::Usage(format!(
                "--panel: {panel} is Admintrail's record of its own use, which nobody can add to; \
                 name the panel that the events are from"
            )));
        }
    }
    let dir = global.data_folder()?;
    let (input, size) = open(&args.file)?;
    let bar = progress(size);
    let mut reader = BufReader::with_capacity(256 * 1024, bar.wrap_read(input));
    if args.format == "auto" {
        recognise(&mut reader, &args.file)?;
    }
    let mut door = Door::open(global, &dir, Begins::Yes)?;
    let done = take_all(&mut reader, &mut door, args.panel.as_deref());
    bar.finish_and_clear();
    door.close();
    let (total, failed) = done;
    report(&total, &args.file);
    match failed {
        Some(failure) => Err(failure),
        None if total.errors.is_empty() => Ok(()),
        None => Err(Failure::Said),
    }
}

fn open(file: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let size = opened
        .metadata()
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|meta| meta.len());
    Ok((Box::new(opened), size))
}

fn progress(size: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = if size.is_some() {
        "{bar:32} {bytes}/{total_bytes} {eta} {msg}"
    } else {
        "{spinner} {bytes} {msg}"
    };
    bar.with_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

/// NDJSON begins with a brace.
fn recognise(reader: &mut impl BufRead, file: &Path) -> Outcome {
    let begin = reader
        .fill_buf()
        .with_context(|| format!("cannot read {}", file.display()))?;
    match begin.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None | Some(b'{') => Ok(()),
        Some(_) => Err(Failure::Usage(format!(
            "{} is not NDJSON (one JSON object a line), which is what can be imported",
            file.display()
        ))),
    }
}

/// Sends one batch.
fn take(
    door: &mut Door,
    panel: Option<&str>,
    lines: Vec<ImportLine>,
) -> Result<ImportReport, Failure> {
    let first = lines.first().map_or(0, |line| line.number);
    let panel = panel.map(str::to_owned);
    match door.ask(Ask::Import { panel, lines }) {
        Ok(answer) => taken(answer),
        Err(Failure::Failed(error)) => Err(Failure::Failed(error.context(format!(
            "stopped at line {first}; import the file again for the rest, what is in stays in once"
        )))),
        Err(failure) => Err(failure),
    }
}

/// Takes every line. What came before a failure is in and is reported.
fn take_all(
    reader: &mut impl BufRead,
    door: &mut Door,
    panel: Option<&str>,
) -> (ImportReport, Option<Failure>) {
    let mut total = ImportReport::default();
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut number = 0;
    loop {
        let line = match read_line(reader) {
            Ok(line) => line,
            Err(error) => {
                let broken = anyhow::Error::from(error).context(format!(
                    "cannot read on after line {number}; what came before is in"
                ));
                return (total, Some(Failure::Failed(broken)));
            }
        };
        let ended = line.is_none();
        if let Some(line) = line {
            number += 1;
            match line {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => {
                    let repeat = seen.entry(fingerprint(&text)).or_insert(0);
                    bytes += text.len();
                    batch.push(ImportLine {
                        number,
                        repeat: *repeat,
                        text,
                    });
                    *repeat += 1;
                }
                Err(message) => total.errors.push(crate::control_socket::LineError {
                    line: number,
                    message,
                }),
            }
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || (ended && !batch.is_empty()) {
            bytes = 0;
            match take(door, panel, std::mem::take(&mut batch)) {
                Ok(report) => {
                    total.accepted += report.accepted;
                    total.duplicates += report.duplicates;
                    total.own += report.own;
                    total.errors.extend(report.errors);
                }
                Err(failure) => return (total, Some(failure)),
            }
        }
        if ended {
            total.errors.sort_by_key(|error| error.line);
            return (total, None);
        }
    }
}

/// Tells equal lines of a file apart from different ones.
fn fingerprint(text: &str) -> u128 {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes())
        .iter()
        .take(16)
        .fold(0, |all, byte| (all << 8) | u128::from(*byte))
}

/// The next line; `None` at the end, `Some(Err)` for one that cannot be an event.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut line = Vec::new();
    if reader
        .by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)?
        == 0
    {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
        reader.skip_until(b'\n')?;
        return Ok(Some(Err(format!("is longer than {MAX_LINE} bytes"))));
    }
    while line
        .last()
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        line.pop();
    }
    Ok(Some(
        String::from_utf8(line).map_err(|_| "is not UTF-8".to_owned()),
    ))
}

fn report(total: &ImportReport, file: &Path) {
    // What is wrong with many lines is said once.
    let mut kinds: Vec<(&str, Vec<u64>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for error in &total.errors {
        let place = *places.entry(&error.message).or_insert_with(|| {
            kinds.push((&error.message, Vec::new()));
            kinds.len() - 1
        });
        if let Some((_, lines)) = kinds.get_mut(place) {
            lines.push(error.line);
        }
    }
    for (message, lines) in kinds.iter().take(NAMED) {
        let first = lines.first().copied().unwrap_or_default();
        output::say(&format!("{}:{first}: {message}", file.display()));
        match lines.get(1..).unwrap_or_default() {
            [] => {}
            [line] => output::say(&format!("  and line {line}")),
            [others @ .., last] if others.len() < NAMED => {
                let others: Vec<String> = others.iter().map(u64::to_string).collect();
                output::say(&format!("  and lines {} and {last}", others.join(", ")));
            }
            others => output::say(&format!(
                "  and {} more lines, up to line {}",
                others.len(),
                others.last().copied().unwrap_or_default()
            )),
        }
    }
    let rest: usize = kinds.iter().skip(NAMED).map(|(_, lines)| lines.len()).sum();
    match rest {
        0 => {}
        1 => output::say("… and 1 more line"),
        rest => output::say(&format!("… and {rest} more lines")),
    }
    if total.own > 0 {
        let was = if total.own == 1 { "was" } else { "were" };
        output::say(&format!(
            "{} of Admintrail's own use {was} left out: nobody adds to that record",
            events(total.own)
        ));
    }
    let mut parts = vec![format!("{} imported", total.accepted)];
    if total.duplicates > 0 {
        let was = if total.duplicates == 1 { "was" } else { "were" };
        parts.push(format!("{} {was} there already", total.duplicates));
    }
    if !total.errors.is_empty() {
        parts.push(format!(
            "{} not taken; correct them and import the file again",
            total.errors.len()
        ));
    }
    output::say(&parts.join(", "));
}
