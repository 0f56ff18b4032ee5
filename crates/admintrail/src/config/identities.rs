//! How tokens come to a panel, and whose tokens and basic users are.

use std::sync::Arc;

use admintrail_capture::{Named, TokenRules};
use admintrail_event::{Limits, Preset, SessionHash, clip, encode_bytes};

use super::given::{Given, Raw};
use super::origin::Origin;
use super::section::Section;

/// Reads `token_headers`, `token_parameter` and every `[[panel.identity]]`. The parameter is
/// redacted from then on.
pub(super) fn tokens(section: &mut Section<'_>, preset: Option<&mut Arc<Preset>>) -> TokenRules {
    let mut rules = TokenRules {
        headers: section.headers("token_headers"),
        ..TokenRules::default()
    };
    let parameter = section.parsed("token_parameter", |text| {
        if text.is_empty()
            || text
                .chars()
                .any(|c| c.is_whitespace() || "&=#?".contains(c))
        {
            return Err(format!(
                "{text:?} is not the name of a query parameter such as api_key"
            ));
        }
        Ok(text.to_owned())
    });
    if let Some((name, _)) = parameter {
        if let Some(preset) = preset {
            *preset = Arc::new(preset.with_secret_parameter(&name));
        }
        rules.parameter = Some(name);
    }
    for given in section.take_all("identity") {
        match given.raw {
            Raw::List(items) => items
                .into_iter()
                .for_each(|one| identity(section, one, &mut rules)),
            other => section.wrong(
                &given.origin,
                "identity",
                format!(
                    "is {}; write [[panel.identity]], with two brackets, above each",
                    other.kind()
                ),
            ),
        }
    }
    rules
}

/// What an admin is known by.
enum Key {
    Fingerprint(SessionHash),
    Digest([u8; 32]),
    User(String),
}

fn identity(section: &mut Section<'_>, given: Given, rules: &mut TokenRules) {
    let Raw::Table(entries) = given.raw else {
        section.wrong(
            &given.origin,
            "identity",
            format!(
                "is {}; write [[panel.identity]] above each",
                given.raw.kind()
            ),
        );
        return;
    };
    let origin = given.origin.clone();
    let mut table = section.below("identity", entries, given.origin);
    let (keys, wrong) = keys(&mut table);
    let has_admin = table.has("admin");
    let admin = name(&mut table, "admin");
    let admin_name = name(&mut table, "name");
    if !has_admin {
        table.wrong(
            &origin,
            "admin",
            "is missing; write whose it is, e.g. admin = \"ci-bot\"",
        );
    }
    if keys.len() != 1 && !wrong {
        let message =
            "needs exactly one of fingerprint, token_sha256 and basic_user, to know it by";
        table.wrong(&origin, "", message);
    }
    let (Some(admin), [(key, at)]) = (admin, keys.as_slice()) else {
        table.finish();
        return;
    };
    let named = Named { admin, admin_name };
    let before = match key {
        Key::Fingerprint(hash) => rules.named.insert(*hash, named),
        Key::Digest(digest) => rules.named_digests.insert(*digest, named),
        Key::User(user) => rules.named_users.insert(user.clone(), named),
    };
    if before.is_some() {
        let message = "is the same as of another identity of this panel; write it once";
        table.wrong(at, key.word(), message);
    }
    table.finish();
}

/// The keys, and whether one of them was wrong.
fn keys(table: &mut Section<'_>) -> (Vec<(Key, Origin)>, bool) {
    let mut keys = Vec::new();
    let given = ["fingerprint", "token_sha256", "basic_user"]
        .iter()
        .filter(|key| table.has(key))
        .count();
    let mut hash = None;
    if let Some((_, at)) = table.parsed("fingerprint", |text| {
        let read = text.parse::<SessionHash>();
        hash = read.as_ref().ok().copied();
        read.map_err(|_| {
            "is not a fingerprint; copy the 32 hexadecimal digits that an event shows as its \
             session"
                .to_owned()
        })
    }) {
        keys.extend(hash.map(|hash| (Key::Fingerprint(hash), at)));
    }
    let mut digest = None;
    if let Some((_, at)) = table.parsed("token_sha256", |text| {
        digest = read_digest(text);
        digest.map(|_| text.to_owned()).ok_or_else(|| {
            "is not a SHA-256; `printf %s \"$TOKEN\" | sha256sum` prints its 64 hexadecimal digits"
                .to_owned()
        })
    }) {
        keys.extend(digest.map(|digest| (Key::Digest(digest), at)));
    }
    if let Some((user, at)) = table.text("basic_user") {
        if user.contains(':') {
            table.wrong(&at, "basic_user", "has a colon; write the user name alone");
        } else {
            keys.push((Key::User(safe(&user)), at));
        }
    }
    let wrong = keys.len() < given;
    (keys, wrong)
}

impl Key {
    const fn word(&self) -> &'static str {
        match self {
            Self::Fingerprint(_) => "fingerprint",
            Self::Digest(_) => "token_sha256",
            Self::User(_) => "basic_user",
        }
    }
}

fn name(table: &mut Section<'_>, key: &'static str) -> Option<String> {
    let (text, _) = table.parsed(key, |text| {
        if text.trim().is_empty() {
            Err("is empty".to_owned())
        } else {
            Ok(safe(text.trim()))
        }
    })?;
    Some(text)
}

/// As events carry it.
fn safe(text: &str) -> String {
    clip(encode_bytes(text.as_bytes()), Limits::TEXT).0
}

fn read_digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}
