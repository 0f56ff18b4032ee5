//! Lines of a preset: a route, the sentence for it, and what it touches.

use std::borrow::Cow;
use std::sync::Arc;

use super::describe::{push_route_segment, route_of, spoken};
use super::english::{plural, singular};
use super::ids::is_id;
use super::normal::Segment;
use super::pattern::{Piece, RoutePattern, Source, parameter};
use crate::encode_text;

/// One `[[route]]` line, compiled.
#[derive(Debug, Clone)]
pub(super) struct RouteLine {
    pub(super) pattern: RoutePattern,
    pub(super) action: Template,
    pub(super) object: Option<Template>,
    /// The sentence if the status is 200: the panel showed the form again.
    pub(super) if_200: Option<Template>,
    /// Its `match` as written, and the line of the file; no line if it is of the preset that the
    /// file extends.
    pub(super) written: Arc<str>,
    pub(super) at: Option<usize>,
}

impl RouteLine {
    /// Whether one of its texts shows something of the query.
    pub(super) fn reads_query(&self) -> bool {
        let mut others = [&self.object, &self.if_200].into_iter().flatten();
        self.action.reads_query() || others.any(Template::reads_query)
    }
}

/// A line that matched, and where its pieces begin.
pub(super) struct Found<'a> {
    pub(super) line: &'a RouteLine,
    /// Which line of all.
    pub(super) index: usize,
    start: usize,
}

impl Found<'_> {
    /// A sentence or object with its placeholders filled. `query` is free of secrets.
    pub(super) fn fill(
        &self,
        template: &Template,
        segments: &[Segment<'_>],
        query: &str,
    ) -> String {
        template.fill(self.start, segments, query)
    }

    /// The route as the line has it; what the line leaves open as the default rules have it.
    pub(super) fn route(&self, segments: &[Segment<'_>]) -> String {
        let pieces = self.line.pattern.pieces();
        let before = segments.get(..self.start).unwrap_or_default();
        let own = segments.get(self.start..).unwrap_or_default();
        let after = own.get(pieces.len()..).unwrap_or_default();
        let mut route = if before.is_empty() {
            String::with_capacity(48)
        } else {
            route_of(before)
        };
        for (piece, segment) in pieces.iter().zip(own) {
            route.push('/');
            match piece {
                Piece::Literal(text) if &**text == "/" => route.push_str("%2F"),
                Piece::Literal(text) => route.push_str(&encode_text(text)),
                Piece::Any | Piece::Named { shown: true, .. } => {
                    push_route_segment(segment, &mut route);
                }
                Piece::Named { name, .. } => {
                    route.push('{');
                    route.push_str(name);
                    route.push('}');
                }
            }
        }
        if !after.is_empty() {
            route.push_str(&route_of(after));
        }
        if route.is_empty() {
            route.push('/');
        }
        route
    }
}

/// A text with placeholders of a pattern: `Listed {model|plural}`.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(Box<str>),
    Value { source: Source, forms: Vec<Form> },
}

/// How a value is shown; several may follow each other: `{things|singular|words}`.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// `|plural`: client, clients.
    Plural,
    /// `|singular`: clients, client.
    Singular,
    /// `|words`: `dns_zone`, dns zone.
    Words,
    /// `|short`: of a UUID or another long id the beginning, since nobody reads all of it.
    Short,
}

/// Characters of a long id that tell it from the others on a page.
const SHORT: usize = 8;

impl Form {
    const ALL: &[(&str, Self)] = &[
        ("plural", Self::Plural),
        ("singular", Self::Singular),
        ("words", Self::Words),
        ("short", Self::Short),
    ];

    fn of(self, value: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Plural => plural(&value).into(),
            Self::Singular => singular(&value).into(),
            Self::Words => spoken(&value).into(),
            Self::Short if value.len() > 2 * SHORT && !value.contains('@') && is_id(&value) => {
                let beginning: String = value.chars().take(SHORT).collect();
                format!("{beginning}…").into()
            }
            Self::Short => value,
        }
    }
}

