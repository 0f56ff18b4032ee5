//! What surrounds every page: head, navigation, who is signed in.

use admintrail_event::filter::{KEYS, KeyHelp};

use crate::auth::{Capability, Viewer};
use crate::pages::parts::notice::Notice;
use crate::pages::statics;
use crate::pages::wording::link;

/// An entry of the navigation.
#[derive(Debug, Clone)]
pub(crate) struct NavLink {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) current: bool,
}

/// Entries under one heading.
#[derive(Debug, Clone)]
pub(crate) struct NavGroup {
    pub(crate) title: Option<&'static str>,
    pub(crate) links: Vec<NavLink>,
}

/// The person signed in.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) name: String,
    pub(crate) initials: String,
    pub(crate) hue: String,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) icon: String,
    /// `light` or `dark`; empty: as the system has it.
    pub(crate) theme: String,
    /// Single-key shortcuts work.
    pub(crate) keyboard: bool,
    /// The zone is set, so the browser's does not matter.
    pub(crate) zone_set: bool,
    pub(crate) nav: Vec<NavGroup>,
    pub(crate) me: Option<Me>,
    /// The filter language, for help.
    pub(crate) words: &'static [KeyHelp],
    /// What is wrong with the recording, on pages that do not say so themselves.
    pub(crate) notices: Vec<Notice>,
    /// Seconds and address of the reload in a browser without scripts.
    pub(crate) reload: Option<(u32, String)>,
}

/// Which entry of the navigation is the page's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Dashboard,
    AdminSessions,
    Alerts,
    Integrity,
    Panels,
    Retention,
    Tokens,
    Erasure,
    Account,
}

impl Shell {
    /// Of a page for somebody signed in.
    pub(crate) fn new(viewer: &Viewer, title: &str, place: Place) -> Self {
        let preferences = viewer
            .account()
            .map(|account| account.preferences.clone())
            .unwrap_or_default();
        let me = viewer.account().map(|account| {
            let name = if account.name.trim().is_empty() {
                &account.email
            } else {
                &account.name
            };
            Me {
                name: name.clone(),
                initials: crate::pages::wording::hue::initials(name),
                hue: crate::pages::wording::hue::class(account.email.as_bytes()),
            }
        });
        Self {
            title: title.to_owned(),
            theme: preferences
                .theme
                .filter(|theme| theme == "light" || theme == "dark")
                .unwrap_or_default(),
            keyboard: preferences.keyboard,
            zone_set: preferences.time_zone.is_some(),
            nav: nav(viewer, place),
            me,
            words: if place == Place::AdminSessions {
                KEYS
            } else {
                &[]
            },
            ..Self::bare(title)
        }
    }

    /// With what every page says of the recording.
    pub(crate) fn saying(self, notices: Vec<Notice>) -> Self {
        Self { notices, ..self }
    }

    /// Of a page for anybody.
    pub(crate) fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            css: statics::url("app.css"),
            js: statics::url("main.js"),
            icon: statics::url("icon.svg"),
            theme: String::new(),
            keyboard: true,
            zone_set: false,
            nav: Vec::new(),
            me: None,
            words: &[],
            notices: Vec::new(),
            reload: None,
        }
    }
}

/// Only what exists and what this viewer may open.
fn nav(viewer: &Viewer, place: Place) -> Vec<NavGroup> {
    let link = |name, href, icon, of| NavLink {
        name,
        href,
        icon,
        current: of == place,
    };
    let mut settings = vec![link("Panels", "/settings/panels", "panels", Place::Panels)];
    if viewer.may(Capability::Manage) {
        settings.push(link(
            "API tokens",
            "/settings/tokens",
            "token",
            Place::Tokens,
        ));
    }
    if viewer.may(Capability::Audit) {
        settings.push(link(
            "Retention",
            "/settings/retention",
            "archive",
            Place::Retention,
        ));
    }
    if viewer.may(Capability::Manage) {
        settings.push(link("Erasure", link::ERASURE, "eraser", Place::Erasure));
    }
    if viewer.account().is_some() {
        settings.push(link(
            "Your account",
            "/settings/account",
            "account",
            Place::Account,
        ));
    }
    vec![
        NavGroup {
            title: None,
            links: vec![link("Dashboard", "/", "dashboard", Place::Dashboard)],
        },
        NavGroup {
            title: Some("Monitoring"),
            links: vec![
                link(
                    "Admin Sessions",
                    link::REQUESTS,
                    "list",
                    Place::AdminSessions,
                ),
                link("Alerts", link::ALERTS, "bell", Place::Alerts),
                link("Integrity", link::INTEGRITY, "shield", Place::Integrity),
            ],
        },
        NavGroup {
            title: Some("Settings"),
            links: settings,
        },
    ]
}
