//! Texts to look for, folded once when the filter is parsed.

use std::cell::Cell;
use std::fmt;

use memchr::memmem::Finder;

use crate::fold;

/// A folded text with optional `*` wildcards, each standing for any text, also none.
///
/// Pieces between the stars are searched one after the other, each from where the one before
/// ended: linear in the value's length, whatever the pattern.
#[derive(Clone)]
pub struct TextPattern {
    /// The texts between the stars, as typed; one more than there are stars.
    typed: Vec<String>,
    /// The same, folded and ready to search.
    folded: Vec<Finder<'static>>,
}

thread_local! {
    /// Where ASCII values are folded, so that scanning a dictionary does not allocate.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl TextPattern {
    /// Exactly this text; a star in it means a star.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::from_pieces(vec![text.to_owned()])
    }

    /// The texts between the wildcards: `["a", "b"]` is `a*b`.
    #[must_use]
    pub fn from_pieces(mut typed: Vec<String>) -> Self {
        if typed.is_empty() {
            typed.push(String::new());
        }
        // Two stars beside each other say no more than one.
        let last = typed.len() - 1;
        let mut at = 0;
        typed.retain(|piece| {
            let keep = at == 0 || at == last || !piece.is_empty();
            at += 1;
            keep
        });
        let folded = typed
            .iter()
            .map(|piece| Finder::new(fold(piece).as_bytes()).into_owned());
        Self {
            folded: folded.collect(),
            typed,
        }
    }

    /// The texts between the wildcards, as typed.
    #[must_use]
    pub fn pieces(&self) -> &[String] {
        &self.typed
    }

    /// The folded text, if it has no wildcard.
    #[must_use]
    pub fn folded_literal(&self) -> Option<&str> {
        match self.folded.as_slice() {
            [only] => std::str::from_utf8(only.needle()).ok(),
            _ => None,
        }
    }

    /// Whether it has no wildcard.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.folded.len() == 1
    }

    /// The longest folded text between wildcards: whatever matches contains it. May be empty.
    #[must_use]
    pub fn longest_literal(&self) -> &str {
        let longest = self.folded.iter().max_by_key(|piece| piece.needle().len());
        longest
            .and_then(|piece| std::str::from_utf8(piece.needle()).ok())
            .unwrap_or("")
    }

    /// Whether the value contains it. Folds the value itself; no allocation for ASCII values.
    #[must_use]
    pub fn found_in(&self, value: &str) -> bool {
        with_folded(value, |folded| found_in_order(&self.folded, folded))
    }

    /// [`Self::found_in`] for a value that [`fold`] has been through.
    #[must_use]
    pub fn found_in_folded(&self, folded: &str) -> bool {
        found_in_order(&self.folded, folded.as_bytes())
    }

    /// Whether an object is it or lies below or above it: [`Self::found_in`], but a text with a `/`
    /// and no wildcard means whole segments. `client/4711` is in `client/4711/service/9` and not in
    /// `client/47110`; `client/` and `client` are in both.
    #[must_use]
    pub fn touches(&self, object: &str) -> bool {
        with_folded(object, |folded| touches(&self.folded, folded))
    }

    /// [`Self::touches`] for a value that [`fold`] has been through.
    #[must_use]
    pub fn touches_folded(&self, folded: &str) -> bool {
        touches(&self.folded, folded.as_bytes())
    }

    /// Whether the value as a whole is it.
    #[must_use]
    pub fn is_whole(&self, value: &str) -> bool {
        // What most words are: compared as it stands, and most values have another length.
        if let [only] = &*self.folded
            && value.is_ascii()
        {
            return only.needle().eq_ignore_ascii_case(value.as_bytes());
        }
        with_folded(value, |folded| is_whole(&self.folded, folded))
    }

    /// [`Self::is_whole`] for a value that [`fold`] has been through.
    #[must_use]
    pub fn is_whole_folded(&self, folded: &str) -> bool {
        is_whole(&self.folded, folded.as_bytes())
    }

    /// Whether it is an admin's whole id, or the part of the id before its last `@`.
    #[must_use]
    pub fn is_admin_id(&self, id: &str) -> bool {
        self.is_whole(id)
            || id
                .rsplit_once('@')
                .is_some_and(|(local, _)| self.is_whole(local))
    }
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        self.typed == other.typed
    }
}

