//! What was measured, as rows against bars and peers.

use anyhow::Result;

use super::folder::Filled;
use super::peers::{Kind, Peer};
use super::questions::{Common, Question};
use super::server::Asked;
use crate::bench::figures::Figures;
use crate::bench::report::{Bar, Report, count, number};

/// Figures of others with five million events like these, for orientation.
const ELSEWHERE: &str = "Others with 5 M such events, measured elsewhere: PostgreSQL, well indexed: \
    127 k/s by COPY, 280 B/row, first page 0.7 ms, day histogram 1,250 ms. ClickHouse engine: \
    1.3 M/s without fsync, 32 B/row without ids, count by status 8 ms, substring 120 ms, histogram \
    44 ms, top IPs 20 ms, first page 2.8 ms, 340 MB resident. VictoriaLogs: 296 k/s, 45 B/row, \
    first page 27 ms, histogram 7–11 ms. The described panel's own table in MariaDB with 1 M rows: \
    629 B/row, first view 0.8–7 s, page at 80 % depth 5–52 s.";

/// Our times of a question, and those of each peer, in their order, if they were asked it.
pub(super) struct Answer {
    pub(super) ours: Asked,
    pub(super) theirs: Vec<Asked>,
}

pub(super) struct Measured<'a> {
    pub(super) filled: &'a Filled,
    pub(super) sizes: &'a Figures,
    /// Events a second, and how many there were.
    pub(super) import: (f64, u64),
    /// Events a second of 64 writers.
    pub(super) single: f64,
    pub(super) answers: Vec<(&'a Question, &'a Answer)>,
    /// Idle, and the most under queries, in MiB.
    pub(super) memory: (f64, f64),
    pub(super) ready_ms: f64,
    pub(super) peers: &'a [Peer],
}

