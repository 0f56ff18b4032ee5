//! The one pinned case folding.

use std::borrow::Cow;

/// Full Unicode case folding (C + F), no normalisation. Stored and compared values use this alone.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        caseless::default_case_fold_str(text)
    }
}

/// [`fold`]; borrows a text that is folded already, which most ASCII ones are.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(fold(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_lose_their_case() {
        for (one, other) in [
            ("ADMIN", "admin"),
            ("Straße", "STRASSE"),
            ("ОЛЕНА", "олена"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("\u{212a}elvin", "kelvin"),
            ("\u{fb01}le", "FILE"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn nothing_is_normalised() {
        assert_ne!(fold("e\u{301}"), fold("\u{e9}"));
        assert_eq!(fold("\u{e9}"), "\u{e9}");
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = fold(&text);
            proptest::prop_assert_eq!(fold(&once), once.clone());
        }

        #[test]
        fn folding_knows_no_neighbours(a in "\\PC*", b in "\\PC*") {
            proptest::prop_assert_eq!(fold(&format!("{a}{b}")), fold(&a) + &fold(&b));
        }
    }
}
