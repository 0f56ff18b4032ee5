//! The terms of the filter box, each with a × that takes it out.

use admintrail_event::Filter;
use admintrail_event::filter::{Term, TermLabel};

use crate::pages::parts::filters::Hidden;
use crate::pages::wording::link::Links;
use crate::pages::wording::number::some;

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
    let chip = |(at, term): (usize, &Term)| {
        let TermLabel {
            key,
            value,
            negated,
        } = term.label();
        let not = if negated { "not " } else { "" };
        let colon = if key.is_empty() { "" } else { ": " };
        let label = format!("{not}{key}{colon}{value}");
        Chip {
            remove: format!("Remove {label}"),
            href: links.fresh(|query| query.q = filter.without_term(at).to_string()),
            negated,
            label,
        }
    };
    filter.terms.iter().enumerate().map(chip).collect()
}

/// One chip an identity that a shared link leaves out.
pub(crate) fn without_chips(links: &Links) -> impl Iterator<Item = Chip> {
    let identities = links.typed().without.iter().enumerate();
    identities.map(|(at, text)| {
        let label = match text.split_once(':') {
            Some(("", admin)) => format!("without {admin}"),
            Some((panel, admin)) => format!("without {admin} on {panel}"),
            None => format!("without {text}"),
        };
        Chip {
            remove: format!("Remove {label}"),
            href: links.fresh(|query| drop(query.without.remove(at))),
            negated: true,
            label,
        }
    })
}

/// What is hidden without a term that says so: files and background refreshes, or that they are
/// shown.
pub(crate) fn fold_chip(links: &Links, folds: bool, hidden: Hidden) -> Option<Chip> {
    let folded = hidden.by_fold;
    let counted = |n: u64, one: &str, many: &str| {
        let noun = if n == 1 && !hidden.may_be_more {
            one
        } else {
            many
        };
        format!("{} {noun}", some(n, hidden.may_be_more))
    };
    let (label, remove) = if folds {
        let files = (folded.assets > 0).then(|| counted(folded.assets, "file", "files"));
        let refreshes = (folded.refreshes > 0).then(|| {
            counted(
                folded.refreshes,
                "background refresh",
                "background refreshes",
            )
        });
        let what = match (files, refreshes) {
            (None, None) => return None,
            (Some(files), Some(refreshes)) => format!("{files} and {refreshes}"),
            (Some(one), None) | (None, Some(one)) => one,
        };
        (format!("{what} hidden"), format!("Show {what}"))
    } else {
        (
            "with files and background refreshes".to_owned(),
            "Hide files and background refreshes".to_owned(),
        )
    };
    let href = links.fresh(|query| query.fold = if folds { Some(false) } else { None });
    Some(Chip {
        label,
        negated: false,
        remove,
        href,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewQuery;
    use admintrail_store::Folded;

    #[test]
    fn chips_say_what_the_box_says_and_lead_to_the_box_without_them() {
        let links = Links::new(
            "/x",
            ViewQuery::parse("q=-method%3AHEAD+panel%3Abilling+%22a+b%22&cursor=c"),
        );
        let shown = chips(&links);
        let labels: Vec<&str> = shown.iter().map(|chip| chip.label.as_str()).collect();
        assert_eq!(labels, ["not method: HEAD", "panel: billing", "\"a b\""]);
        assert_eq!(shown[0].href, "/x?q=panel%3Abilling+%22a+b%22");
        assert_eq!(shown[1].remove, "Remove panel: billing");
    }

    #[test]
    fn whom_a_shared_link_leaves_out_is_said_and_can_be_shown() {
        let typed = ViewQuery::parse("limit=25&without=billing%3Aolena&without=%3Aa%3Ab");
        let links = Links::new("/x", typed);
        let shown: Vec<Chip> = without_chips(&links).collect();
        assert_eq!(shown[0].label, "without olena on billing");
        assert_eq!(shown[0].href, "/x?limit=25&without=%3Aa%3Ab");
        assert_eq!(shown[1].label, "without a:b");
    }

    #[test]
    fn what_is_folded_is_said_and_can_be_shown() {
        let links = Links::new("/x", ViewQuery::parse("limit=25"));
        let hidden = |assets, refreshes| Hidden {
            by_fold: Folded { refreshes, assets },
            ..Hidden::default()
        };
        let label = |assets, refreshes| {
            fold_chip(&links, true, hidden(assets, refreshes)).map(|chip| chip.label)
        };
        let both = "186 files and 4 background refreshes hidden";
        assert_eq!(label(186, 4).as_deref(), Some(both));
        assert_eq!(label(1_204, 0).as_deref(), Some("1,204 files hidden"));
        assert_eq!(label(0, 1).as_deref(), Some("1 background refresh hidden"));
        assert_eq!(label(0, 0), None);
        let more = Hidden {
            may_be_more: true,
            ..hidden(1, 0)
        };
        let chip = fold_chip(&links, true, more).unwrap();
        assert_eq!(chip.label, "1+ files hidden");
        let chip = fold_chip(&links, true, hidden(1, 0)).unwrap();
        assert_eq!(chip.remove, "Show 1 file");
        assert_eq!(chip.href, "/x?limit=25&fold=0");
        assert_eq!(
            fold_chip(&links, false, Hidden::default()).unwrap().href,
            "/x?limit=25"
        );
    }
}
