//! The proxy against nginx as reverse proxy and against the upstream alone.

use std::fs;

use anyhow::Result;

use super::report::{Bar, Report};
use super::stack::{Admintrail, Nginx, fsync_us};
use super::wrk::{Load, Plan};
use super::{Options, median, wrk};

const WAYS: [&str; 3] = ["upstream", "nginx", "admintrail"];

pub fn measure(options: &Options) -> Result<Report> {
    let dir = tempfile::tempdir_in(crate::shell::target_dir())?;
    let upstream = Nginx::upstream(dir.path())?;
    let nginx = Nginx::reverse_proxy(dir.path(), upstream.port)?;
    let data = dir.path().join("data");
    let admintrail = Admintrail::serve(&data, upstream.port)?;
    let post = dir.path().join("post.lua");
    fs::write(
        &post,
        "wrk.method = \"POST\"\nwrk.body = \"name=value\"\n\
         wrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n",
    )?;
    let ports = [upstream.port, nginx.port, admintrail.panel];
    let fsync = fsync_us(dir.path())?;

    let mut report = Report::new("Proxy", "cargo xtask bench proxy");
    for (kind, script) in [
        ("safe (GET)", None),
        ("unsafe (POST)", Some(post.as_path())),
    ] {
        for connections in [1, 32, 256] {
            let mut loads: [Vec<Load>; 3] = Default::default();
            for _ in 0..options.rounds {
                for (port, loads) in ports.iter().zip(&mut loads) {
                    loads.push(wrk::run(&Plan {
                        url: format!("http://127.0.0.1:{port}/clients/42?tab=invoices"),
                        connections,
                        seconds: options.seconds,
                        headers: &["User-Agent: Mozilla/5.0 (bench)".to_owned()],
                        script,
                    })?);
                }
            }
            let of = |way: usize, pick: fn(&Load) -> f64| {
                loads
                    .get(way)
                    .map_or(f64::NAN, |l| median(l.iter().map(pick).collect()))
            };
            let errors: f64 = (0..3).map(|way| of(way, |l| l.errors)).sum();
            if errors > 0.0 {
                report.note(format!(
                    "{kind}, {connections} connections: {errors} errors"
                ));
            }
            let safe = script.is_none();
            let bar = if safe && connections == 32 {
                Bar::RatioAtLeast(0.7)
            } else {
                Bar::None
            };
            report.row(
                format!("{kind}, {connections} connections"),
                "req/s",
                of(2, |l| l.requests_per_s),
                ("nginx", of(1, |l| l.requests_per_s)),
                bar,
            );
            for (name, pick) in [
                ("p50", (|l: &Load| l.p50_us) as fn(&Load) -> f64),
                ("p99", |l| l.p99_us),
            ] {
                report.row(
                    format!("{kind}, {connections} connections, {name}"),
                    "µs",
                    of(2, pick),
                    ("nginx", of(1, pick)),
                    Bar::None,
                );
            }
            if connections == 1 {
                let added = of(2, |l| l.p50_us) - of(0, |l| l.p50_us);
                let limit = if safe { 100.0 } else { fsync + 150.0 };
                report.row(
                    format!("{kind}, 1 connection, p50 added to the upstream's"),
                    "µs",
                    added,
                    ("limit", limit),
                    Bar::AtMost,
                );
            }
            let shown: Vec<String> = WAYS
                .iter()
                .enumerate()
                .map(|(way, name)| format!("{name} {:.0} req/s", of(way, |l| l.requests_per_s)))
                .collect();
            eprintln!("{kind}, {connections} connections: {}", shown.join(", "));
        }
    }
    report.note(format!(
        "One fsync on this disk: {fsync:.0} µs (median of 200)."
    ));
    Ok(report)
}
