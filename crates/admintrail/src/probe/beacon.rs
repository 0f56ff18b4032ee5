//! Knowing a check's own request when it comes through the recorder.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use parking_lot::Mutex;

/// Carries what only the check under way knows.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("admintrail-probe");

/// The check of one panel lights it with a random word; the first request through the proxy that
/// carries the word puts it out. Any other request with the header is a request like all others:
/// nobody can make up that a check was passed, nor hide behind one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beacon(Arc<Mutex<Light>>);

#[derive(Debug, Default)]
enum Light {
    #[default]
    Out,
    Lit(String),
    Seen,
}

impl Beacon {
    /// Waits for a new word from now on, and gives it.
    pub(super) fn light(&self) -> Result<String, String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| format!("no randomness: {error}"))?;
        let word: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        *self.0.lock() = Light::Lit(word.clone());
        Ok(word)
    }

    /// Waits no longer. Says whether the word came.
    pub(super) fn put_out(&self) -> bool {
        matches!(std::mem::take(&mut *self.0.lock()), Light::Seen)
    }

    /// Whether this is the check's own request.
    pub(crate) fn is_met_by(&self, headers: &HeaderMap) -> bool {
        let Some(said) = headers.get(HEADER) else {
            return false;
        };
        let mut light = self.0.lock();
        let met = matches!(&*light, Light::Lit(word) if word.as_bytes() == said.as_bytes());
        if met {
            *light = Light::Seen;
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(word: &str) -> HeaderMap {
        HeaderMap::from_iter([(HEADER, word.parse().unwrap())])
    }

    #[test]
    fn only_the_word_of_the_check_under_way_counts_and_once() {
        let beacon = Beacon::default();
        assert!(!beacon.is_met_by(&with("")), "no check is under way");
        let first = beacon.light().unwrap();
        for wrong in ["", "0", &first[1..], &"0".repeat(32)] {
            assert!(!beacon.is_met_by(&with(wrong)), "{wrong}");
        }
        assert!(!beacon.is_met_by(&HeaderMap::new()));
        assert!(beacon.is_met_by(&with(&first)));
        assert!(!beacon.is_met_by(&with(&first)), "sent again");
        assert!(beacon.put_out());
        assert!(!beacon.put_out());
        let second = beacon.light().unwrap();
        assert_ne!(first, second);
        assert!(!beacon.is_met_by(&with(&first)), "of an earlier check");
        assert!(!beacon.put_out());
        assert!(!beacon.is_met_by(&with(&second)), "too late");
    }
}
