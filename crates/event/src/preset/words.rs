//! Many short texts looked for in one word, at the price of about one.

/// Texts that a word may contain. Every pair of neighbouring letters sets a bit; a text whose
/// bits are not all among the word's cannot be in it, which rules out nearly all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts(Vec<(Box<str>, u64)>);

impl Parts {
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let with_pairs = |text: &'a str| (Box::from(text), pairs(text));
        Self(texts.into_iter().map(with_pairs).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is in the word.
    pub(super) fn any_in(&self, word: &str) -> bool {
        let there = pairs(word);
        self.0
            .iter()
            .any(|(text, needed)| needed & !there == 0 && word.contains(&**text))
    }
}

fn pairs(text: &str) -> u64 {
    text.as_bytes().windows(2).fold(0, |set, pair| match pair {
        [a, b] => set | 1 << ((u32::from(*a) * 5 + u32::from(*b)) % 64),
        _ => set,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sieve_lets_everything_through_that_is_there(
            texts in prop::collection::vec("[a-c]{1,3}|\\PC{0,2}", 0..6),
            word in "[a-c]{0,8}|\\PC{0,6}",
        ) {
            let parts = Parts::new(texts.iter().map(String::as_str));
            prop_assert_eq!(parts.any_in(&word), texts.iter().any(|text| word.contains(text)));
        }
    }
}
