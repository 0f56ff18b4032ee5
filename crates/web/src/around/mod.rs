//! What stands around every handler, from the outside in: answering (ids, errors, headers),
//! naming who asks, refusing other sites, refusing who may not.

mod answer;
mod gate;
mod headers;
mod identify;
mod same_origin;

pub(crate) use answer::{answer, catch};
pub(crate) use gate::{Gates, gate};
pub(crate) use identify::identify;
pub(crate) use same_origin::same_origin;

use http::{HeaderMap, header};

/// Whether the caller reads JSON rather than pages.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("json") && !accept.contains("text/html")
}
