//! `POST /api/v1/events`: events that somebody else recorded.

use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::Declared;
use admintrail_event::{
    AttemptedNames, Draft, EventId, Kind, PanelName, Preset, SubmittedEvent, attempted_name,
};
use admintrail_store::control::{ApiToken, TokenId};
use admintrail_store::{Receipt, Submission};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::export::grouped;
use super::{holder, submission};
use crate::auth::Viewer;
use crate::auth::secret::random;
use crate::error::Conflict;
use crate::{App, WebError, form};

/// Longest wait for a body.
const PATIENCE: Duration = Duration::from_secs(60);
/// Refused events are summed up for so long before they are recorded as one gap.
const GAP_AFTER: Duration = Duration::from_secs(1);

/// `POST /api/v1/events`: 2xx only when every event is durable.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, WebError> {
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
    let _memory = app.body_memory.reserve(announced(&headers, &app)?).await?;
    let body = form::read(body, app.limits.ingest_bytes, PATIENCE).await?;
    let submitted = app.parsing.run(move || submission::parse(&body)).await??;
    check_panels(token, &submitted)?;
    take_quota(&app, token, &submitted)?;

    let (asked, count) = (Arc::clone(&app), submitted.len());
    let drafts = app.parsing.run(move || drafts(&asked, submitted)).await??;
    let ids: Vec<EventId> = drafts.iter().map(|draft| draft.id).collect();
    let receipts = app
        .trail
        .append(drafts.into_iter().map(Submission::new).collect())
        .await?;
    app.counters
        .ingested
        .add(u64::try_from(count).unwrap_or(u64::MAX));
    answer(&ids, &receipts, token)
}

fn refuse_encodings(headers: &HeaderMap) -> Result<(), WebError> {
    match headers.get(http::header::CONTENT_ENCODING) {
        Some(value) if value.as_bytes() != b"identity" => Err(WebError::BadBody(
            "Send the body without Content-Encoding.".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Bytes to make room for: as many as announced, or the most there may be.
fn announced(headers: &HeaderMap, app: &App) -> Result<usize, WebError> {
    let limit = app.limits.ingest_bytes;
    let length = headers.get(http::header::CONTENT_LENGTH);
    match length.and_then(|value| value.to_str().ok()?.parse().ok()) {
        Some(length) if length > limit => Err(WebError::TooLarge { limit }),
        length => Ok(length.unwrap_or(limit)),
    }
}

/// A token sends events of its panels alone, and nobody those of our own pages: they are the
/// record of who read the record.
fn check_panels(token: &ApiToken, submitted: &[SubmittedEvent]) -> Result<(), WebError> {
    for (index, event) in submitted.iter().enumerate() {
        let panel = event.panel();
        let own = *panel == PanelName::own();
        if own || !(token.panels.is_empty() || token.panels.contains(panel)) {
            let name = &token.name;
            return Err(WebError::Forbidden(format!(
                "The token {name} may not send events of panel {panel} (event {index}); none was taken."
            )));
        }
    }
    Ok(())
}

/// Threat 33: one source's flood costs that source alone, and what was refused is on record.
fn take_quota(
    app: &Arc<App>,
    token: &ApiToken,
    submitted: &[SubmittedEvent],
) -> Result<(), WebError> {
    let events = u64::try_from(submitted.len()).unwrap_or(u64::MAX);
    let Err(after_s) = app.quotas.take(token.id, events, &app.limits, app.now()) else {
        return Ok(());
    };
    app.counters.ingest_refused.add(events);
    if app.quotas.refuse(token.id, events)
        && let Some(first) = submitted.first()
    {
        let (app, panel) = (Arc::clone(app), first.panel().clone());
        let (id, name) = (token.id, token.name.clone());
        tokio::spawn(async move {
            tokio::time::sleep(GAP_AFTER).await;
            record_gap(&app, id, &name, panel).await;
        });
    }
    Err(WebError::TooMany {
        what: format!("The token {} sends too much.", token.name),
        after_s,
    })
}

async fn record_gap(app: &App, token: TokenId, name: &str, panel: PanelName) {
    let count = app.quotas.take_refused(token);
    let now = app.now();
    let Ok(random) = random::<10>() else { return };
    let mut gap = Draft::request(EventId::new(now, random), now, panel, "", "");
    gap.kind = Kind::Gap;
    gap.count = Some(count);
    gap.recorder = format!("token {name}");
    gap.action = format!(
        "Refused {} events: over the quota of the token",
        grouped(count)
    );
    if let Err(error) = app.trail.append(vec![Submission::new(gap)]).await {
        tracing::error!(%error, count, token = name, "refused events could not be recorded as a gap");
    }
}

fn drafts(app: &App, submitted: Vec<SubmittedEvent>) -> Result<Vec<Draft>, WebError> {
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
            Ok(event.into_draft(fallback, &preset))
        })
        .collect()
}

/// What is kept of a tried name: people type passwords into that field.
fn tried(app: &App, panel: &PanelName, name: &str) -> String {
    let is_admin = app.control.knows_admin(panel, name) || app.trail.knows_admin(name);
    attempted_name(name, is_admin, AttemptedNames::Known, &app.key)
}

fn answer(ids: &[EventId], receipts: &[Receipt], token: &ApiToken) -> Result<Response, WebError> {
    let (mut accepted, mut duplicates, mut conflicts) = (0_usize, 0_usize, 0_usize);
    let events: Vec<Value> = ids
        .iter()
        .zip(receipts)
        .map(|(id, receipt)| {
            let (status, seq, count) = match receipt {
                Receipt::Accepted(seq) => ("accepted", seq, &mut accepted),
                Receipt::Duplicate(seq) => ("duplicate", seq, &mut duplicates),
                Receipt::Conflict(seq) => ("conflict", seq, &mut conflicts),
            };
            *count += 1;
            json!({"id": id.to_string(), "seq": seq.0, "status": status})
        })
        .collect();
    let mut json = Map::new();
    json.insert("accepted".into(), json!(accepted));
    json.insert("duplicates".into(), json!(duplicates));
    json.insert("conflicts".into(), json!(conflicts));
    json.insert("events".into(), Value::Array(events));
    let declared = Declared {
        action: Some(format!(
            "Sent {} events",
            grouped(u64::try_from(ids.len()).unwrap_or(u64::MAX))
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