impl Eq for TextPattern {}

impl fmt::Debug for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TextPattern").field(&self.typed).finish()
    }
}

fn with_folded<R>(value: &str, ask: impl FnOnce(&[u8]) -> R) -> R {
    if !value.is_ascii() {
        return ask(fold(value).as_bytes());
    }
    if !value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return ask(value.as_bytes());
    }
    let mut scratch = SCRATCH.take();
    scratch.clear();
    scratch.extend_from_slice(value.as_bytes());
    scratch.make_ascii_lowercase();
    let answer = ask(&scratch);
    SCRATCH.set(scratch);
    answer
}

fn found_in_order(pieces: &[Finder<'static>], value: &[u8]) -> bool {
    let mut rest = value;
    pieces.iter().all(|piece| {
        let found = piece
            .find(rest)
            .and_then(|at| rest.get(at + piece.needle().len()..));
        found.inspect(|after| rest = after).is_some()
    })
}

fn touches(pieces: &[Finder<'static>], value: &[u8]) -> bool {
    let [only] = pieces else {
        return found_in_order(pieces, value);
    };
    let needle = only.needle();
    if !needle.contains(&b'/') || needle.ends_with(b"/") {
        return only.find(value).is_some();
    }
    let bounds = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b'/');
    let mut from = 0;
    while let Some(found) = value.get(from..).and_then(|rest| only.find(rest)) {
        let at = from + found;
        let before = at.checked_sub(1).and_then(|before| value.get(before));
        let after = value.get(at + needle.len());
        if (bounds(before) || needle.starts_with(b"/")) && bounds(after) {
            return true;
        }
        from = at + 1;
    }
    false
}

fn is_whole(pieces: &[Finder<'static>], value: &[u8]) -> bool {
    match pieces {
        [] => false,
        [only] => only.needle() == value,
        [first, middle @ .., last] => value
            .strip_prefix(first.needle())
            .and_then(|rest| rest.strip_suffix(last.needle()))
            .is_some_and(|rest| found_in_order(middle, rest)),
    }
}

/// 4 to 32 leading hexadecimal digits of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPrefix {
    /// The digits, zero-padded to 16 bytes.
    pub bits: [u8; 16],
    /// How many digits count.
    pub digits: u8,
}

impl SessionPrefix {
    /// Fewest digits: fewer would find sessions by accident.
    pub const MIN_DIGITS: usize = 4;

    /// Reads 4 to 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain || !(Self::MIN_DIGITS..=32).contains(&text.len()) {
            return None;
        }
        let value = u128::from_str_radix(text, 16).ok()?;
        let digits = u8::try_from(text.len()).ok()?;
        let bits = (value << (4 * (32 - u32::from(digits)))).to_be_bytes();
        Some(Self { bits, digits })
    }

    /// Whether the session begins with it.
    #[must_use]
    pub fn begins(&self, session: &crate::SessionHash) -> bool {
        let ignored = 4 * (32 - u32::from(self.digits.min(32)));
        let (ours, theirs) = (
            u128::from_be_bytes(self.bits),
            u128::from_be_bytes(session.0),
        );
        (ours ^ theirs)
            .checked_shr(ignored)
            .is_none_or(|differing| differing == 0)
    }
}

