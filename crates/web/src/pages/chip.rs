//! The terms of the filter box, each with a × that takes it out.

use admintrail_event::Filter;

use crate::pages::link::Links;
use crate::pages::number::{counted, grouped};

/// One chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chip {
    /// `not method: HEAD`
    pub(crate) label: String,
    /// A negated term.
    pub(crate) negated: bool,
    /// What the × does, for those who cannot see it.
    pub(crate) remove: String,
    /// Where the × leads.
    pub(crate) href: String,
}

/// One chip a term; none while the box holds a mistake.
pub(crate) fn chips(links: &Links) -> Vec<Chip> {
    let Ok(filter) = Filter::parse(&links.typed().q) else {
        return Vec::new();
    };
    let one = |at: usize| {
        let term = filter.terms.get(at)?.clone();
        let mut rest = filter.clone();
        rest.terms.remove(at);
        let label = label(
            &Filter {
                terms: vec![term.clone()],
            }
            .to_string(),
        );
        Some(Chip {
            remove: format!("Remove {label}"),
            negated: term.negated,
            href: links.fresh(|query| query.q = rest.to_string()),
            label,
        })
    };
    (0..filter.terms.len()).filter_map(one).collect()
}

fn label(text: &str) -> String {
    let (not, text) = match text.strip_prefix('-') {
        Some(text) => ("not ", text),
        None => ("", text),
    };
    match text.split_once(':') {
        Some((key, value)) if key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            format!("{not}{key}: {value}")
        }
        _ => format!("{not}{text}"),
    }
}

/// What is hidden without a term that says so: background refreshes, or that they are shown.
pub(crate) fn fold_chip(links: &Links, folds: bool, folded: u64) -> Option<Chip> {
    let (label, remove) = match (folds, folded) {
        (true, 0) => return None,
        (true, n) => (
            format!(
                "{} hidden",
                counted(n, "background refresh", "background refreshes")
            ),
            format!("Show {} background refreshes", grouped(n)),
        ),
        (false, _) => (
            "with background refreshes".to_owned(),
            "Hide background refreshes".to_owned(),
        ),
    };
    let href = links.fresh(|query| query.fold = if folds { Some(false) } else { None });
    Some(Chip {
        label,
        negated: false,
        remove,
        href,
    })
}
