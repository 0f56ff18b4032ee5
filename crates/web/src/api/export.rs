//! Taking events away as a file: streamed from one snapshot, as fast as the reader reads.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Event, EventJson};
use admintrail_store::{Trail, View};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::csv::{csv_header, csv_lines};
use super::holder;
use crate::auth::Viewer;
use crate::limits::{Full, Slot};
use crate::thousands::grouped;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// Chunks (of at most 1,000 events) that wait for a slow reader.
const AHEAD: usize = 2;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn of(query: &ViewQuery) -> Result<Self, WebError> {
        match query.extra("format") {
            Some("csv") => Ok(Self::Csv),
            Some("ndjson") => Ok(Self::Ndjson),
            _ => Err(WebError::parameter("format", "send csv or ndjson.")),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Ndjson => "NDJSON",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// `GET /api/v1/export?format=csv|ndjson`
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    query.only(&["format"])?;
    let format = Format::of(&query)?;
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
    let count = app.ask(move |trail| trail.count(&counted)).await?;
    app.counters.exported.add(count);

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
    response.extensions_mut().insert(Declared {
        action: Some(format!(
            "Exported {} events as {}",
            grouped(count),
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

/// Runs on a thread that may block; the bounded channel holds it back.
fn write(
    trail: &Trail,
    view: &View,
    format: Format,
    out: &mpsc::Sender<std::io::Result<Bytes>>,
    _slot: Slot,
) {
    let header = (format == Format::Csv).then(csv_header);
    let chunks = trail
        .scan(view)
        .map(|chunk| written(&chunk.map_err(std::io::Error::other)?, format));
    for written in header.into_iter().chain(chunks) {
        let bytes = written.map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "an export broke off");
            // The reader sees a broken transfer, not a file that looks whole.
            std::io::Error::other("the export broke off")
        });
        let broke_off = bytes.is_err();
        if out.blocking_send(bytes).is_err() || broke_off {
            return;
        }
    }
}

fn written(events: &[Event], format: Format) -> std::io::Result<Vec<u8>> {
    match format {
        Format::Csv => csv_lines(events),
        Format::Ndjson => {
            let mut out = Vec::with_capacity(events.len() * 900);
            for event in events {
                serde_json::to_writer(&mut out, &EventJson(event))?;
                out.push(b'\n');
            }
            Ok(out)
        }
    }
}
