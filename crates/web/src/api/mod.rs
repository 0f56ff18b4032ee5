//! The JSON API (DESIGN section 6).

pub(crate) mod attempts;
pub(crate) mod csv;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod file;
pub(crate) mod health;
pub(crate) mod ingest;
pub(crate) mod ledger;
mod live;
pub(crate) mod openapi;
pub(crate) mod pack;
pub(crate) mod sessions;
pub(crate) mod stream;
pub(crate) mod summaries;

use admintrail_store::control::SecretHash;
use admintrail_store::{Relation, Searched, Total};
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::Viewer;

/// A total as JSON has it.
#[derive(Serialize)]
struct Counted {
    value: u64,
    relation: &'static str,
}

impl From<Total> for Counted {
    fn from(total: Total) -> Self {
        let relation = match total.relation {
            Relation::Equal => "eq",
            Relation::AtLeast => "gte",
        };
        Self {
            value: total.value,
            relation,
        }
    }
}

/// How far a search came whose time was over before its end; null: it came to its end.
fn searched(searched: Option<Searched>) -> Value {
    searched.map_or(Value::Null, |searched| {
        json!({
            "events": searched.events,
            "of": searched.of,
            "back_to": searched.back_to.to_string(),
        })
    })
}

/// What a viewer's places are counted by.
fn holder(viewer: &Viewer) -> SecretHash {
    match viewer {
        Viewer::Account { session, .. } => *session,
        Viewer::Token(token) => token.hash,
    }
}
