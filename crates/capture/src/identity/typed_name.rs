//! The name somebody typed into a sign-in form: urlencoded, multipart or JSON.
//!
//! Nothing else of the form is looked at, and the copy it is read from is overwritten after.

use admintrail_event::{Limits, clip, encode_bytes};
use percent_encoding::percent_decode;
use serde_json::Value;

/// How deep a JSON form may nest the name (`{"variables":{"input":{"email":…}}}`).
const DEPTH: usize = 3;

/// The typed name. `fields`: the preferred first. `whole`: the body has ended; without it the last
/// field may be cut in the middle and does not count.
pub(crate) fn typed_name(
    content_type: Option<&[u8]>,
    body: &[u8],
    whole: bool,
    fields: &[String],
) -> Option<String> {
    let content_type = content_type.unwrap_or_default();
    let kind = content_type
        .split(|b| *b == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let found = if is_json(kind, body) {
        whole.then(|| from_json(body, fields)).flatten()
    } else if kind.eq_ignore_ascii_case(b"multipart/form-data") {
        from_multipart(boundary(content_type)?, body, fields)
    } else {
        from_urlencoded(body, whole, fields)
    }?;
    let text = clip(encode_bytes(found.trim_ascii()), Limits::TEXT).0;
    (!text.is_empty()).then_some(text)
}

/// Says JSON, or says nothing and looks like it.
fn is_json(kind: &[u8], body: &[u8]) -> bool {
    let lower = kind.to_ascii_lowercase();
    lower.ends_with(b"/json")
        || lower.ends_with(b"+json")
        || ((lower.is_empty() || lower == b"text/plain")
            && body.trim_ascii_start().starts_with(b"{"))
}

/// The value of the most preferred field among those that were sent.
fn best<'a>(
    sent: impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a,
    fields: &[String],
) -> Option<Vec<u8>> {
    sent.filter(|(_, value)| !value.trim_ascii().is_empty())
        .filter_map(|(name, value)| Some((rank(&name, fields)?, value)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, value)| value)
}

/// Place in the order of preference. `user[email]` and `data[User][email]` read as `email`, but
/// come after a plain one.
fn rank(name: &[u8], fields: &[String]) -> Option<usize> {
    let place = |name: &[u8]| {
        fields
            .iter()
            .position(|f| f.as_bytes().eq_ignore_ascii_case(name))
    };
    place(name).map(|place| place * 2).or_else(|| {
        let inner = name.strip_suffix(b"]")?;
        let open = inner.iter().rposition(|b| *b == b'[')?;
        place(inner.get(open + 1..)?).map(|place| place * 2 + 1)
    })
}

fn from_urlencoded(body: &[u8], whole: bool, fields: &[String]) -> Option<Vec<u8>> {
    let complete = if whole {
        body
    } else {
        let end = body.iter().rposition(|b| *b == b'&')?;
        body.get(..end)?
    };
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect();
        percent_decode(&spaced).collect::<Vec<u8>>()
    };
    let pairs = complete.split(|b| *b == b'&').filter_map(|pair| {
        let equals = pair.iter().position(|b| *b == b'=')?;
        let name = decode(pair.get(..equals)?);
        // Only what may be the name is decoded; a password is passed over as it lies.
        rank(&name, fields)?;
        Some((name, decode(pair.get(equals + 1..)?)))
    });
    best(pairs, fields)
}

fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    content_type
        .split(|b| *b == b';')
        .skip(1)
        .find_map(|parameter| {
            let parameter = parameter.trim_ascii();
            let value = strip_prefix_ignore_case(parameter, b"boundary=")?;
            let value = value
                .strip_prefix(b"\"")
                .and_then(|v| v.strip_suffix(b"\""))
                .unwrap_or(value);
            (!value.is_empty() && value.len() <= 200).then_some(value)
        })
}

