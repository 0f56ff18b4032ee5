//! Tried names of failed sign-ins: people type passwords into the name field.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Limits, SessionHash, clip, encode_text, fold};

/// Which tried names are kept as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttemptedNames {
    /// Known admins and names that attackers try; any other becomes its length and a fingerprint.
    #[default]
    Known,
    /// Every name.
    All,
}

/// Names that attackers try first; nobody's password, so they may be shown.
const TRIED_BY_ATTACKERS: &[&str] = &[
    "admin",
    "admin1",
    "admin123",
    "administrator",
    "administrador",
    "ansible",
    "apache",
    "backup",
    "cisco",
    "default",
    "demo",
    "deploy",
    "dev",
    "developer",
    "django",
    "docker",
    "ec2-user",
    "elastic",
    "ftp",
    "ftpuser",
    "git",
    "gitlab",
    "grafana",
    "guest",
    "hadoop",
    "help",
    "helpdesk",
    "info",
    "jenkins",
    "kibana",
    "ldap",
    "login",
    "mail",
    "manager",
    "master",
    "minecraft",
    "mysql",
    "nagios",
    "nginx",
    "nobody",
    "office",
    "operator",
    "oracle",
    "owner",
    "pi",
    "postgres",
    "postmaster",
    "redis",
    "root",
    "sa",
    "sales",
    "service",
    "staff",
    "steam",
    "student",
    "super",
    "superadmin",
    "superuser",
    "support",
    "sys",
    "sysadmin",
    "system",
    "teamspeak",
    "temp",
    "test",
    "test1",
    "tester",
    "testuser",
    "tomcat",
    "ubuntu",
    "user",
    "user1",
    "username",
    "vagrant",
    "web",
    "webadmin",
    "webmaster",
    "wordpress",
    "www",
    "www-data",
    "zabbix",
];

/// What the fingerprint of a refused token comes after.
const REFUSED_TOKEN: &str = "unknown token #";

/// A field that was sent empty.
const NO_NAME: &str = "no name";

/// Whether a name, folded, is one that many use and attackers try: it tells nobody apart.
#[must_use]
pub fn is_common_name(folded: &str) -> bool {
    TRIED_BY_ATTACKERS.contains(&folded)
}

/// What is recorded of a tried name. `is_admin`: somebody has signed in under it before.
/// Otherwise "unknown name (9 characters) #3fa2": the fingerprint (HMAC under `key`) groups equal
/// tries. It is short on purpose: even with the key it confirms no guessed password.
#[must_use]
pub fn attempted_name(typed: &str, is_admin: bool, keep: AttemptedNames, key: &[u8; 32]) -> String {
    let name = typed.trim();
    if name.is_empty() {
        return NO_NAME.to_owned();
    }
    let folded = fold(name);
    let harmless = is_common_name(&folded) || is_hidden(name);
    if is_admin || keep == AttemptedNames::All || harmless {
        return clip(encode_text(name).into_owned(), Limits::TEXT).0;
    }
    let length = name.chars().count();
    let unit = if length == 1 {
        "character"
    } else {
        "characters"
    };
    format!(
        "unknown name ({length} {unit}) #{}",
        fingerprint(&folded, key)
    )
}

/// What is recorded of a token that a panel refused: the beginning of its fingerprint, as pages
/// show sessions.
#[must_use]
pub fn refused_token(fingerprint: SessionHash) -> String {
    let hex = fingerprint.to_string();
    format!("{REFUSED_TOKEN}{}", hex.get(..8).unwrap_or(&hex))
}

/// A sentence that may name the tried name, after it became `shown`. `None`: the name stands in it
/// in another form, so that the sentence has to be made anew.
pub(crate) fn hide_tried(action: &str, typed: &str, shown: &str) -> Option<String> {
    let name = typed.trim();
    let encoded = encode_text(name);
    if name.is_empty() || clip(encoded.clone().into_owned(), Limits::TEXT).0 == shown {
        return Some(action.to_owned());
    }
    let hidden = without_word(&without_word(action, name, shown), &encoded, shown);
    let (rest, name) = (fold(&hidden.replace(shown, "")), fold(name));
    (without_word(&rest, &name, "") == rest).then_some(hidden)
}

