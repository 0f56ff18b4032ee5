//! The values of one field, by row.

use std::borrow::Cow;

use admintrail_event::{Event, Ip, KnownBy, Outcome, RequestType};
use arrow_array::{Array, UInt8Array};

use crate::archive::Shape;
use crate::columns::{Chunk, TextColumn};
use crate::query::FacetField;

/// Each distinct value of a chunk as a filter word would have it, and which one a row has.
pub(crate) struct Values<'c> {
    pub(crate) texts: Vec<Option<Cow<'c, str>>>,
    pub(crate) codes: Vec<usize>,
}

pub(crate) fn values_of(chunk: &Chunk, field: FacetField) -> Values<'_> {
    match field {
        FacetField::Admin => of_texts(chunk, chunk.admin()),
        FacetField::Method => of_texts(chunk, chunk.method()),
        FacetField::Action => of_texts(chunk, chunk.action()),
        FacetField::Route => of_texts(chunk, chunk.route()),
        FacetField::Panel => of_texts(chunk, chunk.panel()),
        FacetField::Agent => of_texts(chunk, chunk.user_agent()),
        FacetField::Object => of_texts(chunk, chunk.object()),
        FacetField::Attempted => of_texts(chunk, chunk.attempted()),
        FacetField::Ip => {
            let texts = chunk
                .ip()
                .values()
                .map(|ip| Some(Cow::Owned(Ip(ip).to_string())));
            let none = chunk.ip().len();
            Values {
                texts: texts.chain([None]).collect(),
                codes: (0..chunk.rows)
                    .map(|row| chunk.ip().codes.of(row).unwrap_or(none))
                    .collect(),
            }
        }
        FacetField::Type => of_words(chunk.request_type(), |c| {
            RequestType::from_code(c).map(RequestType::as_str)
        }),
        FacetField::Outcome => of_words(chunk.outcome(), |c| {
            Outcome::from_code(c).map(Outcome::as_str)
        }),
        FacetField::KnownBy => of_words(chunk.known_by(), |c| {
            KnownBy::from_code(c).map(KnownBy::as_str)
        }),
        FacetField::Status => of_statuses(chunk),
    }
}

fn of_texts<'c>(chunk: &'c Chunk, column: &'c TextColumn) -> Values<'c> {
    let none = column.len();
    Values {
        texts: column
            .values()
            .map(|text| Some(Cow::Borrowed(text)))
            .chain([None])
            .collect(),
        codes: (0..chunk.rows)
            .map(|row| column.codes.of(row).unwrap_or(none))
            .collect(),
    }
}

fn of_words<'c>(column: &UInt8Array, word: impl Fn(u8) -> Option<&'static str>) -> Values<'c> {
    Values {
        texts: (0..=u8::MAX)
            .map(|code| word(code).map(Cow::Borrowed))
            .collect(),
        codes: column
            .values()
            .iter()
            .map(|code| usize::from(*code))
            .collect(),
    }
}

fn of_statuses(chunk: &Chunk) -> Values<'_> {
    let status = |row: usize| {
        chunk
            .status()
            .is_valid(row)
            .then(|| chunk.status().value(row))
    };
    let mut known: Vec<Option<u16>> = (0..chunk.rows).map(status).collect();
    known.sort_unstable();
    known.dedup();
    Values {
        codes: (0..chunk.rows)
            .map(|row| known.binary_search(&status(row)).unwrap_or(0))
            .collect(),
        texts: known
            .into_iter()
            .map(|s| s.map(|s| Cow::Owned(s.to_string())))
            .collect(),
    }
}

/// The value of one event, as a filter word would have it.
pub(crate) fn value_of(event: &Event, field: FacetField) -> Option<Cow<'_, str>> {
    let draft = &event.draft;
    match field {
        FacetField::Admin => draft.admin.as_deref().map(Cow::Borrowed),
        FacetField::Method => Some(Cow::Borrowed(&draft.method)),
        FacetField::Action => Some(Cow::Borrowed(&draft.action)),
        FacetField::Route => draft.route.as_deref().map(Cow::Borrowed),
        FacetField::Panel => Some(Cow::Borrowed(draft.panel.as_str())),
        FacetField::Agent => draft.user_agent.as_deref().map(Cow::Borrowed),
        FacetField::Object => draft.object.as_deref().map(Cow::Borrowed),
        FacetField::Attempted => draft.attempted.as_deref().map(Cow::Borrowed),
        FacetField::Ip => draft.ip.map(|ip| Cow::Owned(ip.to_string())),
        FacetField::Type => Some(Cow::Borrowed(draft.request_type.as_str())),
        FacetField::Outcome => Some(Cow::Borrowed(draft.outcome.as_str())),
        FacetField::KnownBy => Some(Cow::Borrowed(draft.known_by.as_str())),
        FacetField::Status => draft.status.map(|status| Cow::Owned(status.to_string())),
    }
}

/// The value of a shape, for the fields that shapes have.
pub(crate) fn value_of_shape(shape: &Shape, field: FacetField) -> Option<Cow<'_, str>> {
    match field {
        FacetField::Method => Some(Cow::Borrowed(&shape.method)),
        FacetField::Panel => Some(Cow::Borrowed(&shape.panel)),
        FacetField::Type => {
            RequestType::from_code(shape.request_type).map(|of| Cow::Borrowed(of.as_str()))
        }
        FacetField::Outcome => {
            Outcome::from_code(shape.outcome).map(|of| Cow::Borrowed(of.as_str()))
        }
        FacetField::KnownBy => {
            KnownBy::from_code(shape.known_by).map(|of| Cow::Borrowed(of.as_str()))
        }
        FacetField::Status => shape.status.map(|status| Cow::Owned(status.to_string())),
        _ => None,
    }
}
