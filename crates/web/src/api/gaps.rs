//! Refused events of ingest tokens, counted until they are on record as gaps.
//!
//! A count is forgotten only when its gap is durable: what cannot be recorded now (the disk is
//! full, the trail is busy) is tried again, at the latest when the server stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{Draft, EventId, Kind, PanelName};
use admintrail_store::control::ApiToken;
use admintrail_store::{StoreError, Submission};
use parking_lot::Mutex;

use crate::auth::secret::random;
use crate::pages::wording::number::grouped;
use crate::{App, WebError};

/// Refused events are summed up for so long before they are recorded.
const AFTER: Duration = Duration::from_secs(1);
/// How long to wait when they could not be recorded.
const AGAIN: Duration = Duration::from_secs(5);
/// Most panels that one token's counts are kept apart by; a token that is bound to none may name
/// as many as it likes.
const PANELS: usize = 64;

/// What was refused and is not on record yet.
#[derive(Default)]
pub(crate) struct Gaps {
    refused: Mutex<Refused>,
    /// Recorded by one at a time, so that nothing is recorded twice.
    recording: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Refused {
    /// By name of the token and panel.
    counts: BTreeMap<(String, PanelName), u64>,
    /// Made into events already; kept with their ids until they are durable.
    drafts: Vec<Draft>,
    /// Somebody will come for them.
    awaited: bool,
}

impl Refused {
    fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.drafts.is_empty()
    }
}

/// Counts what was refused, by panel, and sees to it that it is recorded soon.
pub(crate) fn refuse(app: &Arc<App>, token: &ApiToken, panels: Vec<(PanelName, u64)>) {
    let mut refused = app.gaps.refused.lock();
    for (panel, count) in panels {
        let own = |(name, _): &&(String, PanelName)| *name == token.name;
        let full = refused.counts.keys().filter(own).count() >= PANELS;
        let key = (token.name.clone(), panel);
        let key = if full && !refused.counts.contains_key(&key) {
            refused.counts.keys().find(own).cloned().unwrap_or(key)
        } else {
            key
        };
        let sum = refused.counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
    if !refused.awaited && !refused.is_empty() {
        refused.awaited = true;
        tokio::spawn(soon(Arc::clone(app)));
    }
}

async fn soon(app: Arc<App>) {
    let mut pause = AFTER;
    loop {
        tokio::time::sleep(pause).await;
        pause = match record(&app).await {
            Ok(()) => AFTER,
            // The end of the server; `App::finish` came before it.
            Err(WebError::Store(error)) if matches!(*error, StoreError::Closed) => return,
            Err(_) => AGAIN,
        };
        let mut refused = app.gaps.refused.lock();
        if refused.is_empty() {
            refused.awaited = false;
            return;
        }
    }
}

/// Records all that was refused so far. What fails is kept.
pub(crate) async fn record(app: &App) -> Result<(), WebError> {
    let _alone = app.gaps.recording.lock().await;
    let drafts = made(app)?;
    if drafts.is_empty() {
        return Ok(());
    }
    let count = drafts.len();
    let batch = drafts.into_iter().map(Submission::new).collect();
    if let Err(error) = app.trail.append(batch).await {
        tracing::error!(%error, "refused events could not be recorded as gaps yet");
        return Err(error.into());
    }
    app.gaps.refused.lock().drafts.drain(..count);
    Ok(())
}

/// The gaps as events. They keep their ids when they are sent again.
fn made(app: &App) -> Result<Vec<Draft>, WebError> {
    let mut refused = app.gaps.refused.lock();
    let now = app.now();
    while let Some(((token, panel), count)) = refused.counts.pop_first() {
        let id = match random::<10>() {
            Ok(random) => EventId::new(now, random),
            Err(error) => {
                refused.counts.insert((token, panel), count);
                return Err(error);
            }
        };
        let mut gap = Draft::request(id, now, panel, "", "");
        gap.kind = Kind::Gap;
        gap.count = Some(count);
        gap.recorder = format!("token {token}");
        gap.action = format!(
            "Refused {} events: over the quota of the token",
            grouped(count)
        );
        refused.drafts.push(gap);
    }
    Ok(refused.drafts.clone())
}
