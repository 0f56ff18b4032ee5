//! The fields of a submitted form: urlencoded, multipart or JSON.
//!
//! Read on sign-in routes only. Of all fields the user name alone is ever kept; the rest, the
//! password among it, is overwritten when the form is dropped.

use percent_encoding::percent_decode;
use serde_json::Value;

use super::pair::{split_once, unquoted};

/// How deep a JSON form is read (`{"variables":{"input":{"email":…}}}`).
const DEPTH: usize = 4;

/// Fields of one form that are read. Of one with more none counts, for the panel may read the last.
const MAX_FIELDS: usize = 256;

/// Name and value of each field, in order; nested JSON names are joined by dots.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// `whole`: the body has ended; without it the last field may be cut and does not count.
    pub(crate) fn read(content_type: Option<&[u8]>, body: &[u8], whole: bool) -> Self {
        let content_type = content_type.unwrap_or_default();
        let kind = content_type
            .split(|b| *b == b';')
            .next()
            .unwrap_or_default();
        let kind = kind.trim_ascii().to_ascii_lowercase();
        let mut form = Self::default();
        if is_json(&kind, body) {
            if let Ok(value) = serde_json::from_slice(body) {
                form.add_json("", value, DEPTH);
            }
        } else if kind == b"multipart/form-data" {
            if let Some(boundary) = boundary(content_type) {
                form.add_multipart(boundary, body);
            }
        } else {
            form.add_urlencoded(body, whole);
        }
        form
    }

    pub(crate) fn fields(&self) -> &[(String, String)] {
        if self.0.len() > MAX_FIELDS {
            return &[];
        }
        &self.0
    }

    fn add(&mut self, name: &[u8], value: Vec<u8>) {
        if self.0.len() <= MAX_FIELDS {
            let name = String::from_utf8_lossy(name).into_owned();
            let value = String::from_utf8(value)
                .unwrap_or_else(|bytes| admintrail_event::encode_bytes(bytes.as_bytes()));
            self.0.push((name, value));
        }
    }

    fn add_urlencoded(&mut self, body: &[u8], whole: bool) {
        let complete = match body.iter().rposition(|b| *b == b'&') {
            _ if whole => body,
            Some(end) => body.get(..end).unwrap_or_default(),
            None => return,
        };
        for pair in complete.split(|b| *b == b'&') {
            if let Some((name, value)) = split_once(pair, b'=') {
                self.add(&decoded(name), decoded(value));
            }
        }
    }

    fn add_multipart(&mut self, boundary: &[u8], body: &[u8]) {
        let delimiter = [b"--", boundary].concat();
        let mut parts = split_at_all(body, &delimiter);
        // A part counts only up to the delimiter that closes it; what follows the last is cut or
        // over, what stands before the first is no part.
        parts.pop();
        for part in parts.into_iter().skip(1) {
            if let Some((name, value)) = read_part(part) {
                self.add(name, value.to_vec());
            }
        }
    }

    fn add_json(&mut self, name: &str, value: Value, depth: usize) {
        let under = |key: &str| {
            if name.is_empty() {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            }
        };
        match value {
            Value::String(text) => self.add(name.as_bytes(), text.into_bytes()),
            Value::Number(number) => self.add(name.as_bytes(), number.to_string().into_bytes()),
            Value::Object(map) if depth > 0 => {
                for (key, value) in map {
                    self.add_json(&under(&key), value, depth - 1);
                }
            }
            Value::Array(items) if depth > 0 => {
                for item in items {
                    self.add_json(name, item, depth - 1);
                }
            }
            _ => {}
        }
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        for (_, value) in self.0.drain(..) {
            let mut bytes = value.into_bytes();
            bytes.fill(0);
            std::hint::black_box(&bytes);
        }
    }
}

/// Says JSON, or says nothing and looks like it.
fn is_json(kind: &[u8], body: &[u8]) -> bool {
    kind.ends_with(b"/json")
        || kind.ends_with(b"+json")
        || ((kind.is_empty() || kind == b"text/plain") && body.trim_ascii_start().starts_with(b"{"))
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    percent_decode(&spaced).collect()
}

fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    content_type
        .split(|b| *b == b';')
        .skip(1)
        .find_map(|parameter| {
            let value = unquoted(strip_prefix_ignore_case(
                parameter.trim_ascii(),
                b"boundary=",
            )?);
            (!value.is_empty() && value.len() <= 200).then_some(value)
        })
}

