//! Tabs Admins and IP addresses: what each of them did in the view.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use admintrail_event::{Filter, Micros, fold};
use admintrail_store::{FacetField, Group, GroupDetail, Order, Searched, View};
use askama::Template;
use axum::response::Response;

use crate::WebError;
use crate::auth::Capability;
use crate::pages::overview::{self, Emptiness};
use crate::pages::parts::attempts::AttemptTables;
use crate::pages::parts::filters::Hidden;
use crate::pages::parts::frame::{Frame, active_since};
use crate::pages::parts::row::{Reason, Who};
use crate::pages::parts::search::{Search, shorter};
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::parts::spark::{PARTS, Spark};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::link::{ADDRESSES, ADMINS, term};
use crate::pages::wording::number::{counted, grouped, some};

/// Most rows.
const ROWS: usize = 50;

/// A number and the rows behind it.
pub(crate) struct Count {
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) none: bool,
}

/// An admin or an address.
pub(crate) struct Line {
    /// An admin; `None` on the tab of addresses.
    pub(crate) who: Option<Who>,
    pub(crate) ip: String,
    pub(crate) active: bool,
    pub(crate) href: String,
    pub(crate) requests: Count,
    pub(crate) changes: Count,
    pub(crate) denied: Count,
    /// Failed sign-ins under the admin's name; what strangers at the address were refused.
    pub(crate) attempts: Count,
    pub(crate) over_time: Spark,
    /// Addresses of an admin, admins of an address.
    pub(crate) others: Vec<Other>,
    /// `+2`
    pub(crate) more: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) last_exact: String,
}

/// A value of the other field.
pub(crate) struct Other {
    pub(crate) text: String,
    pub(crate) href: String,
}

pub(crate) struct GroupsTab {
    pub(crate) frame: Frame,
    pub(crate) search: Option<Search>,
    /// Admins, else addresses.
    pub(crate) admins: bool,
    pub(crate) lines: Vec<Line>,
    pub(crate) empty: Emptiness,
    /// `214 requests of others`
    pub(crate) rest: Option<String>,
    /// On the tab of addresses: who tries to get in.
    pub(crate) attempts: Option<AttemptTables>,
}

#[derive(Template)]
#[template(path = "pages/groups.html")]
struct GroupsPage {
    shell: Shell,
    tab: GroupsTab,
}

#[derive(Template)]
#[template(path = "parts/groups.html")]
struct GroupsParts {
    tab: GroupsTab,
}

/// `GET /monitoring/admin-sessions/admins`
pub(crate) async fn admins(scene: Scene) -> Result<Response, WebError> {
    show(scene, FacetField::Admin).await
}

/// `GET /monitoring/admin-sessions/ip-addresses`
pub(crate) async fn addresses(scene: Scene) -> Result<Response, WebError> {
    show(scene, FacetField::Ip).await
}

async fn show(scene: Scene, field: FacetField) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let view = scene.view();
        let status = overview::status(&view);
        let tab = draw(&scene, view, field)?;
        let (title, action) = if tab.admins {
            ("Admins", "Viewed admins")
        } else {
            ("IP addresses", "Viewed IP addresses")
        };
        let html = if scene.fragment.is_some() {
            GroupsParts { tab }.render()
        } else {
            let shell = Shell::new(&scene.viewer, title, Place::AdminSessions);
            GroupsPage { shell, tab }.render()
        };
        overview::respond(&scene, status, html, action)
    })
    .await
}

