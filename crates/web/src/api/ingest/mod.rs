//! `POST /api/v1/events`: events that somebody else recorded.

pub(crate) mod gaps;
mod receipts;
mod submission;

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{
    AttemptedNames, EventId, PanelName, Preset, SubmittedEvent, attempted_name,
};
use admintrail_store::control::ApiToken;
use admintrail_store::{Receipt, Submission};
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};

use super::holder;
use crate::auth::Viewer;
use crate::auth::secret::random;
use crate::error::Conflict;
use crate::limits::Room;
use crate::thousands::grouped;
use crate::{App, WebError, form};

/// `POST /api/v1/events`: 2xx only when every event is durable.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, WebError> {
    let with_hashes = wants_hashes(query.as_deref())?;
    let Viewer::Token(token) = &viewer else {
        return Err(WebError::Forbidden(
            "Events are sent with an ingest token.".to_owned(),
        ));
    };
    refuse_encodings(&headers)?;
    let _place = app
        .ingests
        .take(holder(&viewer))
        .map_err(|_| WebError::TooMany {
            what: "Too many requests of this token are under way.".to_owned(),
            after_s: 1,
        })?;
    let mut room = app.body_memory.room(holder(&viewer));
    let body = read(&app, &headers, body, &mut room).await?;
    let (asked, sender) = (Arc::clone(&app), Arc::clone(token));
    let turn = app.parsing_turns.take(holder(&viewer)).await;
    let taken = app.parsing.run(move || taken(&asked, &sender, &body));
    let submissions = match taken.await?? {
        Taken::Submissions(submissions) => submissions,
        Taken::Refused { after_s } => {
            return Err(WebError::TooMany {
                what: format!("The token {} sends too much.", token.name),
                after_s,
            });
        }
    };
    drop((turn, room));
    let count = submissions.len();
    let ids: Vec<EventId> = submissions.iter().map(|one| one.draft.id).collect();
    let receipts = app.trail.append(submissions).await?;
    app.counters
        .ingested
        .add(u64::try_from(count).unwrap_or(u64::MAX));
    let hashes = if with_hashes {
        Some(receipts::hashes(&app, &receipts).await?)
    } else {
        None
    };
    answer(&ids, &receipts, hashes.as_deref(), token)
}

/// `?receipts=ledger`. Other parameters were never looked at, and are not.
fn wants_hashes(query: Option<&str>) -> Result<bool, WebError> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.into_iter().find(|(name, _)| name == "receipts") {
        None => Ok(false),
        Some((_, value)) if value == "ledger" => Ok(true),
        Some(_) => Err(WebError::parameter(
            "receipts",
            "send ledger, or leave it out.",
        )),
    }
}

