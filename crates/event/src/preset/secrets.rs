//! Redaction: what must never be written down, cut out of paths and queries.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::ids::is_jwt;
use super::normal::{
    REDACTED, Segment, decode_fully, decoded_segments, normal_form, replace_ranges,
    split_before_decoding,
};
use super::pattern::{Piece, RoutePattern};
use super::words::Parts;

/// Names of secret parameters, compared without case, `-` and `_`.
const SECRET_NAMES: &[&str] = &[
    "assertion",
    "auth",
    "backupcode",
    "bearer",
    "code",
    "cvc",
    "cvv",
    "hmac",
    "key",
    "mfacode",
    "nonce",
    "otp",
    "otpcode",
    "pass",
    "phpsessid",
    "pin",
    "pw",
    "pwd",
    "recoverycode",
    "samlrequest",
    "samlresponse",
    "sess",
    "session",
    "sid",
    "sig",
    "smscode",
    "ticket",
    "totp",
    "totpcode",
    "verificationcode",
];

/// A name that has one of these among its words is secret (`user_pass`, `pass2`, `login-otp`).
const SECRET_WORDS: &[&str] = &["otp", "pass", "pin", "pwd", "sid", "sig"];

/// A name that contains one of these is secret whatever else it says (`new_password1`).
const SECRET_PARTS: &[&str] = &[
    "accesskey",
    "apikey",
    "authcode",
    "authkey",
    "authorization",
    "cardnumber",
    "credential",
    "creditcard",
    "csrf",
    "encryptionkey",
    "jwt",
    "licensekey",
    "masterkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessid",
    "sessionid",
    "sharedkey",
    "signature",
    "signingkey",
    "subscriptionkey",
    "token",
    "xsrf",
];

/// What would end a value, or be decoded again.
const VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?');

/// The secrets of a panel; the built-in names apply to every one.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets {
    /// Names of parameters, normalised.
    pub(super) names: Vec<String>,
    /// Runs of segments, found anywhere in a path; each placeholder is a secret.
    segments: Vec<RoutePattern>,
    /// A bit for each text that a run begins with: most segments of most paths begin none.
    beginnings: u64,
}

/// The bit of a segment among the beginnings of runs.
fn beginning(text: &str) -> u64 {
    let first = text.bytes().next().unwrap_or(0).to_ascii_lowercase();
    1 << ((usize::from(first) * 7 + text.len()) % 64)
}

/// [`SECRET_PARTS`], ready to be looked for.
static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts::new(SECRET_PARTS.iter().copied()));

/// Whether one of the words of a name, the digits after it aside, is a secret one.
fn has_secret_word(name: &str) -> bool {
    name.split(['-', '_', ' ', '+']).any(|word| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        SECRET_WORDS
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(word))
    })
}

/// A name as names are compared.
pub(super) fn plain_name(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' ' | '+' | '\0'))
        .flat_map(char::to_lowercase)
        .collect()
}

impl Secrets {
    /// Adds a run of segments; it begins with a text.
    pub(super) fn add_segments(&mut self, run: RoutePattern) {
        self.beginnings |= run.first_literal().map_or(0, beginning);
        self.segments.push(run);
    }

    /// The query with the values of secret parameters replaced.
    pub(super) fn redact_query(&self, query: &str) -> String {
        let mut out = String::with_capacity(query.len());
        let mut rest = query;
        loop {
            let end = rest.find(['&', ';']).unwrap_or(rest.len());
            let (pair, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.push_pair(pair, &mut out);
            let mut others = after.chars();
            let Some(separator) = others.next() else {
                return out;
            };
            out.push(separator);
            rest = others.as_str();
        }
    }

    fn push_pair(&self, pair: &str, out: &mut String) {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        };
        match value {
            Some("") => {
                self.push_text(name, out);
                out.push('=');
            }
            Some(_) if self.is_secret_name(name) => {
                out.push_str(name);
                out.push('=');
                out.push_str(REDACTED);
            }
            Some(value) => {
                // The name itself may hide a pair: `a%3Db%26password`.
                self.push_text(name, out);
                out.push('=');
                self.push_text(value, out);
            }
            None => self.push_text(name, out),
        }
    }

    /// A text as it is, unless something in it is secret once decoded.
    fn push_text(&self, raw: &str, out: &mut String) {
        let suspicious = raw
            .bytes()
            .any(|byte| matches!(byte, b'%' | b'=' | b'/' | b'{' | b'@'))
            || is_jwt(raw);
        if suspicious && let Some(clean) = self.redact_nested(&decode_fully(raw)) {
            out.extend(utf8_percent_encode(&clean, VALUE));
        } else {
            out.push_str(raw);
        }
    }

