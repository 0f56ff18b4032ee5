//! `GET /api/v1/stream`: new events as server-sent events (HTML standard, section 9.2).
//!
//! Each carries an id that says where it stands, so whoever is cut off, by the network or because
//! it reads too slowly, goes on from there and misses nothing. Nothing is kept for slow readers.

use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{Event, EventJson};
use admintrail_store::{Cursor, Position, Since, Tail, View};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::holder;
use super::live::Live;
use crate::auth::Viewer;
use crate::limits::{Full, Slot};
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// Most events in one write.
const BATCH: usize = 256;
/// So few events are looked at on the spot.
const NEAR: u64 = 64;
/// Writes that wait for a reader.
const AHEAD: usize = 4;
/// How often it is asked whether the viewer still may.
const RECHECK: Duration = Duration::from_millis(500);

/// A comment: no event for whoever reads.
const STILL_HERE: &str = ": still here\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /api/v1/stream`
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    query.only(&[])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let after = resume_point(&query, &headers)?;
    let slot = app.streams.take(holder(&viewer)).map_err(|full| {
        let what = match full {
            Full::Own => format!(
                "{} live streams are open in this session.",
                app.limits.streams_each
            ),
            Full::All => "Too many live streams are open.".to_owned(),
        };
        WebError::TooMany { what, after_s: 30 }
    })?;
    let tail = app.trail.tail(after);
    let (out, body) = mpsc::channel(AHEAD);
    tokio::spawn(
        Feed {
            live: Live::new(Arc::clone(&app), viewer),
            view: Arc::new(view),
            out,
            _slot: slot,
        }
        .run(tail),
    );

    let stream = ReceiverStream::new(body).map(Ok::<Bytes, std::convert::Infallible>);
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    // nginx buffers responses unless told not to.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

/// Where the reader stopped: the header of a reconnecting browser wins over the URL.
fn resume_point(query: &ViewQuery, headers: &HeaderMap) -> Result<Option<Position>, WebError> {
    let named = headers
        .get(LAST_EVENT_ID)
        .map(|value| value.to_str().unwrap_or("?"));
    let Some(text) = named
        .filter(|text| !text.is_empty())
        .or(query.cursor.as_deref())
    else {
        return Ok(None);
    };
    let Cursor(since) = Cursor::parse(text)?;
    Ok(Some(match since {
        Since::After(position) | Since::Before(position) => position,
    }))
}

/// One stream and what it needs.
struct Feed {
    live: Live,
    view: Arc<View>,
    out: mpsc::Sender<Bytes>,
    _slot: Slot,
}

impl Feed {
    async fn run(self, mut tail: Tail) {
        // Says at once that it is open, and how soon to come back when it breaks.
        if !self.send("retry: 3000\n: open\n\n".to_owned()).await {
            return;
        }
        // Proxies close connections on which nothing is said.
        let mut spoke = Instant::now();
        let mut recheck = tokio::time::interval(RECHECK);
        loop {
            let news = tokio::select! {
                open = tail.ready() => {
                    if !open {
                        return;
                    }
                    true
                }
                _ = recheck.tick() => false,
            };
            if !self.live.may_go_on() || self.out.is_closed() {
                return;
            }
            let mut text = String::new();
            if news {
                let Some((next, written)) = self.step(tail).await else {
                    return;
                };
                (tail, text) = (next, written);
            } else if spoke.elapsed() >= self.live.quiet() {
                text.push_str(STILL_HERE);
            }
            if !text.is_empty() {
                spoke = Instant::now();
                if !self.send(text).await {
                    return;
                }
            }
        }
    }

    /// One step further. Whoever resumes far behind, with a filter that may be a costly one, does
    /// so off the async threads, which answer everybody else, and all of them together on one.
    async fn step(&self, mut tail: Tail) -> Option<(Tail, String)> {
        if tail.behind() <= NEAR {
            let events = tail.read(&self.view, BATCH);
            return Some((tail, written(&events)));
        }
        let turn = self.turn().await?;
        let view = Arc::clone(&self.view);
        let step = move || {
            let _turn = turn;
            let events = tail.read(&view, BATCH);
            (tail, written(&events))
        };
        tokio::task::spawn_blocking(step).await.ok()
    }

    /// The turn to catch up, however long it takes; meanwhile says that it is still there. `None`:
    /// the reader is gone, or may not go on.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.live.app().catching_up).acquire_owned();
        tokio::pin!(turn);
        let mut spoke = Instant::now();
        loop {
            let taken = tokio::time::timeout(RECHECK.min(self.live.quiet()), &mut turn).await;
            if !self.live.may_go_on() || self.out.is_closed() {
                return None;
            }
            if let Ok(turn) = taken {
                return turn.ok();
            }
            if spoke.elapsed() >= self.live.quiet() {
                spoke = Instant::now();
                if !self.send(STILL_HERE.to_owned()).await {
                    return None;
                }
            }
        }
    }

    /// `false`: the reader is gone, or reads too slowly to be waited for. It resumes by its last id.
    async fn send(&self, text: String) -> bool {
        self.out
            .send_timeout(Bytes::from(text), self.live.patience())
            .await
            .is_ok()
    }
}

fn written(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let Ok(json) = serde_json::to_string(&EventJson(event)) else {
            continue;
        };
        let (time, log, seq) = event.order();
        let id = Cursor(Since::After(Position { time, log, seq }));
        text.push_str(&format!("id: {id}\nevent: request\ndata: {json}\n\n"));
    }
    text
}
