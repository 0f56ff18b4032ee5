//! What a preset says of recorded requests, and of which routes it says nothing, so that a preset
//! grows from real traffic.
//!
//! Requests come in counted, each kind once or as often as the trail has it; what was read once is
//! not read again. Nothing here holds more than a bounded number of routes.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap};

use crate::preset::{Examined, Shape, Spoken, only_asked, written_method};
use crate::{Learned, Micros, Preset, PresetLine, Suggestion};

/// Routes without a line, at most; requests on more are counted together.
const MAX_ROUTES: usize = 10_000;

/// Kinds of requests whose reading is kept.
const MAX_KEPT: usize = 65_536;

/// Places known to hold names, at most.
const MAX_PLACES: usize = 1_024;

/// Requests that are the same but for who made them, and when.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// Method.
    pub method: &'a str,
    /// Path as recorded.
    pub path: &'a str,
    /// Query as recorded.
    pub query: Option<&'a str>,
    /// Route as recorded, by whatever preset there was then.
    pub route: Option<&'a str>,
    /// Style, script, image, font.
    pub asset: bool,
    /// The panel knew the route of none of them, or let none of them in.
    pub refused: bool,
    /// How many.
    pub count: u64,
    /// Time of the last.
    pub last: Micros,
}

/// A route that no line speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamelessRoute {
    /// Method; GET stands for HEAD too, as in a line.
    pub method: String,
    /// The route, `/clients/{id}`.
    pub route: String,
    /// Requests.
    pub count: u64,
    /// Time of the last.
    pub last: Micros,
    /// Path of one of the latest, with what of its query a line may ask about.
    pub example: String,
    /// A line for it.
    pub suggestion: Suggestion,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// Requests that were looked at, without the next two.
    pub requests: u64,
    /// Those of them that a line, or a rule for signing in and the like, speaks for.
    pub covered: u64,
    /// Styles, scripts, images and fonts: they need no line.
    pub assets: u64,
    /// On routes without a line that the panel never answered: it does not know them (404, 405), or
    /// only strangers came and were turned away.
    pub refused: u64,
    /// Most frequent first, ties by route and method.
    pub routes: Vec<NamelessRoute>,
    /// Requests on routes beyond the number that is kept.
    pub beyond: u64,
    /// In which order suggestions are to be pasted: indices of `routes`. The first line that fits
    /// counts, so those that leave less open come before those that leave more.
    order: Vec<usize>,
    /// How often each line of the preset spoke.
    spoke: Vec<u64>,
}

impl Surveyed {
    /// Covered requests in per cent, rounded down to a tenth; `None` of no requests.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let tenths = (u128::from(self.covered) * 1_000).checked_div(self.requests.into())?;
        u32::try_from(tenths)
            .ok()
            .map(|tenths| f64::from(tenths) / 10.0)
    }

    /// The suggestions, in the order in which they are to be pasted.
    pub fn suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        self.suggestions_of(usize::MAX)
    }

    /// Those of the first routes alone, in the order in which they are to be pasted.
    pub fn suggestions_of(&self, first: usize) -> impl Iterator<Item = &Suggestion> {
        let order = self.order.iter().filter(move |at| **at < first);
        let routes = order.filter_map(|at| self.routes.get(*at));
        routes.map(|route| &route.suggestion)
    }

    /// The file's own lines that spoke for no request.
    #[must_use]
    pub fn unused<'p>(&self, preset: &'p Preset) -> Vec<PresetLine<'p>> {
        let lines = preset.lines().zip(&self.spoke);
        lines
            .filter(|(line, spoke)| line.at.is_some() && **spoke == 0)
            .map(|(line, _)| line)
            .collect()
    }
}

/// Counts requests by what a preset says of them.
pub struct Survey<'p> {
    preset: &'p Preset,
    asked: BTreeSet<String>,
    /// Method, path and query, and what was said of them.
    known: HashMap<String, Said>,
    routes: Vec<Route>,
    by_route: HashMap<(String, String), usize>,
    /// Where names vary, as recorded routes show.
    places: BTreeSet<String>,
    found: Surveyed,
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Line(usize),
    Step,
    Asset,
    Route(usize),
    Beyond,
}

struct Route {
    method: String,
    shape: Shape,
    count: u64,
    last: Micros,
    example: String,
    refused: bool,
}

impl<'p> Survey<'p> {
    /// One that has counted nothing.
    #[must_use]
    pub fn new(preset: &'p Preset) -> Self {
        Self {
            preset,
            asked: preset.asked_parameters(),
            known: HashMap::new(),
            routes: Vec::new(),
            by_route: HashMap::new(),
            places: BTreeSet::new(),
            found: Surveyed {
                spoke: vec![0; preset.lines().len()],
                ..Surveyed::default()
            },
        }
    }