fn refuse_encodings(headers: &HeaderMap) -> Result<(), WebError> {
    match headers.get(http::header::CONTENT_ENCODING) {
        Some(value) if value.as_bytes() != b"identity" => Err(WebError::BadBody(
            "Send the body without Content-Encoding.".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The whole body. Room is made for what has arrived, not for what may come: a body that comes
/// slowly keeps nobody out.
async fn read(
    app: &App,
    headers: &HeaderMap,
    mut body: Body,
    room: &mut Room<'_>,
) -> Result<BytesMut, WebError> {
    let limit = app.limits.ingest_bytes;
    let announced = headers.get(http::header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(WebError::TooLarge { limit });
    }
    let patience = app.limits.ingest_patience;
    let whole = async {
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| form::broke_off())?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            let length = read.len() + data.len();
            if length > limit {
                return Err(WebError::TooLarge { limit });
            }
            room.grow_to(length).await?;
            read.extend_from_slice(data);
        }
        Ok(read)
    };
    tokio::time::timeout(patience, whole)
        .await
        .map_err(|_| form::late(patience))?
}

/// What becomes of a body.
enum Taken {
    Submissions(Vec<Submission>),
    /// Over the quota; will be on record as gaps.
    Refused {
        after_s: u64,
    },
}

/// Threat 33: one source's flood costs that source alone, and what was refused is on record. The
/// quota is asked as soon as the events are counted, before any of them is understood.
fn taken(app: &Arc<App>, token: &ApiToken, body: &[u8]) -> Result<Taken, WebError> {
    let raw = submission::split(body, app.limits.ingest_events)?;
    let events = u64::try_from(raw.len()).unwrap_or(u64::MAX);
    if let Err(after_s) = app.quotas.take(token.id, events, &app.limits, app.now()) {
        app.counters.ingest_refused.add(events);
        let panels = submission::by_panel(&raw).into_iter();
        let panels = panels.filter(|(panel, _)| may_send(token, panel));
        gaps::refuse(app, token, panels.collect());
        return Ok(Taken::Refused { after_s });
    }
    let submitted = submission::parse(&raw, app.now())?;
    check_panels(token, &submitted)?;
    submissions(app, submitted).map(Taken::Submissions)
}

/// A token sends events of its panels alone, and nobody those of our own pages: they are the
/// record of who read the record.
fn may_send(token: &ApiToken, panel: &PanelName) -> bool {
    *panel != PanelName::own() && (token.panels.is_empty() || token.panels.contains(panel))
}

fn check_panels(token: &ApiToken, submitted: &[SubmittedEvent]) -> Result<(), WebError> {
    for (index, event) in submitted.iter().enumerate() {
        let panel = event.panel();
        if !may_send(token, panel) {
            let name = &token.name;
            return Err(WebError::Forbidden(format!(
                "The token {name} may not send events of panel {panel} (event {index}); none was taken."
            )));
        }
    }
    Ok(())
}

fn submissions(app: &App, submitted: Vec<SubmittedEvent>) -> Result<Vec<Submission>, WebError> {
    let generic = Preset::built_in("generic")
        .ok_or_else(|| WebError::internal("the generic preset is missing"))?;
    // Events of one panel mostly come together.
    let mut last: Option<(PanelName, Arc<Preset>)> = None;
    submitted
        .into_iter()
        .map(|mut event| {
            let preset = match &last {
                Some((panel, preset)) if panel == event.panel() => Arc::clone(preset),
                _ => {
                    let preset = (app.presets)(event.panel());
                    let preset = preset.unwrap_or_else(|| Arc::clone(&generic));
                    last = Some((event.panel().clone(), Arc::clone(&preset)));
                    preset
                }
            };
            if let Some(shown) = event
                .attempted()
                .map(|name| tried(app, event.panel(), name))
            {
                event.set_attempted(shown);
            }
            let fallback = EventId::new(event.time(), random::<10>()?);
            let mut draft = event.into_draft(fallback, &preset);
            // An event of this trail that comes back in an export is known again all the same: the
            // digest counts everybody's word as a sender's.
            draft.trust_less();
            Ok(Submission::new(draft))
        })
        .collect()
}

/// What is kept of a tried name: people type passwords into that field.
fn tried(app: &App, panel: &PanelName, name: &str) -> String {
    let is_admin = app.control.knows_admin(panel, name) || app.trail.knows_admin(name);
    attempted_name(name, is_admin, AttemptedNames::Known, &app.key)
}

fn answer(
    ids: &[EventId],
    receipts: &[Receipt],
    hashes: Option<&[receipts::InLedger]>,
    token: &ApiToken,
) -> Result<Response, WebError> {
    let (mut accepted, mut duplicates, mut conflicts) = (0_usize, 0_usize, 0_usize);
    let events: Vec<Value> = ids
        .iter()
        .zip(receipts)
        .enumerate()
        .map(|(at, (id, receipt))| {
            let (status, seq, count) = match receipt {
                Receipt::Accepted(seq) => ("accepted", seq, &mut accepted),
                Receipt::Duplicate(seq) => ("duplicate", seq, &mut duplicates),
                Receipt::Conflict(seq) => ("conflict", seq, &mut conflicts),
            };
            *count += 1;
            match hashes.and_then(|hashes| hashes.get(at)) {
                None => json!({"id": id.to_string(), "seq": seq.0, "status": status}),
                Some(found) => json!({
                    "id": id.to_string(),
                    "seq": seq.0,
                    "status": status,
                    "ledger": found.word(),
                    "ledger_hash": found.hash().map(|hash| hash.to_string()),
                }),
            }
        })
        .collect();
    let mut json = Map::new();
    json.insert("accepted".into(), json!(accepted));
    json.insert("duplicates".into(), json!(duplicates));
    json.insert("conflicts".into(), json!(conflicts));
    json.insert("events".into(), Value::Array(events));
    let declared = Declared {
        action: Some(format!(
            "Sent {} event{}",
            grouped(u64::try_from(ids.len()).unwrap_or(u64::MAX)),
            if ids.len() == 1 { "" } else { "s" }
        )),
        object: Some(format!("token/{}", token.name)),
        ..Declared::default()
    };
    let mut response = if conflicts == 0 {
        Json(json).into_response()
    } else {
        WebError::Conflict(Box::new(Conflict {
            conflicts,
            receipts: json,
        }))
        .into_response()
    };
    response.extensions_mut().insert(declared);
    Ok(response)
}
