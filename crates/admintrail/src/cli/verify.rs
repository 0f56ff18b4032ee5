//! `admintrail verify`
//!
//! Exit codes: 0 intact, 1 tampering or an undeclared gap, 2 used wrongly, 3 could not check, 4 an
//! anchor is missing, stale or no checkpoint of this ledger. Anchors are those of `--anchor` and of
//! `anchor_files` in the configuration, and files of the page Integrity.

mod anchors;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use admintrail_event::Micros;
use admintrail_ledger::{Statement, VerifierKey};
use admintrail_store::{Control, Verified, VerifyOptions, verify};
use admintrail_web::anchors::AddedPlace;
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Failure, Global, Outcome, environment, host_name, output, server_or_folder};
use crate::config::Config;
use anchors::Anchors;

/// Could not check.
const CANNOT: u8 = 3;
/// An anchor is missing, stale or no checkpoint of this ledger.
const ANCHOR: u8 = 4;

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// A checkpoint that was kept and verified earlier: only what came after it is read
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// The key that must have signed, as `admintrail ledger key` printed it [default: the folder's own]
    #[arg(long, value_name = "KEY")]
    vkey: Option<VerifierKey>,
    /// A checkpoint that somebody else kept: the ledger must pass through it; several may be given,
    /// and those of `anchor_files` in the configuration and of the page are read as well
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &VerifyArgs) -> Outcome {
    let dir = global.data_folder()?;
    let mut options = VerifyOptions {
        key: args.vkey.clone(),
        ..VerifyOptions::default()
    };
    if let Some(path) = &args.since {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::Usage(format!("--since {}: {error}", path.display())))?;
        options.since = Some(bytes);
    }
    let (config, mistakes) = Config::read(&global.flags(), &environment, &host_name());
    anchors::in_the_way(mistakes)?;
    let mut anchors = Anchors::known(&config, &added(&dir));
    for path in &args.anchor {
        anchors.read(path, None);
    }
    options.anchors = anchors.take();
    if let Err(failure) = server_or_folder::check_trail(&dir) {
        output::complain(&failure.to_string());
        return Err(Failure::Verdict(CANNOT));
    }
    let bar = bar();
    let verified = verify(&dir, &options, |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            output::complain(&error.to_string());
            return Err(Failure::Verdict(CANNOT));
        }
    };
    anchors.judge(&verified);
    let mut out = output::stdout();
    if args.json {
        serde_json::to_writer(&mut out, &as_json(&verified, &anchors)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        out.write_all(as_text(&verified, &anchors).as_bytes())?;
    }
    out.flush()?;
    match verdict(&verified, &anchors) {
        0 => Ok(()),
        code => Err(Failure::Verdict(code)),
    }
}

/// Places of the page. A copy of the folder may be without them, and what cannot be read keeps
/// nobody from verifying.
fn added(dir: &Path) -> Vec<AddedPlace> {
    if !dir.join("control.db").exists() {
        return Vec::new();
    }
    match Control::open_read_only(dir) {
        Ok(control) => AddedPlace::all(&control),
        Err(error) => {
            output::complain(&format!(
                "the anchors that the page names are left out: {error}"
            ));
            Vec::new()
        }
    }
}

