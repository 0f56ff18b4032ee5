//! The published ledger, as C2SP tlog-tiles has it: checkpoint, tiles, and the key.

use std::sync::Arc;

use admintrail_event::EventId;
use admintrail_ledger::{LedgerError, TileId};
use admintrail_store::{ProofState, ProvenErased};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::auth::Viewer;
use crate::{App, WebError};

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /ledger/checkpoint`: the signed note as it is now.
pub(crate) async fn checkpoint(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let found = app.ask(|trail| trail.published_checkpoint()).await?;
    let note = found.ok_or(WebError::NoSuch("checkpoint"))?;
    let tag = Sha256::digest(&note)
        .iter()
        .take(12)
        .fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}"))
        + "\"";
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*");
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(TEXT))];
        (kind, note).into_response()
    };
    let out = response.headers_mut();
    // The next one is a second away.
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(
        header::ETAG,
        HeaderValue::from_str(&tag).map_err(WebError::internal)?,
    );
    Ok(response)
}

/// `GET /ledger/tile/…`: a tile or a bundle of entries, of just this width. What has a path never
/// changes; a partial one goes when the full one is there.
pub(crate) async fn tile(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
) -> Result<Response, WebError> {
    let tile: TileId = format!("tile/{path}").parse().map_err(|_: LedgerError| {
        WebError::parameter(
            "path",
            "write it as C2SP tlog-tiles does: tile/0/x001/067.p/8.",
        )
    })?;
    let found = app.ask(move |trail| trail.published_tile(&tile)).await?;
    let bytes = found.ok_or(WebError::NoSuch("tile"))?;
    // Where one has to sign in, a cache that others share must not answer for us.
    let caching = if app.ledger_public {
        "public, max-age=31536000, immutable"
    } else {
        "private, max-age=31536000, immutable"
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, caching),
    ];
    Ok((headers, bytes).into_response())
}

/// `GET /ledger/key`: with what everybody checks the checkpoint.
pub(crate) async fn key(State(app): State<Arc<App>>) -> Result<Response, WebError> {
    let found = app.ask(|trail| trail.verification_key()).await?;
    let key = found.ok_or(WebError::NoSuch("key"))?;
    Ok(([(header::CONTENT_TYPE, TEXT)], format!("{key}\n")).into_response())
}

/// `GET /api/v1/events/{id}/proof`: whether the event is in the ledger as it is now, with the proof.
pub(crate) async fn proof(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: EventId = id.parse().map_err(|error: admintrail_event::IdError| {
        WebError::parameter("id", format!("{error}."))
    })?;
    let asked = app.ask(move |trail| {
        let Some(event) = trail.event(id)? else {
            return Ok(None);
        };
        let state = trail.prove(&event)?;
        Ok(Some((event, state, trail.verification_key()?)))
    });
    let (event, state, key) = asked
        .await?
        .filter(|(event, ..)| viewer.may_see(&event.draft.panel))
        .ok_or(WebError::NoSuch("event"))?;
    // Names that say nothing of this event are there as null.
    let mut json = json!({
        "state": word(&state),
        "id": event.draft.id.to_string(),
        "seq": event.seq.0,
        "event": admintrail_event::EventJson(&event),
        "entry": null,
        "entries": null,
        "proof": null,
        "erasure": null,
        "checkpoint": null,
        "key": key.map(|key| key.to_string()),
        "says": null,
    });
    let more = match &state {
        ProofState::Proven(proven) => json!({
            "entry": proven.entry,
            "entries": proven.entries,
            "proof": proven.proof,
            "checkpoint": proven.checkpoint,
        }),
        ProofState::Erased(proven) => json!({
            "entry": proven.entry,
            "entries": proven.entries,
            "proof": proven.proof,
            "erasure": erasure(proven),
            "checkpoint": proven.checkpoint,
        }),
        ProofState::Failed(cause) => json!({ "says": cause }),
        ProofState::Waiting | ProofState::Rewriting | ProofState::Outside => json!({}),
    };
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    Ok(Json(json).into_response())
}

/// What the ledger says of an erasure.
fn erasure(proven: &ProvenErased) -> Value {
    let said = proven.statement.declared();
    json!({
        "entry": proven.proof.statement().index(),
        "at": said.at.to_string(),
        "pseudonym": said.subject,
        "by": said.by,
        "approved_by": said.approved_by,
        "events": said.events,
    })
}

/// How the API calls it.
const fn word(state: &ProofState) -> &'static str {
    match state {
        ProofState::Waiting => "waiting",
        ProofState::Proven(_) => "proven",
        ProofState::Erased(_) => "erased",
        ProofState::Rewriting => "rewriting",
        ProofState::Outside => "outside",
        ProofState::Failed(_) => "failed",
    }
}
