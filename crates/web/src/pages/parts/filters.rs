//! The bar above the list: time range, filter box, chips, Hide me, views.

use admintrail_event::Filter;
use admintrail_event::filter::{KEYS, KeyHelp};
use admintrail_store::{Folded, View};

use crate::WebError;
use crate::pages::parts::chip::{Chip, chips, fold_chip, without_chips};
use crate::pages::parts::range::RangeMenu;
use crate::pages::scene::Scene;
use crate::pages::wording::link::{ADDRESSES, ADMINS, Links, with_term};
use crate::pages::wording::number::some;

/// A view in one click.
#[derive(Debug, Clone)]
pub(crate) struct NamedView {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

const VIEWS: [(&str, &str, &str); 6] = [
    ("All", "", "every request"),
    (
        "Denied",
        DENIED,
        "401, 403, failed sign-ins, sent to sign-in",
    ),
    ("Changes", "is:change", "what was created, changed, deleted"),
    ("Failed sign-ins", "known_by:attempt", "who tried to get in"),
    (
        "First seen",
        "is:first",
        "a new address, browser, route or hour for an admin",
    ),
    ("Errors", "outcome:error,failed", "other 4xx and 5xx"),
];

/// A mistake in the box: the text around the wrong word, and what to write instead.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    pub(crate) before: String,
    pub(crate) word: String,
    pub(crate) after: String,
    pub(crate) message: String,
}

/// The bar.
#[derive(Debug, Clone)]
pub(crate) struct FilterBar {
    /// Where the form leads.
    pub(crate) path: String,
    pub(crate) q: String,
    /// The filter language, for the `?` beside the box.
    pub(crate) words: &'static [KeyHelp],
    /// The rest of the view, as hidden fields.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// The rest of the view without the time range.
    pub(crate) kept_by_range: Vec<(&'static str, String)>,
    pub(crate) mistake: Option<Mistake>,
    pub(crate) range: RangeMenu,
    pub(crate) chips: Vec<Chip>,
    pub(crate) fold: Option<Chip>,
    /// Without filter words, in the same time range.
    pub(crate) clear: String,
    pub(crate) views: Vec<NamedView>,
    /// The view "Denied", or the way back from it.
    pub(crate) denied: Switch,
    /// The same view by admin and by address.
    pub(crate) admins: String,
    pub(crate) addresses: String,
    pub(crate) hide: HideMe,
}

/// A view that one click shows and another one leaves.
#[derive(Debug, Clone)]
pub(crate) struct Switch {
    pub(crate) on: bool,
    pub(crate) href: String,
}

/// The word of the view "Denied".
const DENIED: &str = "outcome:denied";

impl Switch {
    fn denied(links: &Links) -> Self {
        let q = &links.typed().q;
        let filter = Filter::parse(q).unwrap_or_default();
        let denied = Filter::parse(DENIED).unwrap_or_default();
        let at = filter
            .terms
            .iter()
            .position(|term| denied.terms.contains(term));
        let turned = match at {
            Some(at) => filter.without_term(at).to_string(),
            None => with_term(q, DENIED),
        };
        Self {
            on: at.is_some(),
            href: links.fresh(|query| query.q = turned),
        }
    }
}

/// The Hide me switch.
#[derive(Debug, Clone)]
pub(crate) struct HideMe {
    pub(crate) on: bool,
    /// `214 hidden`
    pub(crate) hidden: Option<String>,
    /// No identity is listed yet: say where to do so.
    pub(crate) nobody: bool,
    /// The view with the switch turned, to come back to.
    pub(crate) next: String,
}

/// What the list told about the view.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hidden {
    pub(crate) by_hide_me: u64,
    pub(crate) by_fold: Folded,
    /// Not everything was counted.
    pub(crate) may_be_more: bool,
}

impl FilterBar {
    pub(crate) fn new(scene: &Scene, view: &Result<View, WebError>, hidden: Hidden) -> Self {
        let links = &scene.links;
        let typed = links.typed();
        let (mistake, range_error) = match view {
            Err(error) => match error.filter_word() {
                Some((word, span)) => (Some(mistake(&typed.q, word, span, error)), None),
                None => (None, Some(error.to_string())),
            },
            Ok(_) => (None, None),
        };
        let folds = view.as_ref().map_or(true, |view| view.fold);
        Self {
            path: links
                .fresh(|_| {})
                .split('?')
                .next()
                .unwrap_or_default()
                .to_owned(),
            q: typed.q.clone(),
            words: KEYS,
            kept: kept(links, true),
            kept_by_range: kept(links, false),
            mistake,
            range: RangeMenu::new(links, &scene.face, view.as_ref().ok(), range_error),
            chips: chips(links)
                .into_iter()
                .chain(without_chips(links))
                .collect(),
            fold: fold_chip(links, folds, hidden),
            clear: links.fresh(|query| query.q.clear()),
            views: VIEWS
                .map(|(name, words, about)| NamedView {
                    name,
                    about,
                    href: links.fresh(|query| words.clone_into(&mut query.q)),
                    current: typed.q.trim() == words,
                })
                .to_vec(),
            denied: Switch::denied(links),
            admins: links.fresh_at(ADMINS, |_| {}),
            addresses: links.fresh_at(ADDRESSES, |_| {}),
            hide: HideMe::new(scene, hidden),
        }
    }
}

impl HideMe {
    fn new(scene: &Scene, hidden: Hidden) -> Self {
        let on = scene.hides_me();
        let account = scene.viewer.account();
        Self {
            on,
            hidden: (on && hidden.by_hide_me > 0)
                .then(|| format!("{} hidden", some(hidden.by_hide_me, hidden.may_be_more))),
            nobody: account.is_some_and(|account| account.identities.is_empty()),
            next: scene.links.fresh(|query| query.hide_me = Some(!on)),
        }
    }
}

/// The parameters that a form must send along.
fn kept(links: &Links, with_range: bool) -> Vec<(&'static str, String)> {
    let typed = links.typed();
    let switch = |on: bool| if on { "1" } else { "0" }.to_owned();
    let range = |value: &Option<String>| value.clone().filter(|_| with_range);
    let all = [
        (
            "q",
            Some(typed.q.clone()).filter(|q| !with_range && !q.is_empty()),
        ),
        ("from", range(&typed.from)),
        ("to", range(&typed.to)),
        ("limit", typed.limit.clone()),
        ("order", typed.order.clone()),
        ("hide_me", typed.hide_me.map(switch)),
        ("fold", typed.fold.map(switch)),
        ("tz", typed.tz.clone()),
    ];
    let without = typed.without.iter().cloned().map(|one| ("without", one));
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .chain(without)
        .collect()
}

fn mistake(q: &str, word: &str, span: std::ops::Range<usize>, error: &WebError) -> Mistake {
    let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
    Mistake {
        before: part(q.get(..span.start)),
        word: q
            .get(span.clone())
            .filter(|text| !text.is_empty())
            .unwrap_or(word)
            .to_owned(),
        after: part(q.get(span.end..)),
        message: error.to_string(),
    }
}
