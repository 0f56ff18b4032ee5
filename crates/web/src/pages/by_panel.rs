//! What each panel's record says, for all panels in one pass over the trail.

use std::collections::{BTreeMap, HashMap};

use admintrail_event::{Filter, Micros, PanelName};
use admintrail_store::{FacetField, Group, View};

use crate::WebError;
use crate::pages::scene::Scene;

/// More panels than anybody monitors.
const PANELS: usize = 10_000;

/// Requests of today without background refreshes, and the last event of all.
pub(crate) struct ByPanel {
    today: HashMap<String, Group>,
    ever: HashMap<String, Group>,
}

impl ByPanel {
    pub(crate) fn look(scene: &Scene) -> Result<Self, WebError> {
        let today = View {
            from: Some(scene.face.day(0)),
            fold: true,
            ..View::default()
        };
        Ok(Self {
            today: groups(scene, &today)?,
            ever: groups(scene, &View::default())?,
        })
    }

    pub(crate) fn today(&self, panel: &PanelName) -> u64 {
        self.today
            .get(panel.as_str())
            .map_or(0, |group| group.requests)
    }

    pub(crate) fn last(&self, panel: &PanelName) -> Option<Micros> {
        self.ever.get(panel.as_str()).map(|group| group.last)
    }

    /// Whether nothing was recorded of any monitored panel.
    pub(crate) fn is_empty(&self) -> bool {
        self.ever.keys().all(|panel| panel == PanelName::OWN)
    }
}

/// The requests of each panel since a moment, if all of them came from one address.
pub(crate) fn one_address(
    scene: &Scene,
    since: Micros,
) -> Result<HashMap<String, (String, u64)>, WebError> {
    let view = View {
        from: Some(since),
        ..View::default()
    };
    let trail = &scene.app.trail;
    let found = trail.groups_with(&view, FacetField::Panel, PANELS, (FacetField::Ip, 1))?;
    let rows = found.rows.into_iter().filter_map(|group| {
        let [ip] = <[String; 1]>::try_from(group.others).ok()?;
        (group.others_total == 1).then_some((group.value?, (ip, group.requests)))
    });
    Ok(rows.collect())
}

/// Sessions that nobody's sign-in was seen of, though their requests succeeded, by panel.
pub(crate) fn unknown_sessions(scene: &Scene) -> Result<BTreeMap<PanelName, u64>, WebError> {
    let view = View {
        filter: Filter::parse("is:unknown outcome:success")?,
        ..View::default()
    };
    Ok(scene.app.trail.nameless_sessions(&view)?)
}

fn groups(scene: &Scene, view: &View) -> Result<HashMap<String, Group>, WebError> {
    let found = scene.app.trail.groups(view, FacetField::Panel, PANELS)?;
    let rows = found.rows.into_iter();
    Ok(rows
        .filter_map(|group| Some((group.value.clone()?, group)))
        .collect())
}
