//! Pages over HTTP with hot full, the start, and memory.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::Figures;
use super::report::{Bar, Report};
use super::stack::{Admintrail, Nginx, read_token};
use super::wrk::Plan;
use super::{Options, http, median, wrk};

/// What is asked, and the most its first rows may take at p99.
const QUESTIONS: &[(&str, &str, f64)] = &[
    ("first page", "limit=50", 50.0),
    ("first page of 500 rows", "limit=500", 50.0),
    ("last page", "limit=50&order=asc", 50.0),
    ("one admin", "limit=50&q=admin:olena.kovalenko", 50.0),
    ("rare admin", "limit=50&q=admin:nobody-of-this-name", 50.0),
    ("denied", "limit=50&q=outcome:denied", 50.0),
    (
        "status 4xx without polling",
        "limit=50&q=status:4xx+-is:polling",
        50.0,
    ),
    ("substring in path", "limit=50&q=path:invoice", 50.0),
    ("substring found nowhere", "limit=50&q=zzqqzzqq", 50.0),
    ("wildcard", "limit=50&q=path:*client*4*1*", 50.0),
    ("network", "limit=50&q=ip:198.51.100.0/24", 50.0),
    ("slow ones", "limit=50&q=duration:%3E500ms", 50.0),
    (
        "many terms",
        "limit=50&q=type:api+method:PUT,DELETE+-outcome:error+is:first",
        50.0,
    ),
];

pub fn measure(options: &Options) -> Result<Report> {
    let dir = tempfile::tempdir_in(crate::shell::target_dir())?;
    let data = dir.path().join("data");
    let events = options.events.unwrap_or(500_000);
    let count = events.to_string();
    let arguments = [OsStr::new("fill"), data.as_os_str(), OsStr::new(&count)];
    Figures::of_store_bench(&arguments)?;
    let upstream = Nginx::upstream(dir.path())?;

    let mut starts = Vec::new();
    for _ in 0..options.rounds {
        let started = Admintrail::serve(&data, upstream.port)?;
        starts.push(started.ready.as_secs_f64() * 1e3);
    }
    let admintrail = Admintrail::serve(&data, upstream.port)?;
    let token = read_token(&data)?;
    let ask = |query: &str| -> Result<Value> {
        let path = format!("/api/v1/events?{query}");
        let (status, body) = http::get(admintrail.page, &path, Some(&token))?;
        ensure!(
            status == 200,
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).context("the page is not JSON")
    };
    let total = ask("limit=1")?;
    let total = total
        .pointer("/total/value")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    ensure!(total >= events, "{total} events of {events} were loaded");
    std::thread::sleep(Duration::from_secs(2));
    let (idle, _) = admintrail.memory_mib()?;

    let mut report = Report::new("Pages", "cargo xtask bench pages");
    let mut questions: Vec<(String, String, f64)> = QUESTIONS
        .iter()
        .map(|(n, q, l)| ((*n).to_owned(), (*q).to_owned(), *l))
        .collect();
    if let Some(cursor) = cursor_at(&ask, total / 2)? {
        questions.push((
            "half-way page".to_owned(),
            format!("limit=50&cursor={cursor}"),
            50.0,
        ));
    }
    for (name, query, limit) in &questions {
        let mut loads = Vec::new();
        for _ in 0..options.rounds {
            loads.push(wrk::run(&Plan {
                url: format!("http://127.0.0.1:{}/api/v1/events?{query}", admintrail.page),
                connections: 1,
                seconds: options.seconds.min(2),
                headers: &[format!("Authorization: Bearer {token}")],
                script: None,
            })?);
        }
        let p50 = median(loads.iter().map(|l| l.p50_us / 1e3).collect());
        let p99 = median(loads.iter().map(|l| l.p99_us / 1e3).collect());
        if loads.iter().any(|l| l.errors > 0.0) {
            report.note(format!("{name}: answers other than 2xx"));
        }
        if name == "first page" {
            report.row(
                format!("{name}, p50"),
                "ms",
                p50,
                ("limit", 3.0),
                Bar::AtMost,
            );
        }
        report.row(
            format!("{name}, p99"),
            "ms",
            p99,
            ("limit", *limit),
            Bar::AtMost,
        );
    }
    let (_, most) = admintrail.memory_mib()?;
    let mib = |megabytes: f64| megabytes * 1e6 / f64::from(1 << 20);
    report.row(
        "resident memory, idle",
        "MiB",
        idle,
        ("limit", mib(250.0)),
        Bar::AtMost,
    );
    report.row(
        "resident memory, most under queries",
        "MiB",
        most,
        ("limit", mib(250.0)),
        Bar::AtMost,
    );
    report.row(
        "start to ready",
        "ms",
        median(starts),
        ("limit", 500.0),
        Bar::AtMost,
    );
    report.note(format!(
        "{total} events in hot, one connection, HTTP keep-alive, JSON API."
    ));
    Ok(report)
}

/// A cursor at least `rows` rows below the newest, found by walking pages of 1,000.
fn cursor_at(ask: &dyn Fn(&str) -> Result<Value>, rows: u64) -> Result<Option<String>> {
    let mut query = "limit=500".to_owned();
    let mut cursor = None;
    for _ in 0..rows.div_ceil(500).min(500) {
        let page = ask(&query)?;
        let Some(older) = page.get("older").and_then(Value::as_str) else {
            break;
        };
        query = format!("limit=500&cursor={older}");
        cursor = Some(older.to_owned());
    }
    Ok(cursor)
}
