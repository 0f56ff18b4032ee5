//! Route patterns: `GET,POST /admin/{app}/{model}/{id}/change/?tab=1 [action=save]`.

use std::borrow::Cow;

use super::ids::{is_id, is_token};
use super::normal::{Segment, decode_fully};
use crate::encode_text;

/// One route, matched against paths in normal form; letters of literals in any case.
#[derive(Debug, Clone)]
pub(super) struct RoutePattern {
    methods: Vec<Box<str>>,
    /// Begins with `**`: anything may come before.
    open_start: bool,
    /// Ends with `**`: anything may come after.
    open_end: bool,
    pieces: Vec<Piece>,
    query: Vec<Condition>,
    form: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Just this text.
    Literal(Box<str>),
    /// Any one segment, without a name.
    Any,
    /// Any one segment of a kind.
    Named {
        name: Box<str>,
        kind: SegmentKind,
        /// Written `{+name}`: the route shows the value instead of the name.
        shown: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentKind {
    Any,
    /// `:num`, digits only.
    Number,
    /// `:id`, what the default actions take for an id.
    Id,
    /// `:word`, no id and no file name.
    Word,
    /// `:token`, long and unlike a word.
    Token,
}

/// A parameter or form field that must be there, with a value if one is given.
#[derive(Debug, Clone)]
struct Condition {
    name: String,
    value: Wanted,
}

/// What the value of a parameter must be.
#[derive(Debug, Clone)]
enum Wanted {
    /// Written `!name`: it must not be there.
    Missing,
    /// Anything, also nothing.
    Any,
    /// This, in any case.
    Text(String),
    /// `{name}`: something of a kind, which sentences may use.
    Named { name: Box<str>, kind: SegmentKind },
}

/// Where the value of a placeholder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The pattern's piece at this place.
    Piece(usize),
    /// The query parameter of this name.
    Parameter(Box<str>),
}

impl RoutePattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (text, form) = match text
            .strip_suffix(']')
            .and_then(|text| text.rsplit_once('['))
        {
            Some((before, inside)) => {
                let form = conditions(inside)?;
                if form.iter().any(Condition::is_named) {
                    return Err(format!(
                        "{inside:?}: what a form says is never shown; placeholders stand in paths and queries only"
                    ));
                }
                (before.trim_end(), form)
            }
            None => (text, Vec::new()),
        };
        let (methods, path) = text.split_once(char::is_whitespace).ok_or_else(|| {
            format!("{text:?} is no route; write a method and a path: \"GET /clients/{{id}}\"")
        })?;
        let path = path.trim();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, conditions(query)?),
            None => (path, Vec::new()),
        };
        let mut pattern = Self::parse_path(path)?;
        pattern.methods = parse_methods(methods)?;
        pattern.query = query;
        pattern.form = form;
        Ok(pattern)
    }

    /// Reads the path of a pattern, for any method.
    pub(super) fn parse_path(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') && !path.starts_with("**") {
            return Err(format!("the path {path:?} must begin with / or **/"));
        }
        let mut words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        let open_start = words.first() == Some(&"**");
        if open_start {
            words.remove(0);
        }
        let open_end = words.last() == Some(&"**");
        if open_end {
            words.pop();
        }
        let pieces = words
            .into_iter()
            .map(parse_piece)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            methods: Vec::new(),
            open_start,
            open_end,
            pieces,
            query: Vec::new(),
            form: Vec::new(),
        })
    }

    /// The number of segments it matches, if that is one number.
    pub(super) fn fixed_length(&self) -> Option<usize> {
        (!self.open_start && !self.open_end).then_some(self.pieces.len())
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text it begins with, if it begins with one.
    pub(super) fn first_literal(&self) -> Option<&str> {
        match self.pieces.first() {
            Some(Piece::Literal(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn has_form(&self) -> bool {
        !self.form.is_empty()
    }

    /// Where the value of a placeholder of this name comes from.
    pub(super) fn source(&self, wanted: &str) -> Option<Source> {
        let piece = self
            .pieces
            .iter()
            .position(|piece| matches!(piece, Piece::Named { name, .. } if **name == *wanted));
        let parameter = || {
            self.query.iter().find_map(|condition| {
                matches!(&condition.value, Wanted::Named { name, .. } if **name == *wanted)
                    .then(|| Source::Parameter(Box::from(condition.name.as_str())))
            })
        };
        piece.map(Source::Piece).or_else(parameter)
    }

    /// Whether it is for this method; HEAD is as good as GET.
    pub(super) fn takes_method(&self, method: &str) -> bool {
        let takes = |method: &str| self.methods.iter().any(|ours| **ours == *method);
        self.methods.is_empty() || takes(method) || (method == "HEAD" && takes("GET"))
    }

    /// Whether the query has every parameter that the pattern asks for.
    pub(super) fn takes_query(&self, query: Option<&str>) -> bool {
        let query = query.unwrap_or("");
        self.query.iter().all(|condition| {
            if matches!(condition.value, Wanted::Missing) {
                return !parameters(query)
                    .any(|(name, _)| name.eq_ignore_ascii_case(&condition.name));
            }
            if condition.is_named() {
                return parameter(query, &condition.name)
                    .is_some_and(|value| condition.holds(&condition.name, &value));
            }
            parameters(query).any(|(name, value)| condition.holds(&name, &value))
        })
    }

    /// The query parameters that it asks about.
    pub(super) fn asked_parameters(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(|condition| condition.name.as_str())
    }

    /// Whether it is this request, as far as the head tells.
    pub(super) fn takes(
        &self,
        method: &str,
        segments: &[Segment<'_>],
        query: Option<&str>,
    ) -> bool {
        self.takes_method(method) && self.find(segments).is_some() && self.takes_query(query)
    }

    /// The name of its last placeholder, of the query or else of the path.
    pub(super) fn last_placeholder(&self) -> Option<&str> {
        let in_query = self
            .query
            .iter()
            .rev()
            .find_map(|condition| match &condition.value {
                Wanted::Named { name, .. } => Some(&**name),
                Wanted::Missing | Wanted::Any | Wanted::Text(_) => None,
            });
        let in_path = || {
            self.pieces.iter().rev().find_map(|piece| match piece {
                Piece::Named { name, .. } => Some(&**name),
                Piece::Literal(_) | Piece::Any => None,
            })
        };
        in_query.or_else(in_path)
    }

    /// Whether the form has every field that the pattern asks for.
    pub(super) fn takes_form(&self, fields: &[(String, String)]) -> bool {
        self.form.iter().all(|condition| {
            let holds = |(name, value): &(String, String)| condition.holds(name, value);
            match condition.value {
                Wanted::Missing => !fields
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case(&condition.name)),
                _ => fields.iter().any(holds),
            }
        })
    }

    /// Where the pattern's own pieces begin among the segments, if it matches all of them.
    pub(super) fn find(&self, segments: &[Segment<'_>]) -> Option<usize> {
        let spare = segments.len().checked_sub(self.pieces.len())?;
        match (self.open_start, self.open_end) {
            (false, false) => (spare == 0 && self.fits(segments)).then_some(0),
            (false, true) => self.fits(segments).then_some(0),
            (true, false) => self.fits(segments.get(spare..)?).then_some(spare),
            (true, true) => self.find_anywhere(segments),
        }
    }

    /// Where the pieces stand beside each other anywhere among the segments.
    pub(super) fn find_anywhere(&self, segments: &[Segment<'_>]) -> Option<usize> {
        (0..=segments.len().checked_sub(self.pieces.len())?)
            .find(|start| segments.get(*start..).is_some_and(|rest| self.fits(rest)))
    }

    /// Whether the first segments are the pieces.
    pub(super) fn fits(&self, segments: &[Segment<'_>]) -> bool {
        segments.len() >= self.pieces.len()
            && self
                .pieces
                .iter()
                .zip(segments)
                .all(|(piece, segment)| piece.takes(&segment.text))
    }
}

impl Piece {
    fn takes(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal.eq_ignore_ascii_case(text),
            Self::Any => true,
            Self::Named { kind, .. } => kind.takes(text),
        }
    }
}

impl SegmentKind {
    fn takes(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Number => text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Id => is_id(text),
            Self::Word => !text.contains('.') && !is_id(text),
            Self::Token => is_token(text) || text == super::normal::REDACTED,
        }
    }
}

impl Condition {
    fn holds(&self, name: &str, value: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            && match &self.value {
                Wanted::Any => true,
                Wanted::Missing => false,
                Wanted::Text(wanted) => wanted.eq_ignore_ascii_case(value),
                // There is nothing to show of an empty one.
                Wanted::Named { kind, .. } => !value.is_empty() && kind.takes(value),
            }
    }

    const fn is_named(&self) -> bool {
        matches!(self.value, Wanted::Named { .. })
    }
}

/// What a query says of a parameter (in any case), decoded; `None` too if it says two things:
/// panels differ in which of them counts.
pub(super) fn parameter<'a>(query: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    let mut values = parameters(query)
        .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value);
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// Names and values of a query, decoded.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split(['&', ';']).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_fully(name), decode_fully(value))
    })
}

fn parse_methods(text: &str) -> Result<Vec<Box<str>>, String> {
    if text == "*" {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|method| {
            let token = !method.is_empty()
                && method
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
            if token {
                Ok(Box::from(method))
            } else {
                Err(format!(
                    "{method:?} is no method; write GET, \"POST,PUT\" or * before the path"
                ))
            }
        })
        .collect()
}

fn parse_piece(word: &str) -> Result<Piece, String> {
    if word == "*" {
        return Ok(Piece::Any);
    }
    if word == "**" {
        return Err("** may only stand at the beginning or the end of a path".to_owned());
    }
    let Some(inside) = word
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        // Encoded: what would mean something else here, and the slash inside a name of a panel that
        // splits before it decodes (RabbitMQ's default vhost).
        if word.contains('%') && !word.contains(['{', '}', '*']) {
            return decoded_literal(word);
        }
        if word.contains(['{', '}', '*']) {
            return Err(format!(
                "{word:?} must be a text, * or a placeholder such as {{id}} as a whole; \
                 write %7B, %7D and %2A for {{, }} and * themselves"
            ));
        }
        return Ok(Piece::Literal(Box::from(word)));
    };
    let (inside, kind) = inside.split_once(':').unwrap_or((inside, ""));
    let (name, shown) = match inside.strip_prefix('+') {
        Some(name) => (name, true),
        None => (inside, false),
    };
    let kind = match kind {
        "" => SegmentKind::Any,
        "num" => SegmentKind::Number,
        "id" => SegmentKind::Id,
        "word" => SegmentKind::Word,
        "token" => SegmentKind::Token,
        other => {
            return Err(format!(
                "{other:?} is no kind of placeholder; there are num, id, word, token"
            ));
        }
    };
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !plain {
        return Err(format!(
            "{word:?} needs a name of letters, digits and _, such as {{id}}"
        ));
    }
    Ok(Piece::Named {
        name: Box::from(name),
        kind,
        shown,
    })
}

