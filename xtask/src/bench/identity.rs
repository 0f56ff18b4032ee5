//! Who makes a request, among 100,000 live sessions.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::figures::Figures;
use super::report::{Bar, Report};
use crate::shell::{cargo, output, run, target_dir};

/// What criterion writes beside its plots.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

pub fn measure() -> Result<Report> {
    let bench = |arguments: &[&str]| {
        let mut command = cargo();
        command
            .args([
                "bench",
                "--quiet",
                "--package",
                "admintrail",
                "--bench",
                "identity",
                "--",
            ])
            .args(arguments);
        command
    };
    run(&mut bench(&["--noplot"]))?;
    let text = output(&mut bench(&["memory"]))?;
    let figures = Figures::read(&text)?;
    let figure = |name: &str| figures.get(name);

    let mut report = Report::new("Identity", "cargo xtask bench identity");
    report.row(
        "who makes a request: a known one of 100,000 sessions, median",
        "µs",
        median_of("known session")?,
        ("limit", 3.0),
        Bar::AtMost,
    );
    report.row(
        "a stranger, median",
        "µs",
        median_of("stranger")?,
        ("limit", 3.0),
        Bar::AtMost,
    );
    for (what, name) in [
        (
            "100,000 live sessions, signed in one after the other",
            "memory_mb",
        ),
        ("100,000 live sessions, after a restart", "loaded_mb"),
    ] {
        report.row(what, "MB", figure(name), ("limit", 64.0), Bar::AtMost);
    }
    report.note(
        "Memory is what the process grew by: `control.db`, its look-up tables and the queue before \
         them. A request is one with six headers and two cookies; both of them are hashed.",
    );
    Ok(report)
}

/// In µs, as criterion left it.
fn median_of(what: &str) -> Result<f64> {
    let folder = what.replace(' ', "_");
    let group = target_dir().join("criterion/identity");
    let found = [what, folder.as_str()]
        .into_iter()
        .map(|name| group.join(name).join("new/estimates.json"))
        .find(|file| file.is_file())
        .with_context(|| format!("criterion left nothing about {what:?}"))?;
    let estimates: Estimates = serde_json::from_slice(&std::fs::read(found)?)?;
    Ok(estimates.median.point_estimate / 1_000.0)
}
