//! Which segments of a path name one thing among many.

/// Whether a segment reads like an id: a number, UUID, ULID, long hexadecimal or random text, or
/// an e-mail address.
pub(super) fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return is_address(segment);
    }
    if digits == bytes.len() {
        return true;
    }
    is_uuid(bytes)
        || is_long_hex(bytes)
        || is_ulid(bytes)
        || is_random(bytes)
        || is_prefixed(bytes)
        || is_date(bytes)
        || is_address(segment)
}

/// Whether a segment reads like a secret somebody was sent: long and unlike a word.
pub(super) fn is_token(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    // A slash can only be an encoded one here.
    let plain = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~=:+/".contains(byte));
    let mixed = bytes.iter().any(u8::is_ascii_digit)
        || (bytes.iter().any(u8::is_ascii_uppercase) && bytes.iter().any(u8::is_ascii_lowercase));
    bytes.len() >= 12 && plain && mixed
}

/// Whether it reads like a JSON web token: three dotted parts, the first `{"` in base64.
pub(super) fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ")
        && text.len() >= 20
        && text.bytes().filter(|byte| *byte == b'.').count() >= 2
}

/// The segment without a short extension (`4711.json`), and the extension with its dot.
pub(super) fn without_extension(segment: &str) -> (&str, &str) {
    match segment.rfind('.') {
        Some(dot) if dot > 0 => {
            let (stem, extension) = segment.split_at_checked(dot).unwrap_or((segment, ""));
            let short = (2..=6).contains(&extension.len());
            let plain = extension
                .bytes()
                .skip(1)
                .all(|byte| byte.is_ascii_alphanumeric());
            let lettered = extension.bytes().any(|byte| byte.is_ascii_alphabetic());
            if short && plain && lettered {
                (stem, extension)
            } else {
                (segment, "")
            }
        }
        _ => (segment, ""),
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_long_hex(bytes: &[u8]) -> bool {
    bytes.len() >= 12 && bytes.iter().all(u8::is_ascii_hexdigit)
}

/// 26 digits of Crockford's base 32, the first at most 7.
fn is_ulid(bytes: &[u8]) -> bool {
    bytes.len() == 26
        && matches!(bytes.first(), Some(b'0'..=b'7'))
        && bytes.iter().all(|byte| {
            let upper = byte.to_ascii_uppercase();
            upper.is_ascii_alphanumeric() && !b"ILOU".contains(&upper)
        })
}

fn is_random(bytes: &[u8]) -> bool {
    bytes.len() >= 20
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        && bytes.iter().any(u8::is_ascii_uppercase)
        && bytes.iter().any(u8::is_ascii_lowercase)
}

/// A kind and random text, as `cus_NffrFeUfNV2Hib`.
fn is_prefixed(bytes: &[u8]) -> bool {
    let Some(at) = bytes.iter().position(|byte| *byte == b'_') else {
        return false;
    };
    let Some((kind, [_, random @ ..])) = bytes.split_at_checked(at) else {
        return false;
    };
    (2..=8).contains(&kind.len())
        && kind.iter().all(u8::is_ascii_lowercase)
        && random.len() >= 10
        && random.iter().all(u8::is_ascii_alphanumeric)
        && random.iter().any(u8::is_ascii_uppercase)
        && random.iter().any(u8::is_ascii_lowercase)
        && random.iter().any(u8::is_ascii_digit)
}

/// A day or a month: `2026-11-24`, `2026-11`.
fn is_date(bytes: &[u8]) -> bool {
    let digits = |part: Option<&[u8]>, length: usize| {
        part.is_some_and(|part| part.len() == length && part.iter().all(u8::is_ascii_digit))
    };
    matches!(bytes.len(), 7 | 10)
        && digits(bytes.get(..4), 4)
        && bytes.get(4) == Some(&b'-')
        && digits(bytes.get(5..7), 2)
        && (bytes.len() == 7 || (bytes.get(7) == Some(&b'-') && digits(bytes.get(8..), 2)))
}

fn is_address(segment: &str) -> bool {
    segment
        .split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_words() {
        for id in [
            "1",
            "4711",
            "3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11",
            "507f1f77bcf86cd799439011",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "V1StGXR8_Z5jdHi6B-myT",
            "olena@example.org",
            "2026-11-24",
            "2026-11",
            "cus_NffrFeUfNV2Hib",
        ] {
            assert!(is_id(id), "{id}");
        }
        for word in [
            "v2",
            "clients",
            "2fa",
            "utf8",
            "add",
            "deadbeefcafe",
            "admin-sessions",
            "x@y",
            "log4j",
            "dns_zone",
            "my_OAuth2App",
            "2026-q4",
        ] {
            assert!(!is_id(word), "{word}");
        }
    }

    #[test]
    fn extensions_are_short() {
        assert_eq!(without_extension("4711.json"), ("4711", ".json"));
        assert_eq!(without_extension("index.php"), ("index", ".php"));
        assert_eq!(without_extension(".env"), (".env", ""));
        assert_eq!(without_extension("10.0.0.1"), ("10.0.0.1", ""));
        assert_eq!(
            without_extension("a.b@example.organisation"),
            ("a.b@example.organisation", "")
        );
    }

    #[test]
    fn tokens_are_long_and_unlike_words() {
        assert!(is_token("c5l8x7-3a2b9c0d1e2f3a4b5c6d7e8f9a0b1c2d"));
        assert!(is_token("aGVsbG9Xb3JsZA=="));
        assert!(!is_token("set-password") && !is_token("confirmation") && !is_token("5"));
        assert!(is_jwt("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"));
    }
}
