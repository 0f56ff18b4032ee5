//! A colour that stays with a name, and the letters of its avatar.

/// How many hues the style sheet has (`.hue-0` …).
const HUES: u64 = 12;

/// The class of a value's hue: the same value has the same one everywhere. FNV-1a, which is
/// short and spreads well; nothing hangs on it but a colour.
pub(crate) fn class(value: &[u8]) -> String {
    let hash = value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("hue-{}", (hash ^ (hash >> 32)) % HUES)
}

/// One or two letters: of the first and last word of a name, else of the part before the `@`.
pub(crate) fn initials(name: &str) -> String {
    let local = name.split('@').next().unwrap_or(name);
    let words: Vec<&str> = local
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let letters = match (words.first(), words.last()) {
        (Some(first), Some(last)) if words.len() > 1 => first
            .chars()
            .take(1)
            .chain(last.chars().take(1))
            .collect::<String>(),
        (Some(only), _) => only.chars().take(2).collect(),
        _ => "?".to_owned(),
    };
    letters.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_a_person_would_write() {
        let cases = [
            ("Olena Kravets", "OK"),
            ("deploy-bot", "DB"),
            ("olena@hosting.example", "OL"),
            ("ines.duarte@hosting.example", "ID"),
            ("Ян", "ЯН"),
            ("", "?"),
        ];
        for (name, letters) in cases {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn the_same_name_keeps_its_colour() {
        assert_eq!(class(b"olena"), class(b"olena"));
        let classes: std::collections::BTreeSet<String> =
            (0..100_u8).map(|i| class(&[b'a', i])).collect();
        assert_eq!(classes.len() as u64, HUES);
    }
}
