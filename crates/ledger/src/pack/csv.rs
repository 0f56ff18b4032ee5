//! `events.csv`: the events for people with a spreadsheet.
//!
//! Both programs that check a pack write the same lines anew and compare them byte by byte, so its
//! form is as fixed as that of the rows: a byte order mark and the names first, cells in quotes, null
//! as an empty cell without quotes, moments as RFC 3339, lines ended by CRLF (RFC 4180).

use std::borrow::Cow;

use admintrail_event::Micros;

use super::fields::{NAMES, Texts};

/// The moments that are written out: the years 1 to 9998. Others stay numbers.
const MOMENTS: std::ops::Range<i64> = -62_135_596_800_000_000..253_370_764_800_000_000;

/// What a spreadsheet takes for the beginning of a formula; with an apostrophe before it, it is text
/// (OWASP, CSV injection).
const FORMULA: &str = "=+-@\t\r\n\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}";

/// The first line.
pub(super) fn header() -> String {
    format!("\u{feff}{}\r\n", NAMES.join(","))
}

/// The line of an event, appended.
pub(super) fn push_line(out: &mut String, texts: &Texts<'_>) {
    for (at, (name, text)) in texts.named().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let Some(text) = text else {
            continue;
        };
        let text = match name {
            "time" | "received" => moment(text),
            _ => Cow::Borrowed(text),
        };
        out.push('"');
        if text.starts_with(|first| FORMULA.contains(first)) {
            out.push('\'');
        }
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}

fn moment(text: &str) -> Cow<'_, str> {
    match text.parse() {
        Ok(micros) if MOMENTS.contains(&micros) => Cow::Owned(Micros(micros).to_string()),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::testing::{accepted, workload};
    use admintrail_event::{CanonicalFields, LogId};

    #[test]
    fn null_is_empty_an_empty_text_quoted_and_no_cell_a_formula() {
        let mut event = accepted(workload(3, 1).next().unwrap(), LogId([7; 16]), 1);
        event.draft.admin = None;
        event.draft.admin_name = Some(String::new());
        event.draft.object = Some("=1+\"1\"".into());
        event.draft.time = Micros(0);
        event.received = Micros(i64::MIN);
        let canonical = CanonicalFields::from(&event).to_bytes();
        let mut line = String::new();
        push_line(&mut line, &Texts::of(&canonical).unwrap());
        assert!(line.contains(",,\"\","), "{line}");
        assert!(line.contains(",\"'=1+\"\"1\"\"\","), "{line}");
        assert!(
            line.contains("\"1970-01-01T00:00:00.000000Z\",\"'-9223372036854775808\""),
            "{line}"
        );
        assert!(line.ends_with("\"\r\n") || line.ends_with(",\r\n"));
        assert_eq!(header().matches(',').count(), 39);
    }

    #[test]
    fn moments_are_written_out_as_far_as_every_language_can() {
        for (micros, shown) in [
            (MOMENTS.start, "0001-01-01T00:00:00.000000Z"),
            (MOMENTS.end - 1, "9998-12-31T23:59:59.999999Z"),
            (MOMENTS.end, "253370764800000000"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(moment(&micros.to_string()), shown);
        }
    }
}