impl fmt::Display for SessionPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(self.bits));
        f.write_str(digits.get(..usize::from(self.digits)).unwrap_or(&digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionHash;
    use proptest::prelude::*;

    fn pattern(text: &str) -> TextPattern {
        TextPattern::from_pieces(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn an_object_is_touched_as_a_whole_and_below() {
        for (words, object, touched) in [
            ("client/4711", "client/4711", true),
            ("Client/4711", "client/4711/service/9", true),
            ("service/9", "client/4711/service/9", true),
            ("client/4711", "client/47110", false),
            ("client/4711", "subclient/4711", false),
            ("client/4711", "client/47110/client/4711", true),
            ("/4711", "client/4711", true),
            ("client/", "client/4711", true),
            ("471", "client/4711", true),
            ("client/47*", "client/4711", true),
        ] {
            assert_eq!(pattern(words).touches(object), touched, "{words} {object}");
        }
    }

    #[test]
    fn texts_are_found_in_any_case_of_any_script() {
        assert!(pattern("SETTINGS").found_in("/admin/Settings/mail"));
        assert!(pattern("олена").found_in("ОЛЕНА К."));
        assert!(pattern("strasse").found_in("Große Straße"));
        assert!(!pattern("settings").found_in("/admin/setting"));
        assert!(
            pattern("k").found_in("\u{212a}"),
            "the Kelvin sign folds to k"
        );
    }

    #[test]
    fn stars_stand_for_any_text() {
        assert!(pattern("/user/*/change").found_in("/admin/auth/user/5/change/"));
        assert!(!pattern("change*user").found_in("/user/5/change"));
        assert!(pattern("ol*@x.org").is_whole("Olena@x.org"));
        assert!(!pattern("ol*@x.org").is_whole("olena@x.org.evil"));
        assert!(pattern("*").is_whole("") && pattern("*").found_in(""));
        assert!(!pattern("ab*ba").is_whole("aba"), "the ends do not overlap");
        assert_eq!(pattern("a***b"), pattern("a*b"));
        assert_eq!(pattern("**"), pattern("*"));
    }

    #[test]
    fn literal_stars_are_just_stars() {
        assert!(TextPattern::literal("a*b").found_in("xa*by"));
        assert!(!TextPattern::literal("a*b").found_in("a-b"));
    }

    #[test]
    fn admins_go_by_id_or_the_part_before_the_at() {
        let olena = pattern("olena");
        assert!(olena.is_admin_id("Olena") && olena.is_admin_id("olena@x.org"));
        assert!(!olena.is_admin_id("olena2@x.org") && !olena.is_admin_id("x@olena"));
    }

    #[test]
    fn session_prefixes_count_digits_not_bytes() {
        let session: SessionHash = "77f0a1b2c3d4e5f60718293a4b5c6d7e".parse().unwrap();
        for digits in 4..=32 {
            let text = &session.to_string()[..digits];
            let prefix = SessionPrefix::parse(text).unwrap();
            assert!(prefix.begins(&session));
            assert_eq!(prefix.to_string(), text);
        }
        assert!(!SessionPrefix::parse("77f1").unwrap().begins(&session));
        assert!(SessionPrefix::parse("77f0a").unwrap().begins(&session));
        assert!(!SessionPrefix::parse("77f0b").unwrap().begins(&session));
        for bad in ["77f", "77fg", "", "é77f0", "+7f0"] {
            assert_eq!(SessionPrefix::parse(bad), None, "{bad}");
        }
    }

    /// The plain definition: try every way to place the pieces.
    fn naive(pieces: &[String], value: &str, whole: bool) -> bool {
        let Some((first, rest)) = pieces.split_first() else {
            return !whole || value.is_empty();
        };
        let starts: Vec<usize> = if whole {
            vec![0]
        } else {
            value
                .char_indices()
                .map(|(at, _)| at)
                .chain([value.len()])
                .collect()
        };
        starts.into_iter().any(|at| {
            value[at..]
                .strip_prefix(first.as_str())
                .is_some_and(|after| {
                    if !whole || rest.is_empty() {
                        return naive(rest, after, whole);
                    }
                    (0..=after.len())
                        .filter(|&skip| after.is_char_boundary(skip))
                        .any(|skip| naive(rest, &after[skip..], true))
                })
        })
    }

    proptest! {
        #[test]
        fn search_agrees_with_trying_everything(
            pieces in prop::collection::vec("[aAbßé]{0,2}", 1..4),
            value in "[aAbBßéS]{0,8}",
        ) {
            let pattern = TextPattern::from_pieces(pieces.clone());
            let folded: Vec<String> = pieces.iter().map(|piece| fold(piece)).collect();
            let value_folded = fold(&value);
            prop_assert_eq!(pattern.found_in(&value), naive(&folded, &value_folded, false));
            prop_assert_eq!(pattern.is_whole(&value), naive(&folded, &value_folded, true));
            prop_assert_eq!(pattern.found_in_folded(&value_folded), pattern.found_in(&value));
            prop_assert_eq!(pattern.is_whole_folded(&value_folded), pattern.is_whole(&value));
        }
    }
}