    /// Whether the preset asks about queries at all; without that [`Counted::query`] may be left out.
    #[must_use]
    pub fn asks_queries(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Counts requests.
    pub fn add(&mut self, requests: &Counted<'_>) {
        // A line for GET is one for HEAD.
        let method = match requests.method {
            "HEAD" => "GET",
            method => method,
        };
        let query = only_asked(requests.query.unwrap_or(""), &self.asked);
        let key = format!("{method} {}?{query}", requests.path);
        let said = match self.known.get(&key) {
            Some(said) => *said,
            None => {
                let said = self.look(method, requests.path, &query);
                if self.known.len() < MAX_KEPT {
                    self.known.insert(key, said);
                }
                said
            }
        };
        match said {
            Said::Asset => self.found.assets += requests.count,
            // The browser knew what it was for.
            Said::Route(_) | Said::Beyond if requests.asset => {
                self.found.assets += requests.count;
            }
            Said::Line(at) => {
                self.found.requests += requests.count;
                self.found.covered += requests.count;
                if let Some(spoke) = self.found.spoke.get_mut(at) {
                    *spoke += requests.count;
                }
            }
            Said::Step => {
                self.found.requests += requests.count;
                self.found.covered += requests.count;
            }
            Said::Beyond => {
                self.found.requests += requests.count;
                self.found.beyond += requests.count;
            }
            Said::Route(at) => self.count(at, requests, &query),
        }
    }

    fn look(&mut self, method: &str, path: &str, query: &str) -> Said {
        let query = (!query.is_empty()).then_some(query);
        let Examined { spoken, asset } = self.preset.examine(method, path, query);
        let shape = match spoken {
            Spoken::Line(at) => return Said::Line(at),
            Spoken::Step => return Said::Step,
            Spoken::Nothing(_) if asset => return Said::Asset,
            Spoken::Nothing(shape) => shape,
        };
        let key = (method.to_owned(), shape.route().to_owned());
        if let Some(at) = self.by_route.get(&key) {
            if let Some(route) = self.routes.get_mut(*at) {
                route.shape.join(&shape);
            }
            return Said::Route(*at);
        }
        if self.routes.len() >= MAX_ROUTES {
            return Said::Beyond;
        }
        let at = self.routes.len();
        self.routes.push(Route {
            method: method.to_owned(),
            shape,
            count: 0,
            last: Micros(i64::MIN),
            example: String::new(),
            refused: true,
        });
        self.by_route.insert(key, at);
        Said::Route(at)
    }

    fn count(&mut self, at: usize, requests: &Counted<'_>, query: &str) {
        let Some(route) = self.routes.get_mut(at) else {
            return;
        };
        route.count += requests.count;
        route.refused &= requests.refused;
        if requests.last >= route.last {
            route.last = requests.last;
            let mark = if query.is_empty() { "" } else { "?" };
            route.example = format!("{}{mark}{query}", requests.path);
        }
        if let Some(recorded) = requests.route
            && self.places.len() < MAX_PLACES
        {
            note_places(route.shape.route(), recorded, &mut self.places);
        }
    }

    /// What was found in all.
    #[must_use]
    pub fn finish(self) -> Surveyed {
        let learned = Learned::of_places(self.places.iter().map(String::as_str));
        let mut joined: BTreeMap<(String, String), Route> = BTreeMap::new();
        for mut route in self.routes.into_iter().filter(|route| route.count > 0) {
            let wide = learned.template(route.shape.route()).into_owned();
            route.shape.widen(&wide);
            let key = (route.shape.route().to_owned(), route.method.clone());
            match joined.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(route);
                }
                Entry::Occupied(mut same) => {
                    same.get_mut().join(route);
                }
            }
        }
        let mut found = self.found;
        let (refused, mut routes): (Vec<Route>, Vec<Route>) =
            joined.into_values().partition(|route| route.refused);
        found.refused = refused.iter().map(|route| route.count).sum();
        found.requests += routes.iter().map(|route| route.count).sum::<u64>();
        // Stable: ties stay in the order of their routes.
        routes.sort_by_key(|route| std::cmp::Reverse(route.count));
        let mut order: Vec<usize> = (0..routes.len()).collect();
        order.sort_by_key(|at| {
            let route = routes.get(*at);
            route.map(|route| (written_method(&route.method) == "*", route.shape.openness()))
        });
        found.order = order;
        found.routes = routes.into_iter().map(Route::told).collect();
        found
    }
}

impl Route {
    fn join(&mut self, other: Self) {
        self.shape.join(&other.shape);
        self.count += other.count;
        self.refused &= other.refused;
        if other.last >= self.last {
            self.last = other.last;
            self.example = other.example;
        }
    }

    fn told(self) -> NamelessRoute {
        NamelessRoute {
            suggestion: self.shape.suggestion(&self.method),
            route: self.shape.route().to_owned(),
            method: self.method,
            count: self.count,
            last: self.last,
            example: self.example,
        }
    }
}

/// Where the recorded route has a placeholder and ours a text, names vary: the recorder had learned
/// so, or a line said so.
fn note_places(route: &str, recorded: &str, places: &mut BTreeSet<String>) {
    if !recorded.contains('{') || route.split('/').count() != recorded.split('/').count() {
        return;
    }
    let mut place = String::with_capacity(route.len());
    let pairs = route.split('/').zip(recorded.split('/')).skip(1);
    for (own, recorded) in pairs {
        let varies = recorded.starts_with('{') && !own.starts_with('{');
        if varies && !places.contains(&place) {
            places.insert(place.clone());
        }
        place.push('/');
        place.push_str(if varies { "{id}" } else { own });
    }
}

#[cfg(test)]
mod tests;
