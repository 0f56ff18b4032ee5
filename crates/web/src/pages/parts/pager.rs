//! Which page of how many, and the ways to the others.

use admintrail_store::{Order, Page, Relation, Total};

use crate::pages::wording::link::Links;
use crate::pages::wording::number::grouped;

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

/// `41,208`, `10,000+`
pub(crate) fn total(total: Total) -> String {
    match total.relation {
        Relation::Equal => grouped(total.value),
        Relation::AtLeast => format!("{}+", grouped(total.value)),
    }
}

impl Pager {
    /// "First" is the first page of the order shown and "Last" its last, while Newer and Older
    /// keep to time: in the ascending order Older leads towards First.
    pub(crate) fn new(links: &Links, page: &Page, order: Order, limit: usize) -> Self {
        let rows = page.events.len() as u64;
        let span = if rows == 0 {
            format!("0 of {}", total(page.total))
        } else {
            format!(
                "{}–{} of {}",
                grouped(page.before + 1),
                grouped(page.before + rows),
                total(page.total)
            )
        };
        let to = |cursor: Option<admintrail_store::Cursor>| {
            cursor.map(|cursor| {
                links.with(|query| {
                    query.cursor = Some(cursor.to_string());
                    query.last = false;
                    query.event = None;
                })
            })
        };
        let (towards_first, towards_last) = match order {
            Order::Descending => (page.newer.is_some(), page.older.is_some()),
            Order::Ascending => (page.older.is_some(), page.newer.is_some()),
        };
        Self {
            span,
            first: towards_first.then(|| links.fresh(|_| {})),
            newer: to(page.newer),
            older: to(page.older),
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
