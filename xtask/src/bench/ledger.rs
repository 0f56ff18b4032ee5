//! What it costs to prove everything, and whether everything is proven.

use anyhow::{Context, Result};

use super::figures::Figures;
use super::report::{Bar, Report};
use crate::shell::{cargo, output};

/// Random ways to tamper.
const TAMPERINGS: u32 = 1_000;

pub fn measure() -> Result<Report> {
    let folder = tempfile::tempdir_in(crate::shell::target_dir())?;
    let figures = Figures::of_store_bench(&["ledger".as_ref(), folder.path().as_os_str()])?;
    let figure = |name: &str| figures.get(name);
    let mut report = Report::new("Ledger", "cargo xtask bench ledger");
    report.row(
        "durable append of 1,000,000 events with the ledger, published",
        "events/s",
        figure("append_with_ledger"),
        ("without", figure("append_without_ledger")),
        Bar::RatioAtLeast(0.8),
    );
    report.row(
        "the ledger, private part included, at 1,000 events/s",
        "bytes/event",
        figure("ledger_bytes_per_event"),
        ("limit", 2.0),
        Bar::AtMost,
    );
    report.row(
        "`verify` of 1,000,000 events, sealed and hot",
        "events/s",
        figure("verify_events_per_s"),
        ("limit", 2_000_000.0),
        Bar::AtLeast,
    );
    report.row(
        "random tamperings that are found, and named where they are",
        "of 1,000",
        found()?,
        ("all", f64::from(TAMPERINGS)),
        Bar::AtLeast,
    );
    Ok(report)
}

/// The test of the store, with more dice.
fn found() -> Result<f64> {
    let mut command = cargo();
    command
        .args([
            "test",
            "--quiet",
            "--release",
            "--package",
            "admintrail-store",
        ])
        .args(["--test", "trail", "random_tampering", "--", "--nocapture"])
        .env("ADMINTRAIL_TAMPERINGS", TAMPERINGS.to_string());
    let told = output(&mut command)?;
    let line = told
        .lines()
        .find(|line| line.contains("named right"))
        .context("the test of tampering did not say what it found")?;
    let named = line.split_whitespace().rev().nth(2);
    let named = named.and_then(|word| word.parse().ok());
    named.with_context(|| format!("{line:?} has no number"))
}
