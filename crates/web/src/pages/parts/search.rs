//! A search whose time was over before its end: how far it came. The page asks again by itself; in
//! a browser without scripts a link does.

use admintrail_event::Micros;
use admintrail_store::{Order, Searched};

use crate::pages::scene::Scene;

/// What stands above the rows meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// Changes whenever it came further.
    pub(crate) mark: String,
    /// `Searched back to 12 Nov 14:00`
    pub(crate) reached: String,
    /// Percent of what is to be looked at, if that was counted.
    pub(crate) percent: Option<u64>,
    /// `34 %`, else the moment: where it stands when it is stopped.
    pub(crate) at: String,
    /// `12 found so far`
    pub(crate) found: String,
    /// The same view again.
    pub(crate) href: String,
}

impl Search {
    /// `found` says what there is by now: `12 found`.
    pub(crate) fn new(
        scene: &Scene,
        searched: Option<Searched>,
        order: Order,
        found: &str,
    ) -> Option<Self> {
        let searched = searched?;
        let moment = scene.face.brief(searched.back_to);
        let percent = percent(searched);
        // Everything is counted then, and only the rows of the page are still looked for, from the end
        // at which it begins.
        let (reached, found) = match (percent, order) {
            (Some(_), _) => (
                format!("Searched back to {moment}"),
                format!("{found} so far"),
            ),
            (None, Order::Descending) => (format!("Rows read back to {moment}"), found.to_owned()),
            (None, Order::Ascending) => (format!("Rows read up to {moment}"), found.to_owned()),
        };
        let Micros(back_to) = searched.back_to;
        Some(Self {
            mark: format!("{}-{back_to}-{found}", searched.events),
            reached,
            at: percent.map_or(moment, |percent| format!("{percent}\u{a0}%")),
            percent,
            found,
            href: scene.links.here(),
        })
    }

    /// For ears: `34 %, searched back to 12 Nov 14:00`.
    pub(crate) fn said(&self) -> String {
        match self.percent {
            Some(percent) => format!("{percent}\u{a0}%. {}", self.reached),
            None => self.reached.clone(),
        }
    }
}

/// Never all, while something is left.
fn percent(searched: Searched) -> Option<u64> {
    let share = searched
        .events
        .saturating_mul(100)
        .checked_div(searched.of)?;
    Some(share.min(99))
}

/// The one that has looked at less.
pub(crate) fn shorter(one: Option<Searched>, other: Option<Searched>) -> Option<Searched> {
    match (one, other) {
        (Some(one), Some(other)) if other.back_to > one.back_to => Some(other),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(events: u64, of: u64, back_to: i64) -> Searched {
        Searched {
            events,
            of,
            back_to: Micros(back_to),
        }
    }

    #[test]
    fn a_search_that_goes_on_is_never_at_its_end() {
        assert_eq!(percent(searched(340, 1_000, 0)), Some(34));
        assert_eq!(percent(searched(999, 1_000, 0)), Some(99));
        assert_eq!(percent(searched(1_000, 1_000, 0)), Some(99));
        assert_eq!(percent(searched(0, 0, 0)), None);
    }

    #[test]
    fn of_two_searches_the_one_that_is_behind_counts() {
        let (far, near) = (searched(5, 9, 10), searched(1, 9, 20));
        assert_eq!(shorter(Some(far), Some(near)), Some(near));
        assert_eq!(shorter(Some(near), Some(far)), Some(near));
        assert_eq!(shorter(None, Some(far)), Some(far));
        assert_eq!(shorter(None, None), None);
    }
}