fn draw(
    scene: &Scene,
    view: Result<View, WebError>,
    field: FacetField,
) -> Result<GroupsTab, WebError> {
    let admins = field == FacetField::Admin;
    let trail = &scene.app.trail;
    let detail = GroupDetail {
        other: other_of(field),
        named: NAMED,
        parts: PARTS,
    };
    let (groups, attempts, tried) = match &view {
        Ok(view) => (
            Some(trail.groups_over_time(view, field, ROWS, detail)?),
            if admins {
                None
            } else {
                AttemptTables::new(scene, view)?
            },
            if admins {
                Tried::of(scene, view)?
            } else {
                Tried::default()
            },
        ),
        Err(_) => (None, None, Tried::default()),
    };
    let names: HashMap<String, Option<String>> = trail
        .active(Micros(i64::MIN))
        .into_iter()
        .map(|admin| (admin.admin, admin.admin_name))
        .collect();
    let since = active_since(scene.now());
    let active = trail.active(since).into_iter();
    let active: HashSet<String> = active.map(|admin| admin.admin).collect();
    let mut lines = Vec::new();
    let over = groups.as_ref().and_then(|groups| groups.over);
    for group in groups.iter().flat_map(|groups| &groups.rows) {
        // Requests without an address are no address.
        if admins || group.value.is_some() {
            let is_active = match &group.value {
                Some(admin) if admins => active.contains(admin),
                _ => group.last >= since,
            };
            let tried = match &group.value {
                Some(admin) if admins => tried.of_name(admin),
                _ => group.attempts,
            };
            let spark = Spark::new(&group.over_time, over, &scene.face);
            let mut line = line(scene, group, field, &names, (tried, spark));
            line.active = is_active;
            lines.push(line);
        }
    }
    let other = groups.as_ref().map_or(0, |groups| groups.other);
    // The tables stand on one page: it is complete when each of them is.
    let searched = shorter(
        groups.as_ref().and_then(|groups| groups.searched),
        attempts.as_ref().and_then(|attempts| attempts.searched),
    );
    let searched = shorter(searched, tried.searched);
    let found = lines.len() as u64;
    let found = match admins {
        true => counted(found, "admin found", "admins found"),
        false => counted(found, "IP address found", "IP addresses found"),
    };
    Ok(GroupsTab {
        frame: Frame::new(
            scene,
            if admins { ADMINS } else { ADDRESSES },
            &view,
            Hidden::default(),
        ),
        admins,
        empty: Emptiness::of(groups.is_some().then_some(lines.len()), searched.is_some()),
        search: Search::new(scene, searched, Order::Descending, &found),
        lines,
        rest: (other > 0).then(|| {
            let other = some(other, searched.is_some());
            format!("{other} requests of others")
        }),
        attempts,
    })
}

/// Failed sign-ins of a view by the name that was tried.
#[derive(Default)]
struct Tried {
    /// By the folded name.
    counts: HashMap<String, u64>,
    searched: Option<Searched>,
}

impl Tried {
    fn of_name(&self, name: &str) -> u64 {
        self.counts.get(&fold(name)).copied().unwrap_or(0)
    }

    fn of(scene: &Scene, view: &View) -> Result<Self, WebError> {
        let mut view = view.clone();
        for term in Filter::parse("known_by:attempt outcome:denied")?.terms {
            view.filter = view.filter.with_term(term);
        }
        let facet = scene
            .app
            .trail
            .facet(&view, FacetField::Attempted, TRIED_NAMES)?;
        let mut counts: HashMap<String, u64> = HashMap::new();
        for value in facet.values {
            if let Some(name) = value.value {
                *counts.entry(fold(&name)).or_default() += value.count;
            }
        }
        Ok(Self {
            counts,
            searched: facet.searched,
        })
    }
}

/// More tried names than there are admins.
const TRIED_NAMES: usize = 100_000;

fn line(
    scene: &Scene,
    group: &Group,
    field: FacetField,
    names: &HashMap<String, Option<String>>,
    (tried, over_time): (u64, Spark),
) -> Line {
    let admins = field == FacetField::Admin;
    let value = group.value.as_deref();
    let word = match value {
        Some(value) => term(if admins { "admin" } else { "ip" }, value),
        None => "is:unknown".to_owned(),
    };
    let who = admins.then(|| match value {
        Some(id) => Who::named(id, names.get(id).and_then(Option::as_deref)),
        None => Who::nobody(Reason::NOTHING),
    });
    let count = |n: u64, and: &str| Count {
        text: grouped(n),
        href: scene.links.requests_with(format!("{word} {and}").trim()),
        none: n == 0,
    };
    let key = if admins { "ip" } else { "admin" };
    let other = |value: &String| Other {
        text: value.clone(),
        href: scene
            .links
            .requests_with(&format!("{word} {}", term(key, value))),
    };
    let more = group.others_total.saturating_sub(group.others.len() as u64);
    Line {
        who,
        ip: if admins {
            String::new()
        } else {
            value.unwrap_or_default().to_owned()
        },
        active: false,
        href: scene.links.requests_with(&word),
        requests: count(group.requests, ""),
        changes: count(group.changes, "is:change"),
        denied: count(group.denied, "outcome:denied"),
        attempts: match value {
            // Whose name it was that was tried, not who tried.
            Some(admin) if admins => Count {
                text: grouped(tried),
                href: scene
                    .links
                    .requests_of(&format!("{} outcome:denied", term("attempted", admin))),
                none: tried == 0,
            },
            _ => count(tried, "is:unknown outcome:denied"),
        },
        over_time,
        others: group.others.iter().map(other).collect(),
        more: if more == 0 {
            String::new()
        } else {
            format!("+{}", grouped(more))
        },
        first: scene.face.row(group.first),
        last: scene.face.ago(group.last),
        last_exact: scene.face.exact(group.last),
    }
}

/// How many values of the other field are named.
const NAMED: usize = 2;

/// Addresses of an admin, admins of an address.
const fn other_of(field: FacetField) -> FacetField {
    match field {
        FacetField::Admin => FacetField::Ip,
        _ => FacetField::Admin,
    }
}
