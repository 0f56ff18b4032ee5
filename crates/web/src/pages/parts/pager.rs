//! Which page of how many, and the ways to the others.

use admintrail_store::{Order, Page, Relation};

use crate::pages::wording::link::Links;
use crate::pages::wording::number::{AT_LEAST, grouped, total};

/// One of the page sizes.
#[derive(Debug, Clone)]
pub(crate) struct PageSize {
    pub(crate) rows: usize,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// What stands under the table.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    /// `51–100 of 41,208`
    pub(crate) span: String,
    /// What is to be said of its numbers.
    pub(crate) about: Option<&'static str>,
    pub(crate) first: Option<String>,
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) sizes: Vec<PageSize>,
    /// Rows a page, as they are now.
    pub(crate) limit: usize,
}

/// The choices.
pub(crate) const SIZES: [usize; 5] = [25, 50, 100, 250, 500];

/// `51–100 of 41,208`; where nobody counted what lies before: `50 of 41,208+`.
pub(crate) fn span(page: &Page) -> String {
    let rows = page.events.len() as u64;
    let all = total(page.total);
    match page.before.filter(|_| rows > 0) {
        Some(before) => format!(
            "{}–{} of {all}",
            grouped(before + 1),
            grouped(before + rows)
        ),
        None => format!("{} of {all}", grouped(rows)),
    }
}

impl Pager {
    /// "First" is the first page of the order shown and "Last" its last, while Newer and Older
    /// keep to time: in the ascending order Older leads towards First.
    pub(crate) fn new(links: &Links, page: &Page, order: Order, limit: usize) -> Self {
        let to = |cursor: Option<admintrail_store::Cursor>| {
            cursor.map(|cursor| {
                links.with(|query| {
                    query.cursor = Some(cursor.to_string());
                    query.last = false;
                    query.event = None;
                })
            })
        };
        // Where not everything was counted, pages may lie on either side; but none before the first.
        let at_first = links.typed().cursor.is_none() && !links.typed().last;
        let (newer, older) = match order {
            Order::Descending => (page.newer.filter(|_| !at_first), page.older),
            Order::Ascending => (page.newer, page.older.filter(|_| !at_first)),
        };
        let (towards_first, towards_last) = match order {
            Order::Descending => (newer.is_some(), older.is_some()),
            Order::Ascending => (older.is_some(), newer.is_some()),
        };
        Self {
            span: span(page),
            about: (page.total.relation == Relation::AtLeast).then_some(AT_LEAST),
            first: towards_first.then(|| links.fresh(|_| {})),
            newer: to(newer),
            older: to(older),
            last: towards_last.then(|| links.fresh(|query| query.last = true)),
            sizes: SIZES
                .map(|rows| PageSize {
                    rows,
                    href: links.fresh(|query| query.limit = Some(rows.to_string())),
                    current: rows == limit,
                })
                .to_vec(),
            limit,
        }
    }
}
