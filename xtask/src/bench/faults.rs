//! What must hold under faults, longer than a test run allows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::http::{get, local};
use super::report::{Bar, Report};
use super::stack::{Admintrail, Nginx};
use crate::shell::{cargo, has, run};

const IDLE: usize = 10_000;

pub fn measure() -> Result<Report> {
    let mut report = Report::new("Faults", "cargo xtask bench faults");
    idle_connections(&mut report)?;
    kill_rounds(&mut report)?;
    every_call(&mut report)?;
    Ok(report)
}

/// 10,000 connections that send half a head and then nothing; a real user in between.
fn idle_connections(report: &mut Report) -> Result<()> {
    raise_open_files()?;
    let dir = tempfile::tempdir_in(crate::shell::target_dir())?;
    let upstream = Nginx::upstream(dir.path())?;
    let admintrail = Admintrail::serve(&dir.path().join("data"), upstream.port)?;
    let mut idle = Vec::with_capacity(IDLE);
    let mut slowest = Duration::ZERO;
    for number in 0..IDLE {
        // More connections than the cap allows may be refused; that is the point of a cap.
        if let Ok(mut stream) =
            TcpStream::connect_timeout(&local(admintrail.panel), Duration::from_millis(200))
        {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: panel\r\nX-Slow: ");
            idle.push(stream);
        }
        if number % 500 == 0 {
            let started = Instant::now();
            let (status, _) = get(admintrail.page, "/readyz", None)?;
            anyhow::ensure!(status == 200, "the page answered {status}");
            slowest = slowest.max(started.elapsed());
        }
    }
    let held = idle.len();
    let started = Instant::now();
    let user = loop {
        let asked = Instant::now();
        if matches!(get(admintrail.panel, "/", None), Ok((200, _))) {
            break asked.elapsed();
        }
        anyhow::ensure!(
            started.elapsed() < Duration::from_secs(30),
            "no real user was served"
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    report.row(
        format!("{held} idle sockets: a real user of the panel is served in"),
        "ms",
        user.as_secs_f64() * 1e3,
        ("limit", 1000.0),
        Bar::AtMost,
    );
    report.row(
        format!("{held} idle sockets: Admintrail's own page answers in, at most"),
        "ms",
        slowest.as_secs_f64() * 1e3,
        ("limit", 1000.0),
        Bar::AtMost,
    );
    let mut closed = 0;
    std::thread::sleep(Duration::from_secs(12));
    for stream in &mut idle {
        stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        let mut rest = Vec::new();
        if stream.read_to_end(&mut rest).is_ok() {
            closed += 1;
        }
    }
    report.note(format!(
        "{closed} of the {held} idle sockets were closed by the header deadline."
    ));
    Ok(())
}

/// Raises the soft limit on open files to the hard one, for us and for what we start.
fn raise_open_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )
    .context("could not raise the limit on open files")
}

/// The test suite's `kill -9` rounds, ten times as many.
fn kill_rounds(report: &mut Report) -> Result<()> {
    let taken = tests("admintrail", "kill", ("ADMINTRAIL_FAULT_ROUNDS", "500"))?;
    report.note(format!(
        "500 rounds of `kill -9` under 8 writers in {:.0} s: 0 acknowledged lost, 0 doubled, `verify` exits 0.",
        taken.as_secs_f64()
    ));
    Ok(())
}

/// The test suite's sweep over the calls of the store that may fail, each of them in each way.
fn every_call(report: &mut Report) -> Result<()> {
    let sweep = "whatever_call_fails_once";
    let taken = tests("admintrail-store", sweep, ("ADMINTRAIL_FAULTS", "all"))?;
    report.note(format!(
        "Every write, sync, rename and opening of a store that records, seals, drops, erases and publishes failing once (EIO, ENOSPC, `kill -9`, half a write and `kill -9`) in {:.0} s: 0 acknowledged lost, 0 doubled, the ledger intact.",
        taken.as_secs_f64()
    ));
    Ok(())
}

/// Runs the tests of a package with this in their names; how long they took.
fn tests(package: &str, name: &str, more: (&str, &str)) -> Result<Duration> {
    let started = Instant::now();
    let mut command = cargo();
    if has("cargo-nextest") {
        let filter = format!("test({name})");
        command.args(["nextest", "run", "--package", package, "-E", &filter]);
    } else {
        command.args(["test", "--package", package, name]);
    }
    run(command.env(more.0, more.1))?;
    Ok(started.elapsed())
}