impl Measured<'_> {
    pub(super) fn report(&self, command: &str) -> Result<Report> {
        let title = format!("Store, {} events", count(self.filled.scale.events));
        let mut report = Report::new(title, command);
        self.writing(&mut report);
        self.weight(&mut report);
        for (question, answer) in &self.answers {
            self.answers(&mut report, question, answer);
        }
        self.process(&mut report)?;
        self.notes(&mut report);
        Ok(report)
    }

    fn writing(&self, report: &mut Report) {
        let fill = &self.filled.figures;
        let ours = fill.get("fill_events_per_s");
        let what = "ingest: batches of 1,000 from 4 senders, durable";
        report.row(what, "events/s", ours, ("limit", 300_000.0), Bar::AtLeast);
        let slowest = fill.get("fill_slowest_million_per_s");
        let what = "ingest, the slowest million of them";
        report.row(
            what,
            "events/s",
            slowest,
            ("limit", 300_000.0),
            Bar::AtLeast,
        );
        for peer in self.peers {
            let theirs = float(peer.loaded.rows) / peer.loaded.seconds;
            report.row(
                "ingest",
                "events/s",
                ours,
                (peer.kind.name(), theirs),
                Bar::None,
            );
        }
        let (import, events) = self.import;
        report.row(
            format!("`import` of {} events as NDJSON", count(events)),
            "events/s",
            import,
            ("limit", 250_000.0),
            Bar::AtLeast,
        );
        let what = "durable append, 64 writers of single events";
        report.row(
            what,
            "events/s",
            self.single,
            ("limit", 60_000.0),
            Bar::AtLeast,
        );
    }

    fn weight(&self, report: &mut Report) {
        let (whole, without) = (
            self.sizes.get("bytes_per_event"),
            self.sizes.get("bytes_per_event_without_ids"),
        );
        let what = "an event sealed, all fields";
        report.row(what, "bytes", whole, ("limit", 40.0), Bar::AtMost);
        let what = "an event sealed, without its id";
        report.row(what, "bytes", without, ("limit", 30.0), Bar::AtMost);
        for Peer { kind, loaded, .. } in self.peers {
            let each = |bytes: f64| (kind.name(), bytes / float(loaded.rows));
            report.row(
                "an event on disk",
                "bytes",
                whole,
                each(loaded.bytes),
                Bar::None,
            );
            if let Some(bytes) = loaded.bytes_without_ids {
                let what = "an event on disk, without its id";
                report.row(what, "bytes", without, each(bytes), Bar::None);
            }
        }
    }

    fn answers(&self, report: &mut Report, question: &Question, answer: &Answer) {
        let what = format!("{} (p99 {} ms)", question.what, number(answer.ours.p99()));
        let ours = answer.ours.median();
        report.row(what, "ms", ours, ("limit", question.limit), Bar::AtMost);
        for (peer, asked) in self.peers.iter().zip(&answer.theirs) {
            let what = match (peer.kind, question.common) {
                (Kind::MariaDb, Some(Common::ByStatus)) => "count by status (MariaDB: by method)",
                _ => question.what,
            };
            let name = peer.kind.name();
            let what = if peer.loaded.rows < self.filled.scale.events {
                format!(
                    "{what}; {name} holds {} events only",
                    count(peer.loaded.rows)
                )
            } else {
                what.to_owned()
            };
            report.row(what, "ms", ours, (name, asked.median()), Bar::None);
        }
    }

    fn process(&self, report: &mut Report) -> Result<()> {
        let (idle, most) = self.memory;
        let mib = |megabytes: f64| megabytes * 1e6 / f64::from(1 << 20);
        for (what, ours, limit) in [
            ("resident memory, idle", idle, 250.0),
            ("resident memory, most under queries", most, 500.0),
        ] {
            report.row(what, "MiB", ours, ("limit", mib(limit)), Bar::AtMost);
        }
        for peer in self
            .peers
            .iter()
            .filter(|peer| peer.kind == Kind::ClickHouse)
        {
            let other = (peer.kind.name(), peer.client.memory_mib()?);
            report.row("resident memory, most ever", "MiB", most, other, Bar::None);
        }
        let what = "start to ready";
        report.row(what, "ms", self.ready_ms, ("limit", 500.0), Bar::AtMost);
        Ok(())
    }

    fn notes(&self, report: &mut Report) {
        let (fill, sizes) = (&self.filled.figures, self.sizes);
        report.note(format!(
            "The workload: 5,000 admins by Zipf's law, sessions of 5–120 requests, a UUID in a quarter of \
             the paths, a million events a day up to now, {} ‰ of them hours late. Its generator, on a \
             thread of its own beside the trail, took {} s of processor time of the {} s (all threads \
             together {} s); senders waited {} s for it. Closing the trail took {} s more.",
            self.filled.late,
            number(fill.get("fill_generator_cpu_s")),
            number(fill.get("fill_s")),
            number(fill.get("fill_process_cpu_s")),
            number(fill.get("fill_waited_for_generator_s")),
            number(fill.get("fill_close_s")),
        ));
        report.note(format!(
            "{} of the events are sealed, in {} segments; `trail.db` has {} MB. Times are medians of an \
             open connection, over HTTP with JSON for ours, the driver's for the peers; each question \
             was asked once without counting. Our pages come with their total.",
            whole(sizes.get("sealed_events")),
            whole(sizes.get("segments")),
            number(sizes.get("trail_db_bytes") / 1e6),
        ));
        let columns: Vec<String> = sizes
            .beginning("bytes_per_event_of_")
            .iter()
            .map(|(name, bytes)| format!("{} {bytes:.2}", name.trim_start_matches("column_")))
            .collect();
        if !columns.is_empty() {
            report.note(format!("Bytes of a sealed event: {}.", columns.join(", ")));
        }
        for peer in self.peers {
            report.note(held_by(peer));
        }
        report.note(ELSEWHERE);
    }
}

/// How a peer was filled, and how it is asked.
fn held_by(peer: &Peer) -> String {
    let rows = count(peer.loaded.rows);
    match peer.kind {
        Kind::PostgreSql => format!(
            "PostgreSQL: {rows} rows by one COPY with fsync, its key the id, indices on (time), \
                 (admin, time) and (status, time); pages by key, without a total."
        ),
        Kind::MariaDb => format!(
            "MariaDB: {rows} rows by LOAD DATA, at most 1,000,000 since more would take hours; \
                 nothing is extrapolated. The described panel's table: a random UUID as key, no \
                 index on the date; each page counts all, counts what matches, and skips by offset."
        ),
        Kind::ClickHouse => format!(
            "ClickHouse engine: {rows} rows by one INSERT without fsync, sorted by time, zstd, \
                 merged; pages without a total."
        ),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that came as a figure"
)]
fn whole(value: f64) -> String {
    count(value as u64)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn float(count: u64) -> f64 {
    count as f64
}
