//! Passwords: Argon2id (RFC 9106), a few at a time, and the same work whether or not the
//! account exists.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::WebError;

/// Fewest characters of a new password (NIST SP 800-63B asks for 8).
pub const MIN_CHARS: usize = 10;
/// Most bytes that are hashed at all.
pub const MAX_BYTES: usize = 1024;

/// Most hashes at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Most that wait for their turn; the others are told to come back.
const WAITING: usize = 32;

/// 19 MiB, 2 passes, 1 lane: the first choice of the OWASP password storage cheat sheet.
fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Says what is wrong with a new password, if anything.
pub fn check_new(password: &str, email: &str) -> Result<(), WebError> {
    let wrong = |message: String| {
        Err(WebError::BadField {
            field: "password",
            message,
        })
    };
    if password.chars().count() < MIN_CHARS {
        return wrong(format!(
            "The password is too short. Use at least {MIN_CHARS} characters."
        ));
    }
    if password.len() > MAX_BYTES {
        return wrong(format!(
            "The password is too long. Use at most {MAX_BYTES} bytes."
        ));
    }
    let folded = admintrail_event::fold(password.trim());
    let same = |text: &str| folded == admintrail_event::fold(text);
    if same(email) || email.split('@').next().is_some_and(same) {
        return wrong("The password is the e-mail address. Choose another one.".to_owned());
    }
    let mut kinds: Vec<char> = password.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() < 4 {
        return wrong(
            "The password repeats so few characters that it is easily guessed.".to_owned(),
        );
    }
    Ok(())
}

/// Hashes a password; PHC form. Takes about 20 ms of a core: not on async threads.
pub fn hash(password: &str) -> Result<String, WebError> {
    let hash: PasswordHash = argon2id()
        .hash_password(password.as_bytes())
        .map_err(|error| WebError::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether the password is the one of this hash; `None` costs the same and is never right. Takes about
/// 20 ms of a core: not on async threads.
#[must_use]
pub fn is_right(password: &str, phc: Option<&str>) -> bool {
    let known = phc.is_some();
    let nobody = NOBODY.as_deref();
    let Some(Ok(parsed)) = phc.or(nobody).map(PasswordHash::new) else {
        return false;
    };
    let too_long = password.len() > MAX_BYTES;
    let tried = if too_long { "" } else { password };
    let right = argon2id().verify_password(tried.as_bytes(), &parsed);
    right.is_ok() && known && !too_long
}

/// Verified instead when there is no account, no password or no permission to sign in, so that
/// the answer takes the same time.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody signs in with this").ok());

/// The hashing desk: everybody who signs in stands in one short queue.
pub(crate) struct Desk {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    verified: AtomicU64,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            verified: AtomicU64::new(0),
        }
    }
}

impl Desk {
    /// Whether the password is the one of this hash. `None` costs the same and is always false.
    pub(crate) async fn verify(&self, password: &str, phc: Option<&str>) -> Result<bool, WebError> {
        self.verified.fetch_add(1, Ordering::Relaxed);
        let (password, phc) = (SecretString::from(password), phc.map(str::to_owned));
        self.work(move || Ok(is_right(password.expose_secret(), phc.as_deref())))
            .await
    }

    /// [`hash`] in its turn.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, WebError> {
        let password = SecretString::from(password);
        self.work(move || hash(password.expose_secret())).await
    }

    /// How many verifications were done, for tests that compare the work of answers.
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, WebError> + Send + 'static,
    ) -> Result<T, WebError> {
        let busy = || WebError::Busy {
            what: "Many people are signing in.".to_owned(),
            after_s: 5,
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| busy())?;
        let job = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the request went away.
            let _permit = permit;
            job()
        });
        job.await.map_err(WebError::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        for bad in [
            "short",
            "olena@example.org",
            "aaaaaaaaaaaaaaaa",
            "ababababab",
            &"x1y2z".repeat(300),
        ] {
            assert!(check_new(bad, "olena@example.org").is_err(), "{bad}");
        }
        check_new("correct horse battery", "olena@example.org").unwrap();
        check_new("пароль-дуже-довгий", "olena@example.org").unwrap();
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong_and_nobody_has_none() {
        let desk = Desk::default();
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(
            desk.verify("correct horse battery", Some(&phc))
                .await
                .unwrap()
        );
        assert!(
            !desk
                .verify("correct horse batterx", Some(&phc))
                .await
                .unwrap()
        );
        assert!(
            !desk
                .verify("nobody signs in with this", None)
                .await
                .unwrap()
        );
        assert!(!desk.verify("x", Some("not a hash")).await.unwrap());
        assert_eq!(desk.verified(), 4);
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_sent_away_instead_of_piling_up() {
        let desk = Desk::default();
        let _all = desk.waiting.try_acquire_many(34).unwrap();
        let error = desk.verify("x", None).await.unwrap_err();
        assert_eq!(error.code(), "WEB-010");
    }
}