/// Name and value of a part that is no file.
fn read_part(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let part = part
        .strip_prefix(b"\r\n")
        .or_else(|| part.strip_prefix(b"\n"))?;
    let (head, value) = split_head(part)?;
    let disposition = head
        .split(|b| *b == b'\n')
        .find_map(|line| strip_prefix_ignore_case(line.trim_ascii(), b"content-disposition:"))?;
    let parameter = |wanted: &[u8]| {
        disposition
            .split(|b| *b == b';')
            .find_map(|piece| strip_prefix_ignore_case(piece.trim_ascii(), wanted).map(unquoted))
    };
    if parameter(b"filename=").is_some() || parameter(b"filename*=").is_some() {
        return None;
    }
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    Some((
        parameter(b"name=")?,
        value.strip_suffix(b"\r").unwrap_or(value),
    ))
}

fn split_head(part: &[u8]) -> Option<(&[u8], &[u8])> {
    [&b"\r\n\r\n"[..], b"\n\n"].iter().find_map(|blank| {
        let at = find(part, blank)?;
        Some((part.get(..at)?, part.get(at + blank.len()..)?))
    })
}

fn split_at_all<'a>(mut bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = find(bytes, delimiter) {
        let (Some(piece), Some(rest)) = (bytes.get(..at), bytes.get(at + delimiter.len()..)) else {
            break;
        };
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn strip_prefix_ignore_case<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use admintrail_event::Preset;
    use proptest::prelude::*;

    use super::*;

    const URLENCODED: &[u8] = b"application/x-www-form-urlencoded; charset=UTF-8";

    fn name(kind: &[u8], body: &str, whole: bool) -> Option<String> {
        let form = Form::read(Some(kind), body.as_bytes(), whole);
        let preset = Preset::built_in("generic").unwrap();
        preset.user_name_in(form.fields()).map(str::to_owned)
    }

    fn form(body: &str) -> Option<String> {
        name(URLENCODED, body, true)
    }

    fn json(body: &str) -> Option<String> {
        name(b"application/json", body, true)
    }

    #[test]
    fn urlencoded_forms_give_the_preferred_field() {
        let both = "csrf=1&login=Log+in&username=olena&password=x";
        assert_eq!(form(both).unwrap(), "olena");
        let contradictory = "csrf=1&email=o%40example.com&username=olena&password=x";
        assert_eq!(form(contradictory), None);
        assert_eq!(
            form("user%5Bemail%5D=o%40example.com&p=x").unwrap(),
            "o@example.com"
        );
        assert_eq!(form("LOGIN=+olena+b+&p=x").unwrap(), "olena b");
        assert_eq!(form("password=secret"), None);
    }

    #[test]
    fn a_field_cut_in_the_middle_does_not_count() {
        assert_eq!(name(URLENCODED, "username=ole", false), None);
        assert_eq!(
            name(URLENCODED, "username=olena&passw", false).unwrap(),
            "olena"
        );
    }

    #[test]
    fn multipart_forms_are_read_and_files_are_not() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsecret\r\n\
            --XX\r\ncontent-disposition: form-data; filename=\"username\"; name=\"username\"\r\n\
            \r\nfile\r\n--XX\r\nContent-Disposition: form-data; name=\"email\"\r\n\
            Content-Type: text/plain\r\n\r\nolena\r\n--XX--\r\n";
        let kind = b"multipart/form-data; boundary=\"XX\"";
        assert_eq!(name(kind, body, true).unwrap(), "olena");
        let cut = &body[..body.len() - 10];
        assert_eq!(name(kind, cut, false), None);
    }

    #[test]
    fn json_forms_may_nest_the_name() {
        assert_eq!(
            json(r#"{"email":"o@example.com","password":"x"}"#).unwrap(),
            "o@example.com"
        );
        assert_eq!(
            json(r#"{"variables":{"input":{"username":"olena"}}}"#).unwrap(),
            "olena"
        );
        assert_eq!(json(r#"{"username":{"$ne":null}}"#), None);
        assert_eq!(json("[1,2"), None);
        assert_eq!(
            name(b"", r#" {"username":"olena"}"#, true).unwrap(),
            "olena"
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_harm(
            body in prop::collection::vec(any::<u8>(), 0..300),
            kind in prop::sample::select(vec![
                "", "application/json", "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=a", "text/plain",
            ]),
            whole in any::<bool>(),
        ) {
            let _ = Form::read(Some(kind.as_bytes()), &body, whole);
        }

        #[test]
        fn what_was_typed_is_what_is_read(
            typed in "[a-zA-Z0-9@._-]{1,30}",
            before in "x[a-z]{1,8}",
            password in "[a-z0-9]{1,12}",
        ) {
            let body = format!("{before}=x&username={typed}&password={password}");
            prop_assert_eq!(form(&body), Some(typed.clone()));
            let body = serde_json::json!({
                "a": { before: "x", "username": typed.clone(), "password": password }
            });
            prop_assert_eq!(json(&body.to_string()), Some(typed));
        }
    }
}
