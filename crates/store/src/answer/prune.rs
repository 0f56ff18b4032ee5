//! Which groups of a segment cannot have a row of a view, without reading them.

use std::borrow::Cow;

use admintrail_event::filter::{Fact, Test, TextField, TextPattern};
use admintrail_event::{Filter, Ip, SessionHash};

use crate::archive::{
    ADMIN_GRAMS, Plan, Segment, TextGrams, counted_place, grams_place, group_bit,
};
use crate::mirror::Snapshot;
use crate::query::{FacetField, View};

/// A view made ready to rule out groups.
pub(crate) struct Pruner<'v> {
    tests: Vec<&'v Test>,
    /// Of the words about shapes and people alone.
    plan: Option<Cow<'v, Plan>>,
}

impl<'v> Pruner<'v> {
    /// `plan` is that of the view, where it has one.
    pub(crate) fn of(view: &'v View, snapshot: &Snapshot, plan: Option<&'v Plan>) -> Self {
        let positive = view.filter.terms.iter().filter(|term| !term.negated);
        let plan = plan.map(Cow::Borrowed);
        Self {
            tests: positive.map(|term| &term.test).collect(),
            plan: plan.or_else(|| of_known_words(view, snapshot).map(Cow::Owned)),
        }
    }

    /// The groups that are left, one bit each.
    pub(crate) fn groups(&self, segment: &Segment) -> u16 {
        let mut groups = u16::MAX;
        if let Some(plan) = &self.plan {
            if !segment.has_shape(plan) {
                return 0;
            }
            groups &= segment.groups_of_people(plan);
        }
        for test in &self.tests {
            if groups == 0 {
                return 0;
            }
            groups &= groups_with(segment, test);
        }
        groups
    }
}

/// The plan of the words that have one, where others have none.
fn of_known_words(view: &View, snapshot: &Snapshot) -> Option<Plan> {
    let known = |test: &Test| match test {
        Test::Whole(..) | Test::Status(_) | Test::Admin(_) => true,
        Test::Is(facts) => !facts.contains(&Fact::First),
        _ => false,
    };
    let terms = view.filter.terms.iter().filter(|term| known(&term.test));
    let of_shapes = View {
        filter: Filter {
            terms: terms.cloned().collect(),
        },
        panels: view.panels.clone(),
        ..View::default()
    };
    let segment = snapshot.segments.first()?;
    // A plan lists people of the lexicon, and whoever is in a segment is there once its people were
    // read: a plan made before would rule out all that they did.
    if Plan::asks_for_people(&of_shapes) {
        for segment in snapshot.segments.iter() {
            segment.people()?;
        }
    }
    Plan::of(&of_shapes, segment.lexicon())
}

fn groups_with(segment: &Segment, test: &Test) -> u16 {
    match test {
        Test::Ip(networks) => by_value(segment, FacetField::Ip, |text| {
            let ip: Option<Ip> = text.parse().ok();
            ip.is_none_or(|ip| networks.iter().any(|network| ip.is_in(network)))
        }),
        Test::Session(prefixes) => {
            let Some(sessions) = segment.sessions() else {
                return 0;
            };
            // Rows of attempts may carry a session that counts for none.
            let known = sessions
                .iter()
                .filter(|record| {
                    let session = SessionHash(record.session);
                    prefixes.iter().any(|prefix| prefix.begins(&session))
                })
                .fold(0, |groups, record| groups | record.groups);
            known | segment.stray_sessions()
        }
        Test::Text(field, patterns) => {
            let grams = by_grams(segment, |grams| {
                let place = grams_place(*field);
                patterns.iter().any(|pattern| holds(grams, place, pattern))
            });
            let value = match field {
                TextField::Action => Some(FacetField::Action),
                TextField::Route => Some(FacetField::Route),
                TextField::Agent => Some(FacetField::Agent),
                _ => None,
            };
            match value {
                Some(value) if grams != 0 => {
                    grams
                        & by_value(segment, value, |text| {
                            patterns.iter().any(|pattern| pattern.found_in(text))
                        })
                }
                _ => grams,
            }
        }
        Test::Bare(patterns) => by_grams(segment, |grams| {
            let columns = [TextField::Path, TextField::Action, TextField::Object];
            patterns.iter().any(|pattern| {
                // An address is not among the texts.
                may_be_address(pattern)
                    || columns
                        .iter()
                        .map(|field| grams_place(*field))
                        .chain(ADMIN_GRAMS)
                        .any(|place| holds(grams, place, pattern))
            })
        }),
        _ => u16::MAX,
    }
}

fn may_be_address(pattern: &TextPattern) -> bool {
    let fits = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    pattern.longest_literal().bytes().all(fits)
}

fn holds(grams: &[crate::archive::Grams], place: usize, pattern: &TextPattern) -> bool {
    let of = grams.get(place);
    of.is_none_or(|grams| grams.may_hold(pattern.longest_literal()))
}

fn by_grams(segment: &Segment, holds: impl Fn(&[crate::archive::Grams]) -> bool) -> u16 {
    let Some(grams) = segment.grams() else {
        return 0;
    };
    let grams: &TextGrams = &grams;
    let groups = grams.iter().enumerate().filter(|(_, grams)| holds(grams));
    groups.fold(0, |mask, (group, _)| mask | group_bit(group))
}

fn by_value(segment: &Segment, field: FacetField, passes: impl Fn(&str) -> bool) -> u16 {
    let Some(place) = counted_place(field) else {
        return u16::MAX;
    };
    let Some(values) = segment.values(place) else {
        return 0;
    };
    let counted = values.as_ref().as_ref();
    counted.map_or(u16::MAX, |counts| counts.groups_of(passes))
}
