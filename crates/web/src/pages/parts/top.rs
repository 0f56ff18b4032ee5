//! The most frequent values of a view, fetched when somebody asks for them.

use admintrail_store::{FacetField, View};
use askama::Template;

use crate::WebError;
use crate::pages::parts::search::shorter;
use crate::pages::scene::Scene;
use crate::pages::wording::link::term;
use crate::pages::wording::number::some;

struct Value {
    name: String,
    count: String,
    /// Percent of the most frequent one.
    share: u64,
    href: String,
}

struct List {
    title: &'static str,
    values: Vec<Value>,
}

#[derive(Template)]
#[template(path = "parts/top.html")]
struct Top {
    lists: Vec<List>,
    /// If not everything was counted: from when on it was.
    since: Option<String>,
}

const FIELDS: [(&str, &str, FacetField); 6] = [
    ("Admins", "admin", FacetField::Admin),
    ("IP addresses", "ip", FacetField::Ip),
    ("Actions", "action", FacetField::Action),
    ("Outcomes", "outcome", FacetField::Outcome),
    ("Methods", "method", FacetField::Method),
    ("Panels", "panel", FacetField::Panel),
];

/// Values a list.
const VALUES: usize = 5;

/// The lists, as a fragment.
pub(crate) fn draw(scene: &Scene, view: &View) -> Result<String, WebError> {
    let (mut lists, mut searched) = (Vec::new(), None);
    for (title, key, field) in FIELDS {
        let facet = scene.app.trail.facet(view, field, VALUES)?;
        searched = shorter(searched, facet.searched);
        let may_be_more = facet.searched.is_some();
        let most = facet
            .values
            .iter()
            .map(|value| value.count)
            .max()
            .unwrap_or(1)
            .max(1);
        let values: Vec<Value> = facet
            .values
            .iter()
            .filter_map(|value| {
                let word = match (&value.value, field) {
                    (Some(text), _) => term(key, text),
                    (None, FacetField::Admin) => "is:unknown".to_owned(),
                    (None, _) => return None,
                };
                Some(Value {
                    name: value.value.clone().unwrap_or_else(|| "Unknown".to_owned()),
                    count: some(value.count, may_be_more),
                    share: value.count * 100 / most,
                    href: scene.links.requests_with(&word),
                })
            })
            .collect();
        if values.len() > 1 || (values.len() == 1 && field != FacetField::Panel) {
            lists.push(List { title, values });
        }
    }
    let since = searched.map(|searched| scene.face.brief(searched.back_to));
    Top { lists, since }.render().map_err(WebError::internal)
}
