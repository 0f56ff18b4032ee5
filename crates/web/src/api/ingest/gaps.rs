//! Refused events of ingest tokens, counted until they are on record as gaps.
//!
//! A count is forgotten only when its gap is durable: what cannot be recorded now (the disk is
//! full, the trail is busy) is tried again, at the latest when the server stops. Meanwhile counts
//! are summed up, so that what is kept does not grow with what is refused.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{Draft, EventId, Kind, Micros, PanelName};
use admintrail_store::control::ApiToken;
use admintrail_store::{StoreError, Submission};
use parking_lot::Mutex;

use crate::auth::secret::random;
use crate::thousands::grouped;
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
    /// By name of the token.
    counts: BTreeMap<String, Counts>,
    /// Made into events already; kept with their ids until they are durable.
    drafts: Vec<Draft>,
    /// Somebody will come for them.
    awaited: bool,
}

/// Refused events of one token.
#[derive(Default)]
struct Counts {
    by_panel: HashMap<PanelName, u64>,
    /// Of panels beyond [`PANELS`].
    others: u64,
}

impl Counts {
    /// Counts by panel; those that most events name are kept apart.
    fn of(mut panels: Vec<(PanelName, u64)>) -> Self {
        panels.sort_by_key(|(_, count)| Reverse(*count));
        let mut counts = Self::default();
        panels
            .into_iter()
            .for_each(|(panel, count)| counts.add(panel, count));
        counts
    }

    fn add(&mut self, panel: PanelName, count: u64) {
        let full = self.by_panel.len() >= PANELS;
        let sum = if full && !self.by_panel.contains_key(&panel) {
            &mut self.others
        } else {
            self.by_panel.entry(panel).or_default()
        };
        *sum = sum.saturating_add(count);
    }

    fn join(&mut self, others: Self) {
        for (panel, count) in others.by_panel {
            self.add(panel, count);
        }
        self.others = self.others.saturating_add(others.others);
    }

    /// Each panel and its count; `None` for the other panels together.
    fn each(&self) -> impl Iterator<Item = (Option<&PanelName>, u64)> {
        let others = (self.others > 0).then_some((None, self.others));
        let by_panel = self.by_panel.iter();
        by_panel
            .map(|(panel, count)| (Some(panel), *count))
            .chain(others)
    }
}

impl Refused {
    fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.drafts.is_empty()
    }

    /// The gaps to record now. They keep their ids when they are sent again; what is refused
    /// meanwhile waits until they are on record.
    fn drafts(&mut self, now: Micros) -> Result<&[Draft], WebError> {
        if self.drafts.is_empty() {
            let counts = self.counts.iter();
            let each = counts.flat_map(|(token, counts)| {
                counts
                    .each()
                    .map(move |(panel, count)| gap(token, panel, count, now))
            });
            self.drafts = each.collect::<Result<_, _>>()?;
            self.counts.clear();
        }
        Ok(&self.drafts)
    }
}

/// Other panels than those that are kept apart have no name: their gap is one of our own pages',
/// which took the request.
fn gap(token: &str, panel: Option<&PanelName>, count: u64, now: Micros) -> Result<Draft, WebError> {
    let id = EventId::new(now, random::<10>()?);
    let of = if panel.is_some() {
        ""
    } else {
        " of other panels"
    };
    let panel = panel.cloned().unwrap_or_else(PanelName::own);
    let mut gap = Draft::request(id, now, panel, "", "");
    gap.kind = Kind::Gap;
    gap.count = Some(count);
    gap.recorder = format!("token {token}");
    gap.action = format!(
        "Refused {} events{of}: over the quota of the token",
        grouped(count)
    );
    Ok(gap)
}

/// Counts what was refused, by panel, and sees to it that it is recorded soon. Called off the
/// async threads: a body may name thousands of panels.
pub(crate) fn refuse(app: &Arc<App>, token: &ApiToken, panels: Vec<(PanelName, u64)>) {
    if panels.is_empty() {
        return;
    }
    let counts = Counts::of(panels);
    let mut refused = app.gaps.refused.lock();
    refused
        .counts
        .entry(token.name.clone())
        .or_default()
        .join(counts);
    if !refused.awaited {
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
    // What failed before, then what was refused since.
    for _ in 0..2 {
        let drafts = app.gaps.refused.lock().drafts(app.now())?.to_vec();
        if drafts.is_empty() {
            return Ok(());
        }
        let batch = drafts.into_iter().map(Submission::new).collect();
        if let Err(error) = app.trail.append(batch).await {
            tracing::error!(%error, "refused events could not be recorded as gaps yet");
            return Err(error.into());
        }
        app.gaps.refused.lock().drafts.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panels(numbers: std::ops::Range<u64>) -> Vec<(PanelName, u64)> {
        numbers
            .map(|n| (format!("panel{n}").parse().unwrap(), n + 1))
            .collect()
    }

    fn refuse(refused: &mut Refused, panels: Vec<(PanelName, u64)>) {
        let counts = refused.counts.entry("flood".to_owned()).or_default();
        counts.join(Counts::of(panels));
    }

    #[test]
    fn what_is_refused_while_nothing_can_be_recorded_is_summed_up() {
        let mut refused = Refused::default();
        refuse(&mut refused, panels(0..2));
        let first = refused.drafts(Micros(7)).unwrap().to_vec();
        assert_eq!(first.len(), 2);
        for tries in 0..50 {
            refuse(&mut refused, panels(0..2));
            let drafts = refused.drafts(Micros(tries)).unwrap();
            assert_eq!(drafts, first, "the same events under the same ids");
        }
        refused.drafts.clear();
        let counts = refused.drafts(Micros(9)).unwrap().iter();
        let mut counts: Vec<Option<u64>> = counts.map(|gap| gap.count).collect();
        counts.sort();
        assert_eq!(counts, [Some(50), Some(100)]);
    }

    #[test]
    fn events_of_many_panels_are_said_to_be_of_other_panels() {
        let mut refused = Refused::default();
        refuse(&mut refused, panels(0..100));
        refuse(&mut refused, panels(98..102));
        let drafts = refused.drafts(Micros(7)).unwrap();
        assert_eq!(drafts.len(), PANELS + 1);
        let of = |panel: &str| {
            let gap = drafts.iter().find(|gap| gap.panel.as_str() == panel)?;
            Some((gap.count?, gap.action.clone()))
        };
        let named = "Refused 198 events: over the quota of the token".to_owned();
        assert_eq!(of("panel98"), Some((198, named)));
        // Panels 0 to 35 once, 100 and 101.
        let others = (0..36).map(|n| n + 1).sum::<u64>() + 101 + 102;
        let unnamed =
            format!("Refused {others} events of other panels: over the quota of the token");
        assert_eq!(of(PanelName::OWN), Some((others, unnamed)));
        assert_eq!(of("panel0"), None);
    }
}
