//! Writes events as NDJSON, to import: `ndjson COUNT [export|foreign]`.
//!
//! `export` (the default) is what `admintrail export` writes; `foreign` is what another program
//! might: few fields, no id and no panel.

use std::io::{self, BufWriter, Write};

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{Draft, Event, EventJson, LogId};
use serde_json::{Map, Value, json};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (count, foreign) = match words.as_slice() {
        [count] | [count, "export"] => (count.parse()?, false),
        [count, "foreign"] => (count.parse()?, true),
        _ => return Err("usage: ndjson COUNT [export|foreign]".into()),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let log = LogId([7; 16]);
    for (seq, draft) in (1..).zip(workload(1, count)) {
        if foreign {
            serde_json::to_writer(&mut out, &said_of(&draft))?;
        } else {
            let event: Event = accepted(draft, log, seq);
            serde_json::to_writer(&mut out, &EventJson(&event))?;
        }
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// What a program that knows little says of a request.
fn said_of(draft: &Draft) -> Map<String, Value> {
    let fields = [
        ("time", json!(draft.time.to_string())),
        ("admin", json!(draft.admin)),
        ("ip", json!(draft.ip.map(|ip| ip.to_string()))),
        ("method", json!(draft.method)),
        ("path", json!(draft.path)),
        ("query", json!(draft.query)),
        ("status", json!(draft.status)),
        ("user_agent", json!(draft.user_agent)),
    ];
    let known = fields.into_iter().filter(|(_, value)| !value.is_null());
    known
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