fn from_multipart(boundary: &[u8], body: &[u8], fields: &[String]) -> Option<Vec<u8>> {
    let delimiter = [b"--", boundary].concat();
    // A part counts only up to the delimiter that closes it: what follows the last is cut or over.
    let mut parts = split_at_all(body, &delimiter);
    parts.pop();
    let named = parts.into_iter().skip(1).filter_map(|part| {
        let part = part
            .strip_prefix(b"\r\n")
            .or_else(|| part.strip_prefix(b"\n"))?;
        let (head, value) = split_head(part)?;
        let disposition = head.split(|b| *b == b'\n').find_map(|line| {
            strip_prefix_ignore_case(line.trim_ascii(), b"content-disposition:")
        })?;
        let parameter = |wanted: &[u8]| {
            disposition.split(|b| *b == b';').find_map(|piece| {
                let value = strip_prefix_ignore_case(piece.trim_ascii(), wanted)?;
                Some(
                    value
                        .strip_prefix(b"\"")
                        .and_then(|v| v.strip_suffix(b"\""))
                        .unwrap_or(value)
                        .to_vec(),
                )
            })
        };
        if parameter(b"filename=").is_some() {
            return None;
        }
        let name = parameter(b"name=")?;
        rank(&name, fields)?;
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        Some((name, value.strip_suffix(b"\r").unwrap_or(value).to_vec()))
    });
    best(named, fields)
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

fn from_json(body: &[u8], fields: &[String]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let mut level = vec![&value];
    for _ in 0..=DEPTH {
        let here = level.iter().filter_map(|value| value.as_object()).flatten();
        let texts = here.filter_map(|(name, value)| {
            Some((
                name.as_bytes().to_vec(),
                value.as_str()?.as_bytes().to_vec(),
            ))
        });
        if let Some(found) = best(texts, fields) {
            return Some(found);
        }
        level = level
            .iter()
            .flat_map(|value| match value {
                Value::Object(map) => map.values().collect::<Vec<_>>(),
                Value::Array(items) => items.iter().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> Vec<String> {
        ["username", "email", "login"].map(str::to_owned).to_vec()
    }

    fn form(body: &str) -> Option<String> {
        let kind = b"application/x-www-form-urlencoded; charset=UTF-8";
        typed_name(Some(kind), body.as_bytes(), true, &fields())
    }

    fn json(body: &str) -> Option<String> {
        typed_name(Some(b"application/json"), body.as_bytes(), true, &fields())
    }

    #[test]
    fn urlencoded_forms_give_the_preferred_field() {
        assert_eq!(
            form("csrf=1&email=o%40example.com&username=olena&password=x").unwrap(),
            "olena"
        );
        assert_eq!(
            form("user%5Bemail%5D=o%40example.com&p=x").unwrap(),
            "o@example.com"
        );
        assert_eq!(form("LOGIN=+olena+b+&p=x").unwrap(), "olena b");
        assert_eq!(form("password=secret"), None);
        assert_eq!(form("username=&email=b"), Some("b".to_owned()));
    }

    #[test]
    fn a_field_cut_in_the_middle_does_not_count() {
        let kind = Some(&b"application/x-www-form-urlencoded"[..]);
        assert_eq!(typed_name(kind, b"username=ole", false, &fields()), None);
        assert_eq!(
            typed_name(kind, b"username=olena&passw", false, &fields()).unwrap(),
            "olena"
        );
    }

    #[test]
    fn multipart_forms_are_read_and_files_are_not() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsecret\r\n\
                    --XX\r\ncontent-disposition: form-data; filename=\"username\"; name=\"email\"\r\n\r\nfile\r\n\
                    --XX\r\nContent-Disposition: form-data; name=\"username\"\r\nContent-Type: text/plain\r\n\r\nolena\r\n--XX--\r\n";
        let kind = Some(&b"multipart/form-data; boundary=\"XX\""[..]);
        assert_eq!(
            typed_name(kind, body.as_bytes(), true, &fields()).unwrap(),
            "olena"
        );
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
    }

    #[test]
    fn hostile_names_are_made_safe() {
        assert_eq!(form("username=a%0Ab%00c").unwrap(), "a%0Ab%00c");
        assert!(
            form(&format!("username={}", "x".repeat(9_000)))
                .unwrap()
                .len()
                <= Limits::TEXT
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_harm(
            body in prop::collection::vec(any::<u8>(), 0..300),
            kind in prop::sample::select(vec!["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"]),
            whole in any::<bool>(),
        ) {
            let _ = typed_name(Some(kind.as_bytes()), &body, whole, &fields());
        }

        #[test]
        fn what_was_typed_is_what_is_read(name in "[a-zA-Z0-9@._-]{1,30}", before in "[a-z]{1,8}", password in "[a-z0-9]{1,12}") {
            prop_assume!(rank(before.as_bytes(), &fields()).is_none());
            let body = format!("{before}=x&username={name}&password={password}");
            prop_assert_eq!(form(&body), Some(name.clone()));
            let body = serde_json::json!({ "a": { before: "x", "username": name.clone(), "password": password } });
            prop_assert_eq!(json(&body.to_string()), Some(name));
        }
    }
}