fn verdict(verified: &Verified, anchors: &Anchors) -> u8 {
    if verified.outcome.is_err() {
        1
    } else if anchors.are_good() {
        0
    } else {
        ANCHOR
    }
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{bar:32} {human_pos}/{human_len} events, {per_sec}, {eta} left",
    );
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn as_json(verified: &Verified, anchors: &Anchors) -> Value {
    let state = match verdict(verified, anchors) {
        0 => "intact",
        1 => "tampered",
        _ => "anchor",
    };
    let mut json = json!({
        "state": state,
        "origin": verified.origin,
        "entries": verified.entries,
        "waiting": verified.waiting,
        "outside": verified.outside,
        "anchors": anchors.json(verified.outcome.is_ok()),
        "gaps": verified.gaps.iter().map(|(recorder, epoch, requests)| json!({
            "recorder": recorder, "epoch": epoch, "requests": requests,
        })).collect::<Vec<_>>(),
        "statements": verified.statements.iter().map(|(entry, said)| statement(*entry, said))
            .collect::<Vec<_>>(),
        "unfinished_erasures": verified.unfinished,
    });
    let more = match &verified.outcome {
        Ok(report) => json!({
            "blocks": report.blocks,
            "events": report.whole,
            "erased": report.erased,
            "hash_only": report.hash_only,
            "removed": report.removed,
            "lost": report.lost,
            "next_seq": report.next.0,
        }),
        Err(fault) => json!({
            "fault": {
                "kind": fault.kind.as_str(),
                "first_seq": fault.first.0,
                "last_seq": fault.last.0,
                "entry": fault.entry,
                "says": fault.to_string(),
            },
        }),
    };
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn statement(entry: u64, statement: &Statement) -> Value {
    let said = statement.declared();
    json!({
        "entry": entry,
        "kind": said.kind.as_str(),
        "at": said.at.to_string(),
        "first_seq": said.first.0,
        "last_seq": said.last.0,
        "events": said.events,
        "received_before": said.cutoff.map(|at: Micros| at.to_string()),
        "panel": said.panel,
        "subject": said.subject,
        "by": said.by,
        "approved_by": said.approved_by,
        "reason_seal": said.reason.map(|seal| admintrail_ledger::Hash(seal.0)),
        "after": said.after,
    })
}

fn as_text(verified: &Verified, anchors: &Anchors) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let count = |n: u64| HumanCount(n).to_string();
    match &verified.outcome {
        Ok(report) => {
            say(format!(
                "{}: intact: {} events in {} blocks, {} entries signed",
                verified.origin,
                count(report.whole + report.erased + report.hash_only),
                count(report.blocks),
                count(verified.entries)
            ));
            if report.removed + report.hash_only > 0 {
                say(format!(
                    "  {} events were removed, {} of them from the middle of what is left, as statements say",
                    count(report.removed + report.hash_only),
                    count(report.hash_only)
                ));
            }
            if report.erased > 0 {
                say(format!(
                    "  {} events are as erasures left them, as statements say",
                    count(report.erased)
                ));
            }
        }
        Err(fault) => say(format!("{}: NOT INTACT: {fault}", verified.origin)),
    }
    if verified.waiting > 0 {
        say(format!(
            "  {} newest events are in no block yet; that is no fault",
            count(verified.waiting)
        ));
    }
    if verified.outside > 0 {
        say(format!(
            "  {} events are outside of the ledger, as a statement says",
            count(verified.outside)
        ));
    }
    for (recorder, epoch, requests) in &verified.gaps {
        say(format!(
            "  recorder {recorder}, run {epoch}: {} numbers are missing",
            count(*requests)
        ));
    }
    for (entry, statement) in &verified.statements {
        say(format!("  entry {entry}: {}", sentence(statement)));
    }
    for pseudonym in &verified.unfinished {
        say(format!(
            "  the erasure of {pseudonym} is not done yet; its events are not held against what it leaves"
        ));
    }
    for anchor in anchors.lines(verified.outcome.is_ok()) {
        say(format!("  {anchor}"));
    }
    text
}

/// A statement for people.
pub(super) fn sentence(statement: &Statement) -> String {
    let said = statement.declared();
    let mut text = format!(
        "{} {}: {} of the events {} to {}",
        said.at,
        said.kind.as_str(),
        HumanCount(said.events),
        said.first.0,
        said.last.0
    );
    for (word, value) in [
        ("of the panel", &said.panel),
        ("now known as", &said.subject),
        ("approved by", &said.approved_by),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {word} {value}");
        }
    }
    if let Some(cutoff) = said.cutoff {
        let _ = write!(text, ", received before {cutoff}");
    }
    let _ = write!(text, " ({})", said.by);
    text
}
