//! Lines for routes that a preset has none for: ready to be pasted, and to be put in better words.

use std::fmt;

use super::describe::{describe, names_a_place, route_of};
use super::english::singular;
use super::ids::{is_id, without_extension};
use super::normal::{REDACTED, Segment};
use super::pattern::written_literal;

/// An id longer than this is shown by its beginning.
const LONG: usize = 16;

/// What the segments of a route are. Paths of one route may differ in what stands in a place:
/// [`Shape::join`] says what is true of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    route: String,
    places: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The same text in all of them.
    Text(String),
    /// What reads like an id in all of them.
    Id { long: bool },
    /// A secret that was cut out.
    Secret,
    /// Anything.
    Open,
}

impl Shape {
    pub(super) fn of(segments: &[Segment<'_>]) -> Self {
        let place = |segment: &Segment<'_>| {
            let text = &*segment.text;
            if text == REDACTED {
                Place::Secret
            } else if is_id(text) {
                let long = text.len() > LONG;
                Place::Id { long }
            } else if is_id(without_extension(text).0) {
                Place::Open
            } else {
                Place::Text(text.to_owned())
            }
        };
        Self {
            route: route_of(segments),
            places: segments.iter().map(place).collect(),
        }
    }

    /// The route as the default rules have it, uncut.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Takes over a route in which more varies: `/articles/{id}` for `/articles/first-step`.
    pub(crate) fn widen(&mut self, route: &str) {
        let (own, wide) = (self.route.split('/').skip(1), route.split('/').skip(1));
        if wide.clone().count() != self.places.len() || own.clone().count() != self.places.len() {
            return;
        }
        for ((own, wide), place) in own.zip(wide).zip(&mut self.places) {
            if own != wide {
                *place = Place::Open;
            }
        }
        route.clone_into(&mut self.route);
    }

    /// Says of both what is true of both. Their routes are the same.
    pub(crate) fn join(&mut self, other: &Self) {
        for (own, other) in self.places.iter_mut().zip(&other.places) {
            match (&mut *own, other) {
                (Place::Id { long }, Place::Id { long: other }) => *long |= other,
                (own, other) if own == other => {}
                _ => *own = Place::Open,
            }
        }
    }

    /// How much a line for it leaves open: of two that fit the same path, the first to be tried
    /// must be the one that leaves less open.
    pub(crate) fn openness(&self) -> (usize, usize) {
        let count = |is: fn(&Place) -> bool| self.places.iter().filter(|place| is(place)).count();
        (
            count(|place| matches!(place, Place::Open)),
            count(|place| !matches!(place, Place::Text(_))),
        )
    }

    /// A line that speaks for all of its paths, with the default rules' sentence to begin with.
    pub(crate) fn suggestion(&self, method: &str) -> Suggestion {
        let names = self.names();
        let mut pattern = String::new();
        let mut segments = Vec::with_capacity(self.places.len());
        for (place, name) in self.places.iter().zip(&names) {
            let (written, text, varies) = match place {
                Place::Text(text) => {
                    // Braces begin placeholders in the sentence too.
                    let plain = text.replace('{', "(").replace('}', ")");
                    (written_literal(text), plain, false)
                }
                Place::Id { .. } => (format!("{{{name}:id}}"), format!("{{{name}}}"), true),
                Place::Secret => (format!("{{{name}:token}}"), REDACTED.to_owned(), false),
                Place::Open => (format!("{{{name}}}"), format!("{{{name}}}"), true),
            };
            pattern.push('/');
            pattern.push_str(&written);
            segments.push(Segment {
                text: text.into(),
                raw: 0..0,
                text_end: 0,
                varies,
            });
        }
        if pattern.is_empty() {
            pattern.push('/');
        }
        let described = describe(method, &segments);
        let mut action = described.action;
        for (place, name) in self.places.iter().zip(&names) {
            if *place == (Place::Id { long: true }) {
                action = action.replace(&format!("{{{name}}}"), &format!("{{{name}|short}}"));
            }
        }
        Suggestion {
            r#match: format!("{} {pattern}", written_method(method)),
            action,
            object: described.object.filter(|object| !object.contains(REDACTED)),
        }
    }

    /// A name for each place: of what it is one of, if the word before says so.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::with_capacity(self.places.len());
        let mut kind = None;
        for place in &self.places {
            let base = match place {
                Place::Text(text) => {
                    kind = Some(text);
                    names.push(String::new());
                    continue;
                }
                Place::Secret => "secret".to_owned(),
                Place::Id { .. } | Place::Open => kind
                    .take()
                    .filter(|kind| !names_a_place(kind))
                    .map_or_else(|| "id".to_owned(), |kind| name_of(kind)),
            };
            let mut name = base.clone();
            let mut next = 2;
            while names.contains(&name) {
                name = format!("{base}{next}");
                next += 1;
            }
            names.push(name);
        }
        names
    }
}

/// `dns-zones` as a placeholder's name: `dns_zone`.
fn name_of(kind: &str) -> String {
    let letters = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let plain: String = kind.chars().map(letters).collect();
    let name = singular(plain.trim_matches('_'));
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { name } else { "id".to_owned() }
}

/// The method as a pattern has it; any, where it is none that a pattern can name.
pub(crate) fn written_method(method: &str) -> &str {
    let token = method
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if token && !method.is_empty() {
        method
    } else {
        "*"
    }
}

/// A `[[route]]` line to paste into a preset; [`fmt::Display`] writes it as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The routes it is for.
    pub r#match: String,
    /// The sentence.
    pub action: String,
    /// What it touches.
    pub object: Option<String>,
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[route]]")?;
        writeln!(f, "match  = {}", toml_text(&self.r#match))?;
        writeln!(f, "action = {}", toml_text(&self.action))?;
        match &self.object {
            Some(object) => writeln!(f, "object = {}", toml_text(object)),
            None => Ok(()),
        }
    }
}

/// A basic string of TOML. Nothing here holds control characters.
fn toml_text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