impl Template {
    /// Reads a text whose placeholders are those of the pattern.
    pub(super) fn parse(text: &str, pattern: &RoutePattern) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, others) = after
                .split_once('}')
                .ok_or_else(|| format!("{text:?} has a {{ without its }}"))?;
            let mut words = inside.split('|');
            let name = words.next().unwrap_or_default();
            let forms = words
                .map(|word| {
                    let known = Form::ALL.iter().find(|(known, _)| *known == word);
                    known.map(|(_, form)| *form).ok_or_else(|| {
                        let known: Vec<&str> = Form::ALL.iter().map(|(known, _)| *known).collect();
                        let known = known.join(", |");
                        format!("{word:?} is unknown; a placeholder may end in |{known}")
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            let source = pattern
                .source(name)
                .ok_or_else(|| format!("{{{name}}} is not in the match of this line"))?;
            parts.push(Part::Text(Box::from(before)));
            parts.push(Part::Value { source, forms });
            rest = others;
        }
        parts.push(Part::Text(Box::from(rest)));
        Ok(Self(parts))
    }

    /// With its placeholders filled from the pieces that begin at `start`, and from a query that is
    /// free of secrets.
    pub(super) fn fill(&self, start: usize, segments: &[Segment<'_>], query: &str) -> String {
        let mut out = String::with_capacity(48);
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value { source, forms } => {
                    let value = match source {
                        Source::Piece(position) => segments
                            .get(start + position)
                            .map_or("".into(), |segment| Cow::Borrowed(&*segment.text)),
                        Source::Parameter(wanted) => parameter(query, wanted).unwrap_or_default(),
                    };
                    let value = forms
                        .iter()
                        .fold(encode_text(&value), |value, form| form.of(value));
                    out.push_str(&value);
                }
            }
        }
        out
    }

    /// Whether it shows something of the query.
    pub(super) fn reads_query(&self) -> bool {
        let from_query = |part: &Part| {
            matches!(
                part,
                Part::Value {
                    source: Source::Parameter(_),
                    ..
                }
            )
        };
        self.0.iter().any(from_query)
    }
}

/// All lines of a preset; the first that matches counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    lines: Vec<RouteLine>,
    /// Lines of a fixed number of segments, by that number.
    by_length: Vec<Vec<usize>>,
    /// Lines that match any number of segments.
    open: Vec<usize>,
}

impl Routes {
    pub(super) fn new(lines: Vec<RouteLine>) -> Self {
        let mut routes = Self {
            by_length: Vec::new(),
            open: Vec::new(),
            lines: Vec::new(),
        };
        for (at, line) in lines.iter().enumerate() {
            match line.pattern.fixed_length() {
                None => routes.open.push(at),
                Some(length) => {
                    if routes.by_length.len() <= length {
                        routes.by_length.resize_with(length + 1, Vec::new);
                    }
                    if let Some(same) = routes.by_length.get_mut(length) {
                        same.push(at);
                    }
                }
            }
        }
        routes.lines = lines;
        routes
    }

    pub(super) fn lines(&self) -> &[RouteLine] {
        &self.lines
    }

    pub(super) fn find(
        &self,
        method: &str,
        segments: &[Segment<'_>],
        query: Option<&str>,
    ) -> Option<Found<'_>> {
        let fixed = self
            .by_length
            .get(segments.len())
            .map_or(&[][..], Vec::as_slice);
        let first_of = |places: &[usize]| {
            places.iter().find_map(|&at| {
                let line = self.lines.get(at)?;
                let takes = line.pattern.takes_method(method);
                let start = takes.then(|| line.pattern.find(segments)).flatten()?;
                line.pattern.takes_query(query).then_some((
                    at,
                    Found {
                        line,
                        index: at,
                        start,
                    },
                ))
            })
        };
        let found = [first_of(fixed), first_of(&self.open)];
        found
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
            .map(|(_, found)| found)
    }
}
