//! A data folder full of a busy company's events, and how long it took to fill.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::questions::Scale;
use crate::bench::figures::Figures;
use crate::bench::stack;

/// Events that are imported from a file; more of them would say the same.
const MOST_OF_IMPORT: u64 = 2_000_000;

pub(super) struct Filled {
    pub(super) data: PathBuf,
    pub(super) scale: Scale,
    pub(super) late: u32,
    /// Of filling it and of what it weighs.
    pub(super) figures: Figures,
}

impl Filled {
    /// Fills the folder, or takes what is there: then the figures are those of that time.
    pub(super) fn at(data: PathBuf, events: u64, late: u32) -> Result<Self> {
        let memo = data.with_extension("figures");
        let told = if data.join("trail.db").is_file() {
            fs::read_to_string(&memo)
                .with_context(|| format!("{} is none that a benchmark filled", data.display()))?
        } else {
            let scale = Scale {
                events,
                ending: now()?,
            };
            let told = text_of_fill(&data, scale, late)?;
            fs::write(&memo, &told)?;
            told
        };
        let figures = Figures::read(&told)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number, written by us"
        )]
        let (there, ending) = (
            figures.get("events") as u64,
            figures.get("ending_us") as i64,
        );
        ensure!(
            there == events,
            "{} holds {there} events, not {events}",
            data.display()
        );
        Ok(Self {
            data,
            scale: Scale { events, ending },
            late,
            figures,
        })
    }

    /// What the events weigh on disk.
    pub(super) fn sizes(&self) -> Result<Figures> {
        Figures::of_store_bench(&[OsStr::new("sizes"), self.data.as_os_str()])
    }

    /// The first of the same events as a table for others.
    pub(super) fn write_table(&self, file: &Path, events: u64) -> Result<()> {
        let scale = Scale {
            events,
            ..self.scale
        };
        Figures::of_store_bench(&arguments("table", file, scale, self.late)).map(drop)
    }
}

fn text_of_fill(data: &Path, scale: Scale, late: u32) -> Result<String> {
    let told = Figures::text_of_store_bench(&arguments("fill", data, scale, late))?;
    let Scale { events, ending } = scale;
    Ok(format!(
        "{told}{{\"name\":\"events\",\"value\":{events}}}\n\
         {{\"name\":\"ending_us\",\"value\":{ending}}}\n"
    ))
}

fn arguments(what: &str, file: &Path, scale: Scale, late: u32) -> Vec<OsString> {
    let mut all = vec![what.into(), file.into(), scale.events.to_string().into()];
    all.extend(["--ending".into(), scale.ending.to_string().into()]);
    all.extend(["--late".into(), late.to_string().into()]);
    all
}

fn now() -> Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_micros())?)
}

/// Events a second that `admintrail import` takes from a file of NDJSON into a new folder, from
/// the start of the command to its end; and how many they were.
pub(super) fn import(dir: &Path, scale: Scale) -> Result<(f64, u64)> {
    let scale = Scale {
        events: scale.events.min(MOST_OF_IMPORT),
        ..scale
    };
    let file = dir.join("import.ndjson");
    Figures::of_store_bench(&arguments("ndjson", &file, scale, 0))?;
    let data = dir.join("import");
    let started = Instant::now();
    let done = Command::new(stack::binary())
        .args([
            "import", "--panel", "billing", "--format", "ndjson", "--data",
        ])
        .arg(&data)
        .arg(&file)
        .output()?;
    let took = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&done.stderr);
    let all = format!("{} imported", scale.events);
    ensure!(
        done.status.success() && said.contains(&all),
        "the import ended with {} and said {said}",
        done.status
    );
    fs::remove_file(&file)?;
    fs::remove_dir_all(&data)?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    Ok((scale.events as f64 / took, scale.events))
}
