//! A view made ready to be answered from summaries, where its filter asks for nothing else than
//! summaries know.

use std::sync::Arc;

use admintrail_event::filter::{Fact, Term, Test};
use admintrail_event::{PanelName, fold, folded};
use hashbrown::HashMap;

use super::lexicon::{Lexicon, Person, Shape};
use crate::query::View;

/// What a view does with rows of one shape and person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treated {
    /// Not in the view.
    Out,
    Visible,
    /// Only Hide me keeps them out.
    Hidden,
    /// Only folding keeps them out: background refreshes.
    Refresh,
    /// Only folding keeps them out: styles, scripts, images and fonts.
    Asset,
}

/// Which part of a segment is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slice {
    All,
    /// Quarters of an hour from the first to before the second, by [`super::bucket_of`].
    Buckets(i64, i64),
}

/// How somebody is treated who is not treated as everybody else.
#[derive(Debug, Clone, Default)]
struct Listed {
    passes: bool,
    /// Hidden on these panels; `None` for all.
    hidden: Vec<Option<PanelName>>,
}

/// A view over shapes and people, by their numbers in the lexicon of the moment.
#[derive(Clone)]
pub(crate) struct Plan {
    shapes: Vec<Arc<Shape>>,
    people: Vec<Arc<Person>>,
    treated: Vec<Treated>,
    /// Whether people who are not listed pass.
    others_pass: bool,
    listed: HashMap<u32, Listed>,
    /// In the order of their numbers.
    numbers: Vec<u32>,
    /// No word of the filter, no panel and nobody hidden: everything but what is folded.
    pub(crate) is_everything: bool,
}

impl Plan {
    /// Whether a view treats people differently.
    pub(crate) fn asks_for_people(view: &View) -> bool {
        let mut terms = view.filter.terms.iter();
        !view.hide.is_empty() || terms.any(|term| matches!(term.test, Test::Admin(_)))
    }

    /// `None` if the filter asks for what no summary knows.
    pub(crate) fn of(view: &View, lexicon: &Lexicon) -> Option<Self> {
        let (mut of_shapes, mut of_people) = (Vec::new(), Vec::new());
        for term in &view.filter.terms {
            match &term.test {
                Test::Whole(..) | Test::Status(_) => of_shapes.push(term),
                Test::Is(facts) if !facts.contains(&Fact::First) => of_shapes.push(term),
                Test::Admin(_) => of_people.push(term),
                _ => return None,
            }
        }
        let shapes = lexicon.shapes();
        let fold_polling = view.fold && !view.filter.asks_for(Fact::Polling);
        let fold_assets = view.fold && !view.filter.asks_for(Fact::Asset);
        let treated = shapes
            .iter()
            .map(|shape| {
                let panels = &view.panels;
                let seen = panels.is_empty() || panels.iter().any(|p| p.as_str() == shape.panel);
                let passes = seen
                    && shape
                        .example()
                        .is_some_and(|event| of_shapes.iter().all(|term| term.matches(&event)));
                match passes {
                    false => Treated::Out,
                    true if fold_assets && shape.asset && shape.may_fold() => Treated::Asset,
                    true if fold_polling && shape.polling && shape.may_fold() => Treated::Refresh,
                    true => Treated::Visible,
                }
            })
            .collect();
        let is_everything = view.filter.terms.is_empty() && view.panels.is_empty();
        let mut plan = Self {
            shapes,
            people: Vec::new(),
            treated,
            others_pass: true,
            listed: HashMap::new(),
            numbers: Vec::new(),
            is_everything: is_everything && view.hide.is_empty(),
        };
        if !of_people.is_empty() || !view.hide.is_empty() {
            plan.list(view, &of_people, lexicon);
        }
        Some(plan)
    }

    /// Lists whoever is not treated like most.
    fn list(&mut self, view: &View, terms: &[&Term], lexicon: &Lexicon) {
        self.people = lexicon.people();
        let hide: Vec<(Option<&PanelName>, String)> = view
            .hide
            .iter()
            .map(|identity| (identity.panel.as_ref(), fold(&identity.admin)))
            .collect();
        let all: Vec<Listed> = self
            .people
            .iter()
            .map(|person| {
                let (id, name) = (person.admin.as_deref(), person.name.as_deref());
                let folded = id.filter(|_| !hide.is_empty()).map(folded);
                let hides = hide
                    .iter()
                    .filter(|(_, admin)| folded.as_deref() == Some(admin));
                let passes = |term: &&Term| term.matches_admin(id, name).unwrap_or(false);
                Listed {
                    passes: terms.iter().all(passes),
                    hidden: hides.map(|(panel, _)| panel.cloned()).collect(),
                }
            })
            .collect();
        let passing = all.iter().filter(|listed| listed.passes).count();
        self.others_pass = passing * 2 > all.len() || terms.is_empty();
        for (number, listed) in (0..).zip(all) {
            let as_others = listed.passes == self.others_pass;
            let hides = listed.passes && !listed.hidden.is_empty();
            if !as_others || hides {
                self.numbers.push(number);
                self.listed.insert(number, listed);
            }
        }
    }

    /// The numbers of whoever is listed, ascending.
    pub(crate) fn listed(&self) -> &[u32] {
        &self.numbers
    }

    /// Whether people who are not listed may have rows in the view.
    pub(crate) const fn others_pass(&self) -> bool {
        self.others_pass
    }

    /// What happens to rows of a shape of somebody who is not listed.
    pub(crate) fn of_others(&self, shape: u32) -> Treated {
        if self.others_pass {
            self.of_shape(shape)
        } else {
            Treated::Out
        }
    }

    /// What happens to rows of a shape, whoever they are of.
    pub(crate) fn of_shape(&self, shape: u32) -> Treated {
        self.treated
            .get(shape as usize)
            .copied()
            .unwrap_or(Treated::Out)
    }

    /// What happens to rows of a shape and a person.
    pub(crate) fn of_person(&self, person: u32, shape: u32) -> Treated {
        let Some(listed) = self.listed.get(&person) else {
            return self.of_others(shape);
        };
        if !listed.passes {
            return Treated::Out;
        }
        let treated = self.of_shape(shape);
        let hidden = listed.hidden.iter().any(|panel| {
            let of = self.shapes.get(shape as usize);
            panel
                .as_ref()
                .is_none_or(|panel| of.is_some_and(|shape| shape.panel == panel.as_str()))
        });
        match treated {
            Treated::Visible if hidden => Treated::Hidden,
            _ if hidden => Treated::Out,
            treated => treated,
        }
    }

    /// The shape of a number.
    pub(crate) fn shape(&self, number: u32) -> Option<&Shape> {
        self.shapes.get(number as usize).map(AsRef::as_ref)
    }
}
