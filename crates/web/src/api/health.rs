//! Whether the server lives, records, and how much it does.

use std::fmt::Write as _;
use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_store::TrailState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Map, Value, json};

use crate::health::{ClockState, Code};
use crate::{App, Reach, WebError};

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it records. Says which conditions hold, but nothing of the machine. Only that
/// nothing can be recorded makes it less ready: whoever asks takes it out of service then.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Response, WebError> {
    let trail = state(&app).await?;
    let recorders = app.recorder_state();
    let failing: Vec<Value> = [("trail", &trail.failing), ("recorder", &recorders.failing)]
        .into_iter()
        .filter_map(|(part, failing)| {
            let (since, _) = failing.as_ref()?;
            Some(json!({"part": part, "since": since.to_string()}))
        })
        .collect();
    // The worst of all panels, and which it is only for those who sign in: this is for strangers.
    let found = app.direct_access();
    let direct = Reach::ALL
        .into_iter()
        .find(|reach| found.iter().any(|(_, it)| it.reach == *reach));
    let direct = direct.unwrap_or_default().word();
    let works = failing.is_empty();
    let mut conditions = Vec::new();
    if let Some(stopped) = app.stopped_in(&trail) {
        conditions.push(told(Code::RecordingStopped, stopped.since));
    }
    // That recording stopped is told as it is now, not as it was at the last look.
    let open = app.health.open();
    let others = open
        .iter()
        .filter(|one| one.fault.code() != Code::RecordingStopped);
    conditions.extend(others.map(|one| told(one.fault.code(), one.since)));
    let mut body = Map::from_iter([
        ("failing".to_owned(), Value::Array(failing)),
        ("conditions".to_owned(), Value::Array(conditions)),
        ("direct_access".to_owned(), json!(direct)),
    ]);
    if !works {
        return Err(WebError::NotReady(body));
    }
    body.insert("status".to_owned(), json!("ready"));
    Ok(Json(body).into_response())
}

/// Which panel or file it is about is only for those who sign in.
fn told(code: Code, since: Micros) -> Value {
    json!({
        "condition": code.word(),
        "severity": code.severity().word(),
        "since": since.to_string(),
    })
}

/// Not by [`App::ask`]: however many searches wait, whoever watches the server gets an answer.
async fn state(app: &App) -> Result<TrailState, WebError> {
    let trail = app.trail.clone();
    let asked = tokio::task::spawn_blocking(move || trail.state()).await;
    asked.map_err(WebError::internal)
}

/// `GET /metrics`: Prometheus text format 0.0.4.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, WebError> {
    let trail = state(&app).await?;
    let recorders = app.recorder_state();
    let counters = &app.counters;
    let mut text = Metrics::default();
    let version = app.version;
    text.put(
        "build_info",
        "gauge",
        "Version of Admintrail.",
        &format!("{{version=\"{version}\"}}"),
        1,
    );
    let uptime = app.now().0.saturating_sub(app.started.0) / Micros::SECOND;
    text.put(
        "uptime_seconds",
        "gauge",
        "Since this process began.",
        "",
        uptime,
    );
    text.put("trail_events", "gauge", "Events held.", "", trail.events);
    text.put(
        "trail_last_seq",
        "counter",
        "Number of the last event.",
        "",
        trail.last_seq.0,
    );
    text.put(
        "trail_bytes",
        "gauge",
        "Bytes of the trail's files.",
        "",
        trail.bytes,
    );
    archive(&app, &trail, &mut text);
    let received = trail.last_received.map_or(0, |at| at.0 / Micros::SECOND);
    text.put(
        "trail_last_received_seconds",
        "gauge",
        "When the last event came (Unix time).",
        "",
        received,
    );
    let failing = u8::from(trail.failing.is_some() || recorders.failing.is_some());
    text.put(
        "recording_failing",
        "gauge",
        "1 while nothing can be recorded.",
        "",
        failing,
    );
    text.put(
        "recorder_open",
        "gauge",
        "Requests under way.",
        "",
        recorders.open,
    );
    text.put(
        "recorder_waiting",
        "gauge",
        "Finished events not yet durable.",
        "",
        recorders.waiting,
    );
    text.put(
        "recorder_unrecorded",
        "gauge",
        "Requests not yet counted by a gap.",
        "",
        recorders.unrecorded,
    );
    text.head(
        "http_responses_total",
        "counter",
        "Answers of our own pages and API.",
    );
    for (class, count) in counters.classes() {
        text.line(
            "http_responses_total",
            &format!("{{class=\"{class}\"}}"),
            count,
        );
    }
    text.put(
        "sign_ins_total",
        "counter",
        "Sign-ins to Admintrail.",
        "",
        counters.sign_ins.get(),
    );
    let failed = counters.failed_sign_ins.get();
    text.put(
        "failed_sign_ins_total",
        "counter",
        "Failed ones.",
        "",
        failed,
    );
    let checks = app.desk.verified();
    text.put(
        "password_checks_total",
        "counter",
        "Passwords looked at.",
        "",
        checks,
    );
    text.put(
        "ingested_total",
        "counter",
        "Events taken by POST.",
        "",
        counters.ingested.get(),
    );
    let refused = counters.ingest_refused.get();
    text.put(
        "ingest_refused_total",
        "counter",
        "Events refused: over quota.",
        "",
        refused,
    );
    text.put(
        "exported_total",
        "counter",
        "Events exported.",
        "",
        counters.exported.get(),
    );
    text.head(
        "direct_access",
        "gauge",
        "1 for what the last check found: whether the panel answers around Admintrail.",
    );
    for (panel, access) in app.direct_access() {
        for reach in Reach::ALL {
            let labels = format!("{{panel=\"{panel}\",state=\"{}\"}}", reach.word());
            text.line("direct_access", &labels, u8::from(access.reach == reach));
        }
    }
    conditions(&app, &trail, &mut text);
    text.put(
        "streams",
        "gauge",
        "Live streams open.",
        "",
        app.streams.taken(),
    );
    text.put(
        "exports",
        "gauge",
        "Exports under way.",
        "",
        app.exports.taken(),
    );
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text.0,
    )
        .into_response())
}

