//! Taking events away as a file: streamed from one snapshot, as fast as the reader reads.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::Declared;
use admintrail_event::{Micros, Seq};
use admintrail_store::{Relation, Trail, View};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::file::{FileFormat, write_file};
use super::holder;
use super::pack::{PackAsk, Packed, write_pack};
use crate::auth::Viewer;
use crate::auth::secret::random;
use crate::limits::{Full, Slot};
use crate::thousands::grouped;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// How many recorded events damaged segments keep from an export, if they keep some.
const MISSING: HeaderName = HeaderName::from_static("admintrail-missing");

/// How many events of a proof pack are as an erasure left them.
const ERASED: HeaderName = HeaderName::from_static("admintrail-erased");

/// How many events of the view a proof pack leaves out, whyever.
const LEFT_OUT: HeaderName = HeaderName::from_static("admintrail-left-out");

/// The word of a proof pack among the formats.
const PROOF: &str = "proof";

/// Pieces of a file that wait for a slow reader.
const AHEAD: usize = 2;
/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

fn format_of(query: &ViewQuery) -> Result<FileFormat, WebError> {
    let format = query.extra("format").and_then(FileFormat::of);
    format.ok_or_else(|| WebError::parameter("format", "send csv, ndjson, parquet or proof."))
}

/// `GET /api/v1/export?format=csv|ndjson|parquet|proof`
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    query.only(&["format"])?;
    let with_proof = query.extra("format") == Some(PROOF);
    let format = if with_proof {
        None
    } else {
        Some(format_of(&query)?)
    };
    let now = app.now();
    let view = query.view(&viewer, Surface::Api, now)?;
    let slot = app.exports.take(holder(&viewer)).map_err(|full| {
        let what = match full {
            Full::Own => "Your other exports are still under way.",
            Full::All => "Too many exports are under way.",
        };
        WebError::TooMany {
            what: what.to_owned(),
            after_s: 10,
        }
    })?;
    let Some(format) = format else {
        return pack(&app, &viewer, view, slot).await;
    };
    let counted = view.clone();
    let missing = app.trail.missing(&view);
    let count = app.ask(move |trail| trail.count(&counted)).await?;
    app.counters.exported.add(count.value);

    let (out, body) = mpsc::channel(AHEAD);
    let (trail, written) = (app.trail.clone(), view.clone());
    tokio::task::spawn_blocking(move || write(&trail, &written, format, &out, slot));

    let name = attachment(now, &format!(".{}", format.extension()));
    let mut response = Body::from_stream(ReceiverStream::new(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    let name = HeaderValue::from_str(&name).map_err(WebError::internal)?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    if missing > 0 {
        headers.insert(MISSING, HeaderValue::from(missing));
    }
    response.extensions_mut().insert(Declared {
        action: Some(format!(
            "Exported {}{} events as {}",
            match count.relation {
                Relation::Equal => "",
                Relation::AtLeast => "at least ",
            },
            grouped(count.value),
            format.name()
        )),
        object: Some(what(&view)),
        ..Declared::default()
    });
    Ok(response)
}

/// `admintrail-20261122143158.csv`
fn attachment(now: Micros, end: &str) -> String {
    let stamp: String = now
        .to_string()
        .chars()
        .take(19)
        .filter(char::is_ascii_digit)
        .collect();
    format!("attachment; filename=\"admintrail-{stamp}{end}\"")
}

/// The view with its proofs. It is whole before the first byte goes out: only then one knows that
/// there is a proof for each event.
async fn pack(
    app: &Arc<App>,
    viewer: &Viewer,
    view: View,
    slot: Slot,
) -> Result<Response, WebError> {
    let ask = PackAsk {
        made_by: viewer.admin(),
        made: app.now(),
        anchors: app.anchors.read().clone(),
    };
    let made = ask.made;
    // Who looks at what happened just now need not wait and ask again.
    published(app, app.trail.state().last_seq, PATIENCE).await;
    let (trail, packed_view) = (app.trail.clone(), view.clone());
    let packing = tokio::task::spawn_blocking(move || -> Result<(File, Packed), WebError> {
        let file = scratch().map_err(WebError::internal)?;
        let mut out = BufWriter::with_capacity(PIECE, file);
        let packed = write_pack(&trail, &packed_view, &ask, &mut out)?;
        let mut file = out.into_inner().map_err(WebError::internal)?;
        file.rewind().map_err(WebError::internal)?;
        Ok((file, packed))
    });
    let (file, packed) = packing.await.map_err(WebError::internal)??;
    let length = file.metadata().map_err(WebError::internal)?.len();
    app.counters.exported.add(packed.events);

    let (out, body) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || hand_out(file, &out, slot));
    let mut response = Body::from_stream(ReceiverStream::new(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/zip"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let name = HeaderValue::from_str(&attachment(made, "-proof.zip"));
    headers.insert(
        header::CONTENT_DISPOSITION,
        name.map_err(WebError::internal)?,
    );
    let missing = app.trail.missing(&view);
    for (name, count) in [
        (MISSING, missing),
        (ERASED, packed.erased),
        (LEFT_OUT, packed.left_out()),
    ] {
        if count > 0 {
            headers.insert(name, HeaderValue::from(count));
        }
    }
    let events = packed.events;
    response.extensions_mut().insert(Declared {
        action: Some(format!(
            "Exported {} event{} with proof",
            grouped(events),
            if events == 1 { "" } else { "s" }
        )),
        object: Some(what(&view)),
        ..Declared::default()
    });
    Ok(response)
}

/// So long an export waits for the newest events to be in the ledger.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until the published ledger has an event, for a while. Says whether it has.
pub(super) async fn published(app: &App, seq: Seq, patience: Duration) -> bool {
    let until = tokio::time::Instant::now() + patience;
    loop {
        if app.trail.ledger().next_seq > seq {
            return true;
        }
        if tokio::time::Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A file without a name that is gone when it is closed. Not in the data folder, so that no export
/// fills the disk that recording needs.
fn scratch() -> io::Result<File> {
    let name: String = random::<12>()
        .map_err(io::Error::other)?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let path = std::env::temp_dir().join(format!("admintrail-{name}"));
    unnamed(&path)
}

fn unnamed(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// Runs on a thread that may block; the bounded channel holds it back.
fn hand_out(mut file: File, out: &mpsc::Sender<io::Result<Bytes>>, _slot: Slot) {
    let mut piece = vec![0; PIECE];
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => piece.get(..read).map(Bytes::copy_from_slice),
            Err(error) => {
                tracing::error!(%error, "an export broke off");
                let _ = out.blocking_send(Err(io::Error::other("the export broke off")));
                return;
            }
        };
        if out.blocking_send(Ok(read.unwrap_or_default())).is_err() {
            return;
        }
    }
}

/// What was exported, for the record: the filter and its range.
fn what(view: &View) -> String {
    let mut text = view.filter.to_string();
    for (word, moment) in [("from", view.from), ("to", view.to)] {
        if let Some(moment) = moment {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&format!("{word} {moment}"));
        }
    }
    if text.is_empty() {
        "everything".to_owned()
    } else {
        text
    }
}

/// What the reader is told, on the way out: the body of the response.
struct Outlet<'a>(&'a mpsc::Sender<io::Result<Bytes>>);

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs on a thread that may block; the bounded channel holds it back.
fn write(
    trail: &Trail,
    view: &View,
    format: FileFormat,
    out: &mpsc::Sender<io::Result<Bytes>>,
    _slot: Slot,
) {
    let mut body = BufWriter::with_capacity(PIECE, Outlet(out));
    let Err(error) = write_file(trail, view, format, &mut body) else {
        return;
    };
    // What is left must not follow the break.
    drop(body.into_parts());
    if error.kind() != io::ErrorKind::BrokenPipe {
        tracing::error!(%error, "an export broke off");
        // The reader sees a broken transfer, not a file that looks whole.
        let _ = out.blocking_send(Err(io::Error::other("the export broke off")));
    }
}
