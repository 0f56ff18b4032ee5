//! `admintrail serve` on the filled folder, and how long its answers take.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::folder::Filled;
use super::questions::{Places, Scale};
use crate::bench::http::{Connection, free_port};
use crate::bench::median;
use crate::bench::stack::{Admintrail, read_token};
use crate::shell::output;

pub(super) struct Running {
    admintrail: Admintrail,
    token: String,
    /// Median of several starts.
    pub(super) ready_ms: f64,
    /// Resident memory before anybody asked, in MiB.
    idle: f64,
}

impl Running {
    pub(super) fn serve(filled: &Filled, starts: usize) -> Result<Self> {
        // Nobody uses the panel here.
        let upstream = free_port()?;
        let mut ready = Vec::new();
        for _ in 0..starts {
            let started = Admintrail::serve(&filled.data, upstream)?;
            ready.push(started.ready.as_secs_f64() * 1e3);
        }
        let admintrail = Admintrail::serve(&filled.data, upstream)?;
        std::thread::sleep(Duration::from_secs(2));
        let (idle, _) = admintrail.memory_mib()?;
        let token = read_token(&filled.data)?;
        Ok(Self {
            admintrail,
            token,
            ready_ms: median(ready),
            idle,
        })
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(self.admintrail.page, &self.token)
    }

    /// Idle, and the most it ever was.
    pub(super) fn memory_mib(&self) -> Result<(f64, f64)> {
        let (_, most) = self.admintrail.memory_mib()?;
        Ok((self.idle, most))
    }

    /// Where the pages at a depth begin.
    pub(super) fn places(&self, scale: Scale) -> Result<Places> {
        let mut connection = self.connect()?;
        let total = page(&mut connection, "limit=1")?
            .pointer("/total/value")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        ensure!(
            total >= scale.events,
            "{total} of {} events are there",
            scale.events
        );
        let mut at = |percent: u8| -> Result<(Value, String)> {
            let moment = rfc_3339(scale.moment(i64::from(percent)))?;
            let page = page(&mut connection, &format!("limit=250&to={moment}"))?;
            let older = page.get("older").and_then(Value::as_str);
            let cursor = older
                .with_context(|| format!("nothing is older than {percent} % of all events"))?
                .to_owned();
            Ok((page, cursor))
        };
        let (middle, half) = at(50)?;
        Ok(Places {
            cursors: [(20, at(20)?.1), (50, half), (80, at(80)?.1)],
            thing: thing(&middle).context("no path holds a UUID")?,
        })
    }
}

fn page(connection: &mut Connection, query: &str) -> Result<Value> {
    let body = connection.get(&format!("/api/v1/events?{query}"))?;
    serde_json::from_slice(&body).context("the page is not JSON")
}

/// The first 13 characters of a UUID in some path of the page.
fn thing(page: &Value) -> Option<String> {
    let events = page.get("events")?.as_array()?;
    let mut segments = events
        .iter()
        .filter_map(|event| event.get("path")?.as_str())
        .flat_map(|path| path.split('/'));
    let uuid = segments.find(|segment| segment.len() == 36)?;
    uuid.get(..13).map(str::to_owned)
}

fn rfc_3339(micros: i64) -> Result<String> {
    let mut date = Command::new("date");
    date.args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d"])
        .arg(format!("@{}", micros / 1_000_000));
    Ok(output(&mut date)?.trim().to_owned())
}

/// How many rows, values or buckets an answer has.
pub(super) fn found(connection: &mut Connection, path: &str) -> Result<usize> {
    let answer: Value = serde_json::from_slice(&connection.get(path)?)?;
    let rows = ["events", "values", "buckets"]
        .into_iter()
        .find_map(|name| answer.get(name)?.as_array());
    rows.map(Vec::len)
        .with_context(|| format!("{path} answers {answer}"))
}

/// Times of one question, in ms.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<f64>);

impl Asked {
    pub(super) fn add(&mut self, times: Vec<f64>) {
        self.0.extend(times);
    }

    pub(super) fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The 99th of a hundred; the longest of fewer.
    pub(super) fn p99(&self) -> f64 {
        let mut times = self.0.clone();
        times.sort_by(f64::total_cmp);
        let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
        times.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// As often as fits into the seconds, but at most so often, and once in any case.
pub(super) fn ask(
    connection: &mut Connection,
    path: &str,
    seconds: f64,
    most: usize,
) -> Result<Vec<f64>> {
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < most && Instant::now() < until) {
        let asked = Instant::now();
        connection.get(path)?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