    /// A decoded value without its secrets; `None` if it has none.
    fn redact_nested(&self, text: &str) -> Option<String> {
        if self.has_secret_member(text) {
            return Some(REDACTED.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(['?', '&', ';', '#', ' ', '\n']) {
            let body = piece.trim_end_matches(['?', '&', ';', '#', ' ', '\n']);
            let separator = piece.get(body.len()..).unwrap_or("");
            match body.split_once('=') {
                Some((name, value)) if !value.is_empty() && self.is_secret_name(name) => {
                    out.push_str(name);
                    out.push('=');
                    out.push_str(REDACTED);
                }
                _ if is_jwt(body) => out.push_str(REDACTED),
                _ => out.push_str(&self.redact_reference(body)),
            }
            out.push_str(separator);
        }
        (out != text).then_some(out)
    }

    /// Whether a JSON-like text has a member of a secret name: `{"password":"x"}`, `{pin:1}`.
    fn has_secret_member(&self, text: &str) -> bool {
        text.contains(['{', '"', '\''])
            && text.match_indices(':').any(|(at, _)| {
                let before = text.get(..at).unwrap_or("").trim_end();
                let bare = before.trim_end_matches(['"', '\'', '\\']);
                let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
                let name = bare.rsplit(ends).next().unwrap_or("");
                let lead = bare.get(..bare.len() - name.len()).unwrap_or("").trim_end();
                // A word of our own filter language (`session:77f0`) is none.
                let member = bare.len() < before.len() || lead.ends_with(['{', ',']);
                member && self.is_secret_name(name)
            })
    }

    /// A URL or path inside a value, without credentials and secret segments.
    fn redact_reference(&self, text: &str) -> String {
        let clean = if text.contains('/') {
            self.redact_segments(text)
        } else {
            Cow::Borrowed(text)
        };
        let Some((scheme, rest)) = clean.split_once("//") else {
            return clean.into_owned();
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        match authority.rsplit_once('@') {
            Some((credentials, host)) if credentials.contains(':') => {
                format!("{scheme}//{REDACTED}@{host}{path}")
            }
            _ => clean.into_owned(),
        }
    }

    /// The path with secret segments, and secret `;parameters`, replaced.
    pub(super) fn redact_path(&self, path: &str) -> String {
        // What follows a `?` or `#` that got into a path is no path.
        if let Some(at) = path.find(['?', '#']) {
            let (path, query) = path.split_at(at);
            let mut characters = query.chars();
            let mark = characters.next().map(String::from).unwrap_or_default();
            let query = self.redact_query(characters.as_str());
            return format!("{}{mark}{query}", self.redact_path(path));
        }
        self.redact_segments(path).into_owned()
    }

    /// [`Self::redact_path`]; the path itself if there is no secret in it.
    pub(super) fn without_secrets(&self, path: String) -> String {
        if path.contains(['?', '#']) {
            return self.redact_path(&path);
        }
        match self.redact_segments(&path) {
            Cow::Borrowed(_) => path,
            Cow::Owned(redacted) => redacted,
        }
    }

    fn redact_segments<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let ranges = self.ranges(path, &normal_form(path));
        if ranges.is_empty() {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(replace_ranges(path, ranges))
        }
    }

    /// The bytes of a path that are secret, whichever way a server splits it.
    pub(super) fn ranges(&self, path: &str, segments: &[Segment<'_>]) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        self.add_ranges(segments, &mut ranges);
        if path
            .bytes()
            .any(|byte| matches!(byte, b'%' | b'\\' | b';' | b'='))
            || path.contains("..")
        {
            self.add_ranges(&decoded_segments(path), &mut ranges);
            self.add_ranges(&split_before_decoding(path), &mut ranges);
            self.add_pairs(path, &mut ranges);
        }
        ranges
    }

    fn add_ranges(&self, segments: &[Segment<'_>], ranges: &mut Vec<Range<usize>>) {
        for (at, segment) in segments.iter().enumerate() {
            if is_jwt(&segment.text) {
                ranges.push(segment.raw.clone());
            }
            if self.beginnings & beginning(&segment.text) == 0 {
                continue;
            }
            let rest = segments.get(at..).unwrap_or_default();
            for pattern in self.segments.iter().filter(|pattern| pattern.fits(rest)) {
                let secret = pattern
                    .pieces()
                    .iter()
                    .zip(rest)
                    .filter(|(piece, _)| matches!(piece, Piece::Named { .. }));
                ranges.extend(secret.map(|(_, segment)| segment.raw.clone()));
            }
        }
    }

    /// Secret `name=value` pairs that stand in the path itself: the value of a `;name=value`
    /// parameter (`/cart;jsessionid=1A2B`), the whole segment where it is written otherwise.
    fn add_pairs(&self, path: &str, ranges: &mut Vec<Range<usize>>) {
        let mut start = 0;
        for word in path.split(['/', ';']) {
            let raw = start..start + word.len();
            start = raw.end + 1;
            if let Some((name, value)) = word.split_once('=')
                && !word.contains('%')
                && self.is_secret_name(name)
            {
                ranges.push(raw.end - value.len()..raw.end);
            } else if word.contains(['=', '%']) && self.has_secret_pair(&decode_fully(word)) {
                ranges.push(raw);
            }
        }
        ranges.retain(|range| !range.is_empty());
    }

    fn has_secret_pair(&self, text: &str) -> bool {
        text.split([';', '?', '&', '#', '/'])
            .filter_map(|pair| pair.split_once('='))
            .any(|(name, value)| {
                !value.is_empty() && value != REDACTED && self.is_secret_name(name)
            })
    }

    /// Whether a parameter of this name, however written, is secret; of a nested name
    /// (`user[password]`, `a.b`, `/x?token`) each part counts.
    pub(super) fn is_secret_name(&self, raw: &str) -> bool {
        let name = decode_fully(raw);
        name.split(['[', ']', '.', '/', '?', ':', '"', '{', ',', '&', '=', ';'])
            .filter(|part| !part.is_empty())
            .any(|part| {
                let plain = plain_name(part);
                SECRET_NAMES.binary_search(&plain.as_str()).is_ok()
                    || has_secret_word(part)
                    || PARTS.any_in(&plain)
                    || self.names.contains(&plain)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_the_form_in_which_names_are_compared() {
        assert!(SECRET_NAMES.is_sorted());
        assert!(
            SECRET_NAMES
                .iter()
                .chain(SECRET_PARTS)
                .all(|name| plain_name(name) == **name)
        );
    }
}
