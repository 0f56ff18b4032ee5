//! The events as files, for whoever else is to load them.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use admintrail_event::testing::accepted;
use admintrail_event::{Draft, EventJson, LogId};

use crate::Error;
use crate::load::Load;

/// As the trail exports them: one JSON object a line.
pub(crate) fn ndjson(file: &Path, load: &Load) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for (draft, seq) in load.drafts().zip(1..) {
        let event = accepted(draft, LogId::default(), seq);
        serde_json::to_writer(&mut out, &EventJson(&event))?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Tab-separated, `\N` for nothing, as PostgreSQL, MariaDB and ClickHouse read it. The columns are
/// those of `xtask/src/bench/loaded/peer.py`.
pub(crate) fn table(file: &Path, load: &Load) -> Result<(), Error> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for draft in load.drafts() {
        line(&mut out, &draft)?;
    }
    Ok(out.flush()?)
}

fn line(out: &mut impl Write, draft: &Draft) -> Result<(), Error> {
    let time = draft.time.to_string();
    // Everybody reads it so; not everybody an RFC 3339 moment.
    let time = time.trim_end_matches('Z').replace('T', " ");
    let session = draft.session.map(|session| {
        let hex = session.to_string();
        // Two of them know 16 bytes as a UUID.
        let (a, rest) = hex.split_at(8);
        let (b, rest) = rest.split_at(4);
        let (c, rest) = rest.split_at(4);
        let (d, e) = rest.split_at(4);
        [a, b, c, d, e].join("-")
    });
    write!(out, "{}\t{time}\t{}\t", draft.id, draft.panel)?;
    text(out, Some(&draft.recorder))?;
    write!(out, "{}\t{}\t", draft.recorder_epoch, draft.recorder_seq)?;
    text(out, draft.admin.as_deref())?;
    text(out, draft.admin_name.as_deref())?;
    write!(out, "{}\t", draft.known_by)?;
    text(out, draft.attempted.as_deref())?;
    text(out, draft.acting_as.as_deref())?;
    value(out, draft.ip)?;
    text(out, draft.user_agent.as_deref())?;
    value(out, session)?;
    write!(out, "{}\t", draft.request_type)?;
    text(out, Some(&draft.method))?;
    for optional in [&draft.scheme, &draft.host] {
        text(out, optional.as_deref())?;
    }
    text(out, Some(&draft.path))?;
    for optional in [&draft.query, &draft.route] {
        text(out, optional.as_deref())?;
    }
    text(out, Some(&draft.action))?;
    text(out, draft.object.as_deref())?;
    value(out, draft.status)?;
    write!(out, "{}\t{}\t", draft.outcome, draft.ending)?;
    for number in [draft.duration_us, draft.request_bytes, draft.response_bytes] {
        value(out, number)?;
    }
    writeln!(
        out,
        "{}\t{}",
        u8::from(draft.asset),
        u8::from(draft.polling)
    )?;
    Ok(())
}

fn value(out: &mut impl Write, value: Option<impl Display>) -> std::io::Result<()> {
    match value {
        Some(value) => write!(out, "{value}\t"),
        None => out.write_all(b"\\N\t"),
    }
}

/// Events hold no control bytes, so a backslash is all that needs another one before it.
fn text(out: &mut impl Write, text: Option<&str>) -> std::io::Result<()> {
    match text {
        Some(text) if text.contains('\\') => write!(out, "{}\t", text.replace('\\', "\\\\")),
        text => value(out, text),
    }
}
