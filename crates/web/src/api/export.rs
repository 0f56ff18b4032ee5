//! Taking events away as a file: streamed from one snapshot, as fast as the reader reads.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use admintrail_capture::Declared;
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
use crate::auth::Viewer;
use crate::limits::{Full, Slot};
use crate::thousands::grouped;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// How many recorded events damaged segments keep from an export, if they keep some.
const MISSING: HeaderName = HeaderName::from_static("admintrail-missing");

/// Pieces of a file that wait for a slow reader.
const AHEAD: usize = 2;
/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

fn format_of(query: &ViewQuery) -> Result<FileFormat, WebError> {
    let format = query.extra("format").and_then(FileFormat::of);
    format.ok_or_else(|| WebError::parameter("format", "send csv, ndjson or parquet."))
}

/// `GET /api/v1/export?format=csv|ndjson|parquet`
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    query.only(&["format"])?;
    let format = format_of(&query)?;
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
    let counted = view.clone();
    let missing = app.trail.missing(&view);
    let count = app.ask(move |trail| trail.count(&counted)).await?;
    app.counters.exported.add(count.value);

    let (out, body) = mpsc::channel(AHEAD);
    let (trail, written) = (app.trail.clone(), view.clone());
    tokio::task::spawn_blocking(move || write(&trail, &written, format, &out, slot));

    let stamp: String = now
        .to_string()
        .chars()
        .take(19)
        .filter(char::is_ascii_digit)
        .collect();
    let name = format!(
        "attachment; filename=\"admintrail-{stamp}.{}\"",
        format.extension()
    );
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