/// What is sealed, what is not yet, and what was dropped.
fn archive(app: &App, trail: &TrailState, text: &mut Metrics) {
    let archive = &trail.archive;
    let help = "Segments of the archive that can be read.";
    text.put("archive_segments", "gauge", help, "", archive.segments);
    let help = "Segments of the archive that cannot be read.";
    let damaged = archive.damaged.len();
    text.put("archive_damaged_segments", "gauge", help, "", damaged);
    let help = "Events in the archive.";
    text.put("archive_events", "gauge", help, "", archive.events);
    let help = "Bytes of the archive's files.";
    text.put("archive_bytes", "gauge", help, "", archive.bytes);
    let help = "Events that are not in the archive yet.";
    text.put("archive_backlog_events", "gauge", help, "", archive.hot);
    let failing = u8::from(archive.failing.is_some());
    let help = "1 while nothing can be archived.";
    text.put("archive_failing", "gauge", help, "", failing);
    let retention = app.trail.retention();
    let help = "Events that retention dropped.";
    let dropped = retention.dropped;
    text.put("retention_dropped_total", "counter", help, "", dropped);
    let help = "1 while retention drops nothing, because the clock leapt.";
    let paused = u8::from(retention.paused.is_some());
    text.put("retention_paused", "gauge", help, "", paused);
}

/// Which conditions hold, and what they were judged by.
fn conditions(app: &App, trail: &TrailState, text: &mut Metrics) {
    text.head(
        "health",
        "gauge",
        "1 while the condition holds, as the page Alerts shows it.",
    );
    for code in Code::ALL {
        let holds = match code {
            Code::RecordingStopped => app.stopped_in(trail).is_some() || app.health.holds(code),
            _ => app.health.holds(code),
        };
        let labels = format!("{{condition=\"{}\"}}", code.word());
        text.line("health", &labels, u8::from(holds));
    }
    // What nobody knows is left out, as Prometheus wants it.
    let Some(facts) = app.health.facts() else {
        return;
    };
    if let Some(disk) = facts.disk {
        let help = "Bytes free on the disk of the data folder.";
        text.put("disk_free_bytes", "gauge", help, "", disk.free);
        let help = "Size of that disk.";
        text.put("disk_size_bytes", "gauge", help, "", disk.total);
    }
    let synchronised = match facts.clock {
        ClockState::Synchronised => 1,
        ClockState::Unsynchronised => 0,
        ClockState::Unknown => return,
    };
    let help = "1 while a time server keeps the clock right; absent where nobody knows.";
    text.put("clock_synchronised", "gauge", help, "", synchronised);
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(
            self.0,
            "# HELP admintrail_{name} {help}\n# TYPE admintrail_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "admintrail_{name}{labels} {value}");
    }

    fn put(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        labels: &str,
        value: impl std::fmt::Display,
    ) {
        self.head(name, kind, help);
        self.line(name, labels, value);
    }
}