/// Every occurrence that is no part of a longer word.
fn without_word(text: &str, word: &str, other: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let inside = |next: Option<char>, own: Option<char>| {
            next.is_some_and(char::is_alphanumeric) && own.is_some_and(char::is_alphanumeric)
        };
        let previous = before
            .chars()
            .next_back()
            .or_else(|| out.chars().next_back());
        let part = inside(previous, word.chars().next())
            || inside(after.chars().next(), word.chars().next_back());
        out.push_str(before);
        out.push_str(if part { word } else { other });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether it is what this room has made of a name before: an event that was exported.
fn is_hidden(name: &str) -> bool {
    let parts = name
        .strip_prefix("unknown name (")
        .and_then(|rest| rest.split_once(" character"))
        .and_then(|(length, rest)| {
            Some((length, rest.trim_start_matches('s').strip_prefix(") #")?))
        });
    let token = name.strip_prefix(REFUSED_TOKEN).is_some_and(|fingerprint| {
        fingerprint.len() == 8 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    name == NO_NAME
        || token
        || parts.is_some_and(|(length, fingerprint)| {
            length.bytes().all(|byte| byte.is_ascii_digit())
                && fingerprint.len() == 4
                && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Four hexadecimal digits of an HMAC-SHA-256.
fn fingerprint(folded: &str, key: &[u8; 32]) -> String {
    // HMAC pads a short key with zeros to a block; done here it cannot fail.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(b"admintrail attempted name v1\0");
    mac.update(folded.as_bytes());
    let digest = mac.finalize().into_bytes();
    digest
        .iter()
        .take(2)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn known(typed: &str, is_admin: bool) -> String {
        attempted_name(typed, is_admin, AttemptedNames::Known, &KEY)
    }

    #[test]
    fn a_password_typed_as_name_leaves_its_length_and_a_fingerprint() {
        let kept = known("hunter2!x", false);
        assert!(kept.starts_with("unknown name (9 characters) #"), "{kept}");
        assert_eq!(kept.len(), "unknown name (9 characters) #3fa2".len());
        assert!(!kept.contains("hunter"));
        assert!(known("ї", false).starts_with("unknown name (1 character) #"));
    }

    #[test]
    fn equal_tries_group_and_others_do_not() {
        assert_eq!(
            known("S3cret-Phrase", false),
            known(" s3cret-phrase ", false)
        );
        assert_ne!(known("S3cret-Phrase", false), known("S3cret-Phrasf", false));
        let other_key = attempted_name("S3cret-Phrase", false, AttemptedNames::Known, &[8; 32]);
        assert_ne!(known("S3cret-Phrase", false), other_key);
    }

    #[test]
    fn admins_and_names_that_attackers_try_are_kept_as_typed() {
        assert_eq!(known("Root", false), "Root");
        assert_eq!(known("olena@example.org", true), "olena@example.org");
        assert_eq!(
            attempted_name("anything", false, AttemptedNames::All, &KEY),
            "anything"
        );
    }

    #[test]
    fn hostile_and_endless_names_are_safe_to_store() {
        assert_eq!(known("a\r\n\u{202e}b", true), "a%0D%0A%E2%80%AEb");
        assert_eq!(known(&"x".repeat(5_000), true).len(), Limits::TEXT);
        assert_eq!(known(" \t", false), "no name");
    }

    #[test]
    fn the_list_is_in_the_form_in_which_names_are_compared() {
        assert!(TRIED_BY_ATTACKERS.iter().all(|name| fold(name) == **name));
    }

    #[test]
    fn what_was_hidden_once_stays_as_it_is() {
        let hidden = known("S3cret-Phrase", false);
        assert_eq!(known(&hidden, false), hidden);
        assert_eq!(known("no name", false), "no name");
        let token = refused_token(SessionHash([0x7f; 16]));
        assert_eq!(token, "unknown token #7f7f7f7f");
        assert_eq!(known(&token, false), token);
        for forged in [
            "unknown token #hunter2!",
            "unknown token #7f7f7f7f7f",
            "unknown name (x characters) #3fa2",
            "unknown name (9 characters) #pass",
        ] {
            assert_ne!(known(forged, false), forged);
        }
    }
}
