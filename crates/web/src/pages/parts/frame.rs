//! What the tabs of Monitoring → Admin Sessions share: head, bands, filter bar.

use admintrail_event::Micros;
use admintrail_store::View;

use crate::WebError;
use crate::pages::parts::filters::{FilterBar, Hidden};
use crate::pages::parts::notice::{self, Notice};
use crate::pages::parts::refresh::RefreshMenu;
use crate::pages::scene::Scene;
use crate::pages::wording::link::{ADDRESSES, ADMINS, REQUESTS, SESSIONS};
use crate::pages::wording::number::counted;

/// Who has done something since then, and has not signed out, is active now.
pub(crate) fn active_since(now: Micros) -> Micros {
    Micros(now.0 - 15 * 60 * Micros::SECOND)
}

/// All that stands above the rows.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) head: Head,
    pub(crate) bar: FilterBar,
    pub(crate) notices: Vec<Notice>,
}

impl Frame {
    pub(crate) fn new(
        scene: &Scene,
        path: &str,
        view: &Result<View, WebError>,
        hidden: Hidden,
    ) -> Self {
        Self {
            head: Head::new(scene, path),
            bar: FilterBar::new(scene, view, hidden),
            notices: [
                notice::health(&scene.app, &scene.face),
                notice::ways_around(&scene.app),
                notice::hints(scene, path),
            ]
            .concat(),
        }
    }
}

/// A tab.
#[derive(Debug, Clone)]
pub(crate) struct Tab {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// The head.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// `3 admins active now`
    pub(crate) active: String,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) refresh: RefreshMenu,
    /// This very address, for forms that come back.
    pub(crate) here: String,
    /// The export of this view, without its format.
    pub(crate) export: Option<String>,
    /// The view for somebody else, with absolute times.
    pub(crate) share: Option<String>,
    /// When the page was drawn.
    pub(crate) drawn: String,
}

impl Head {
    pub(crate) fn new(scene: &Scene, path: &str) -> Self {
        let active = scene.app.trail.active(active_since(scene.now()));
        let active = active.len() as u64;
        let tab = |name, to: &str| Tab {
            name,
            href: scene.links.fresh_at(to, |_| {}),
            current: to == path,
        };
        Self {
            active: if active == 0 {
                "nobody active now".to_owned()
            } else {
                format!("{} active now", counted(active, "admin", "admins"))
            },
            tabs: vec![
                tab("Requests", REQUESTS),
                tab("Sessions", SESSIONS),
                tab("Admins", ADMINS),
                tab("IP addresses", ADDRESSES),
            ],
            refresh: RefreshMenu::new(&scene.viewer),
            here: scene.links.here(),
            export: None,
            share: None,
            drawn: scene.face.clock(scene.now()),
        }
    }
}
