//! What the record says about how a panel is set up: worked out beside the pages, never while
//! somebody waits for one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admintrail_event::{Filter, Micros, PanelName};
use admintrail_store::{FacetField, StoreError, Trail, View};
use parking_lot::Mutex;

use crate::App;

/// How old they may be before they are worked out again (µs).
const AGE: i64 = 60 * Micros::SECOND;
/// What they look at (µs): as much as the pages show unless asked for more.
const LOOKED_AT: i64 = 86_400 * Micros::SECOND;
/// So few requests from one address say nothing yet.
const ENOUGH: u64 = 50;
/// More panels than anybody monitors.
const PANELS: usize = 10_000;

/// All requests of a panel came from one address, though none is trusted as a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OneAddress {
    pub(crate) panel: PanelName,
    pub(crate) ip: String,
    pub(crate) requests: u64,
}

/// What there is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    pub(crate) one_address: Vec<OneAddress>,
    /// Sessions whose requests succeed and of which nobody saw a sign-in.
    pub(crate) before_recording: u64,
}

/// The hints of a moment ago.
#[derive(Default)]
pub(crate) struct Known {
    last: Mutex<Option<(Micros, Arc<Hints>)>>,
    /// They are being worked out.
    working: AtomicBool,
}

#[cfg(test)]
impl Known {
    /// Whether they were worked out once.
    pub(crate) fn are_known(&self) -> bool {
        self.last.lock().is_some()
    }
}

impl App {
    /// What is known by now. If that is old, new ones are worked out for those who ask later.
    pub(crate) fn hints(self: &Arc<Self>) -> Arc<Hints> {
        let now = self.now();
        let known = self.hints.last.lock().clone();
        let is_old = |at: Micros| now.0.saturating_sub(at.0).unsigned_abs() > AGE.unsigned_abs();
        let due = known.as_ref().is_none_or(|(at, _)| is_old(*at));
        if due
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.hints.working.swap(true, Ordering::AcqRel)
        {
            let app = Arc::clone(self);
            runtime.spawn(async move {
                let panels = watched(&app);
                match app.ask(move |trail| look(trail, &panels, now)).await {
                    Ok(hints) => *app.hints.last.lock() = Some((now, Arc::new(hints))),
                    Err(error) => tracing::debug!(%error, "hints could not be worked out"),
                }
                app.hints.working.store(false, Ordering::Release);
            });
        }
        known.map(|(_, hints)| hints).unwrap_or_default()
    }
}

/// The panels whose requests pass through us, and whether a proxy before them is trusted.
fn watched(app: &App) -> HashMap<PanelName, bool> {
    let guarded = app.panels.iter().filter(|panel| panel.listen.is_some());
    guarded
        .map(|panel| (panel.name.clone(), panel.trusts_a_proxy))
        .collect()
}

fn look(
    trail: &Trail,
    panels: &HashMap<PanelName, bool>,
    now: Micros,
) -> Result<Hints, StoreError> {
    let since = View {
        from: Some(Micros(now.0.saturating_sub(LOOKED_AT))),
        ..View::default()
    };
    let mut hints = Hints::default();
    if panels.values().any(|trusts| !trusts) {
        let groups = trail.groups_with(&since, FacetField::Panel, PANELS, (FacetField::Ip, 1))?;
        for group in groups.rows {
            let panel = group.value.and_then(|name| name.parse::<PanelName>().ok());
            let untrusting = panel.filter(|panel| panels.get(panel) == Some(&false));
            if let (Some(panel), 1, [ip]) = (untrusting, group.others_total, &*group.others)
                && group.requests >= ENOUGH
                && is_near(ip)
            {
                hints.one_address.push(OneAddress {
                    panel,
                    ip: ip.clone(),
                    requests: group.requests,
                });
            }
        }
        hints.one_address.sort_by(|a, b| a.panel.cmp(&b.panel));
    }
    if !panels.is_empty() {
        let filter = Filter::parse("is:unknown outcome:success").unwrap_or_default();
        let counts = trail.nameless_sessions(&View { filter, ..since })?;
        let of_ours = counts
            .iter()
            .filter(|(panel, _)| panels.contains_key(panel));
        hints.before_recording = of_ours.map(|(_, count)| count).sum();
    }
    Ok(hints)
}

/// Where a proxy stands that belongs to oneself. From a public address one person may well come
/// alone; the settings tell of those too.
fn is_near(ip: &str) -> bool {
    match ip.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => false,
    }
}
