//! Events as CSV: every field a column, every cell safe to open in a spreadsheet.

use std::borrow::Cow;

use admintrail_event::Event;

type Cell = fn(&Event) -> Option<Cow<'_, str>>;

fn text(value: Option<&String>) -> Option<Cow<'_, str>> {
    value.map(|value| Cow::Borrowed(value.as_str()))
}

fn shown(value: Option<impl ToString>) -> Option<Cow<'static, str>> {
    value.map(|value| Cow::Owned(value.to_string()))
}

/// The columns, named as in JSON, in the order of DESIGN section 2.
pub(crate) const COLUMNS: &[(&str, Cell)] = &[
    ("id", |e| shown(Some(e.draft.id))),
    ("log", |e| shown(Some(e.log))),
    ("seq", |e| shown(Some(e.seq))),
    ("kind", |e| Some(Cow::Borrowed(e.draft.kind.as_str()))),
    ("count", |e| shown(e.draft.count)),
    ("time", |e| shown(Some(e.draft.time))),
    ("received", |e| shown(Some(e.received))),
    ("panel", |e| Some(Cow::Borrowed(e.draft.panel.as_str()))),
    ("recorder", |e| text(Some(&e.draft.recorder))),
    ("recorder_epoch", |e| shown(Some(e.draft.recorder_epoch))),
    ("recorder_seq", |e| shown(Some(e.draft.recorder_seq))),
    ("admin", |e| text(e.draft.admin.as_ref())),
    ("admin_name", |e| text(e.draft.admin_name.as_ref())),
    ("known_by", |e| {
        Some(Cow::Borrowed(e.draft.known_by.as_str()))
    }),
    ("attempted", |e| text(e.draft.attempted.as_ref())),
    ("acting_as", |e| text(e.draft.acting_as.as_ref())),
    ("ip", |e| shown(e.draft.ip)),
    ("user_agent", |e| text(e.draft.user_agent.as_ref())),
    ("session", |e| shown(e.draft.session)),
    ("type", |e| {
        Some(Cow::Borrowed(e.draft.request_type.as_str()))
    }),
    ("method", |e| text(Some(&e.draft.method))),
    ("scheme", |e| text(e.draft.scheme.as_ref())),
    ("host", |e| text(e.draft.host.as_ref())),
    ("path", |e| text(Some(&e.draft.path))),
    ("query", |e| text(e.draft.query.as_ref())),
    ("route", |e| text(e.draft.route.as_ref())),
    ("action", |e| text(Some(&e.draft.action))),
    ("object", |e| text(e.draft.object.as_ref())),
    ("status", |e| shown(e.draft.status)),
    ("outcome", |e| Some(Cow::Borrowed(e.draft.outcome.as_str()))),
    ("ending", |e| Some(Cow::Borrowed(e.draft.ending.as_str()))),
    ("duration_us", |e| shown(e.draft.duration_us)),
    ("request_bytes", |e| shown(e.draft.request_bytes)),
    ("response_bytes", |e| shown(e.draft.response_bytes)),
    ("asset", |e| shown(Some(e.draft.asset))),
    ("polling", |e| shown(Some(e.draft.polling))),
    ("first", |e| {
        Some(Cow::Owned(e.first.names().collect::<Vec<_>>().join(" ")))
    }),
    ("path_bytes", |e| shown(e.draft.path_bytes)),
    ("query_bytes", |e| shown(e.draft.query_bytes)),
    ("agent_bytes", |e| shown(e.draft.agent_bytes)),
];

/// The first line of a file, with its line end.
pub(super) fn csv_header() -> std::io::Result<Vec<u8>> {
    lines(|writer| writer.write_record(COLUMNS.iter().map(|(name, _)| name)))
}

/// One line an event.
pub(super) fn csv_lines(events: &[Event]) -> std::io::Result<Vec<u8>> {
    lines(|writer| events.iter().try_for_each(|event| row(writer, event)))
}

/// RFC 4180: lines end in CRLF.
fn lines(
    write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    write(&mut writer)?;
    writer
        .into_inner()
        .map_err(|error| std::io::Error::other(error.to_string()))
}

fn row(writer: &mut csv::Writer<Vec<u8>>, event: &Event) -> csv::Result<()> {
    for (_, cell) in COLUMNS {
        let value = cell(event).unwrap_or_default();
        writer.write_field(safe(&value).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)
}

/// A spreadsheet runs a cell that begins so; an apostrophe before it makes it text
/// (OWASP, CSV injection). NDJSON stays exact for whoever needs the bytes.
pub(crate) fn safe(value: &str) -> Cow<'_, str> {
    let first = value.chars().next();
    if first.is_some_and(|c| "=+-@\t\r\n\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(c)) {
        Cow::Owned(format!("'{value}"))
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cell_is_text_whatever_is_in_it(value in any::<String>()) {
            let cell = safe(&value);
            let starts = |c: char| cell.starts_with(c);
            prop_assert!(!"=+-@\t\r\n".chars().any(starts), "{cell:?}");
            prop_assert!(cell.ends_with(&*value), "nothing of it is lost");
        }
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        for lead in ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"] {
            let cell = format!("{lead}1+1");
            assert_eq!(safe(&cell), format!("'{cell}"));
        }
        for plain in ["", "/path?a=b", "a=1", "'=1", "1-2"] {
            assert_eq!(safe(plain), plain);
        }
    }
}