/// A text written percent-encoded; once, as a path that is compared is decoded already.
fn decoded_literal(word: &str) -> Result<Piece, String> {
    let triplets = word.split('%').skip(1).all(|rest| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = percent_encoding::percent_decode_str(word).decode_utf8();
    match decoded {
        Ok(text) if triplets => Ok(Piece::Literal(Box::from(&*text))),
        _ => Err(format!(
            "{word:?} is encoded wrongly; %25 stands for the % itself"
        )),
    }
}

/// A literal segment as a pattern has it: what means something else there is percent-encoded.
pub(super) fn written_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let means_more = c.is_whitespace() || "{}*%?[]/\\".contains(c);
        let mut buffer = [0; 4];
        let same = &*c.encode_utf8(&mut buffer);
        if means_more || encode_text(same) != same {
            for byte in same.bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    text.split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "*"));
            let (name, value) = (name.trim(), value.trim());
            let (name, missing) = match name.strip_prefix('!') {
                Some(name) => (name.trim(), true),
                None => (name, false),
            };
            if name.is_empty() {
                return Err(format!("{text:?} needs names: \"action=logout\""));
            }
            if missing && value != "*" {
                return Err(format!(
                    "{pair:?}: !name says that the parameter is missing; it takes no value"
                ));
            }
            let value = match parse_piece(value) {
                _ if missing => Wanted::Missing,
                _ if value == "*" => Wanted::Any,
                Ok(Piece::Named { name, kind, .. }) => Wanted::Named { name, kind },
                Err(why) if value.starts_with('{') => return Err(why),
                _ => Wanted::Text(value.to_owned()),
            };
            Ok(Condition {
                name: name.to_owned(),
                value,
            })
        })
        .collect()
}
