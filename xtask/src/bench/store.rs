//! The trail inside the process: appends, queries, memory.

use anyhow::Result;

use super::figures::Figures;
use super::report::{Bar, Report};

pub fn measure() -> Result<Report> {
    let figures = Figures::of_store_bench(&["measure"])?;
    let figure = |name: &str| figures.get(name);

    let mut report = Report::new("Store", "cargo xtask bench store");
    report.row(
        "durable append, batches of 1,000 from 4 senders",
        "events/s",
        figure("append_batches"),
        ("limit", 250_000.0),
        Bar::AtLeast,
    );
    report.row(
        "durable append, 64 writers of single events",
        "events/s",
        figure("append_64_writers"),
        ("one writer", figure("append_one_writer")),
        Bar::RatioAtLeast(16.0),
    );
    for (what, name, limit) in [
        ("500 k hot: open to ready", "load_500k_ready_ms", 500.0),
        ("500 k hot: first page, p50", "first_page_p50_ms", 3.0),
        ("500 k hot: first page, p99", "first_page_p99_ms", 50.0),
        ("500 k hot: deep page, p99", "deep_page_p99_ms", 50.0),
        ("500 k hot: rare admin, p99", "rare_admin_p99_ms", 50.0),
        ("500 k hot: substring, p99", "substring_p99_ms", 50.0),
        ("500 k hot: count, p99", "count_p99_ms", 50.0),
        ("500 k hot: histogram, p99", "histogram_p99_ms", 50.0),
        ("500 k hot: facet, p99", "facet_p99_ms", 50.0),
    ] {
        report.row(what, "ms", figure(name), ("limit", limit), Bar::AtMost);
    }
    report.row(
        "500 k hot: resident memory",
        "MiB",
        figure("rss_mib"),
        ("limit", 250.0 * 1e6 / f64::from(1 << 20)),
        Bar::AtMost,
    );
    Ok(report)
}
