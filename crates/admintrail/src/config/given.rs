//! Values as somebody wrote them, before they mean anything: the file, the environment and the
//! flags are brought into this one form, so that each rule is written once.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::origin::{Mistakes, Origin};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) raw: Raw,
    pub(crate) origin: Origin,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<Given>),
    Table(Vec<(String, Given)>),
    /// A TOML type that no key takes.
    Other(&'static str),
}

impl Raw {
    /// The type, as a message names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Reads a TOML file as far as it can be read.
pub(crate) fn from_toml(text: &str, path: &Path, mistakes: &mut Mistakes) -> Vec<(String, Given)> {
    let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|b| *b == b'\n').count();
    let origin = |offset: usize| Origin::File {
        path: path.to_owned(),
        line: line_of(offset),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        mistakes.add(
            &origin(offset),
            "",
            format!("not TOML: {}", error.message()),
        );
    }
    if errors.is_empty() {
        entries(table.get_ref(), &origin)
    } else {
        Vec::new()
    }
}

fn entries(table: &DeTable<'_>, origin: &impl Fn(usize) -> Origin) -> Vec<(String, Given)> {
    table
        .iter()
        .map(|(key, value)| {
            let name = key.get_ref().to_string();
            // A key's own line is what an editor should jump to, also for tables that are
            // written out over many lines.
            (
                name,
                given(value.get_ref(), origin(key.span().start), origin),
            )
        })
        .collect()
}

fn given(value: &DeValue<'_>, at: Origin, origin: &impl Fn(usize) -> Origin) -> Given {
    let raw = match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .map_or(Raw::Other("a number that is too large"), Raw::Number)
        }
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Array(items) => Raw::List(
            items
                .iter()
                .map(|item| given(item.get_ref(), origin(item.span().start), origin))
                .collect(),
        ),
        DeValue::Table(table) => Raw::Table(entries(table, origin)),
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
    };
    Given { raw, origin: at }
}

/// Reads `name=billing,upstream=http://…,trusted_proxies=10.0.0.0/8,192.168.0.0/16`: a piece
/// without `=` belongs to the value before it.
pub(crate) fn from_pairs(
    text: &str,
    origin: &Origin,
    mistakes: &mut Mistakes,
) -> Vec<(String, Given)> {
    let mut entries: Vec<(String, Vec<String>)> = Vec::new();
    for piece in text
        .split(',')
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
    {
        match (piece.split_once('='), entries.last_mut()) {
            (Some((key, value)), _) => {
                entries.push((key.trim().to_owned(), vec![value.trim().to_owned()]));
            }
            (None, Some((_, values))) => values.push(piece.to_owned()),
            (None, None) => mistakes.add(
                origin,
                "panel",
                format!("{piece:?} is not key=value. Write name=billing,upstream=http://127.0.0.1:8000,listen=127.0.0.1:8080"),
            ),
        }
    }
    let mut flat: Vec<(String, Given)> = Vec::new();
    for (key, mut values) in entries {
        let text = |text: String| Given {
            raw: Raw::Text(text),
            origin: origin.clone(),
        };
        let value = match values.len() {
            1 => text(values.swap_remove(0)),
            _ => Given {
                raw: Raw::List(values.into_iter().map(text).collect()),
                origin: origin.clone(),
            },
        };
        // `timeouts.connect=3s` reaches into a table of the file's form.
        match key.split_once('.') {
            None => flat.push((key, value)),
            Some((outer, inner)) => {
                let inner = (inner.to_owned(), value);
                match flat
                    .iter_mut()
                    .find(|(name, given)| name == outer && matches!(given.raw, Raw::Table(_)))
                {
                    Some((
                        _,
                        Given {
                            raw: Raw::Table(table),
                            ..
                        },
                    )) => table.push(inner),
                    _ => flat.push((
                        outer.to_owned(),
                        Given {
                            raw: Raw::Table(vec![inner]),
                            origin: origin.clone(),
                        },
                    )),
                }
            }
        }
    }
    flat
}
