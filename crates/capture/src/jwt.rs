//! JSON Web Tokens of an identity provider (RFC 7519): verified by its public keys, never believed.

mod keys;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{Limits, Micros, SessionHash, clip, encode_text};
use http::HeaderName;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::Notify;

use keys::Key;
pub use keys::{JwtKeys, KeyError};
use verdicts::Verdicts;

/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;
/// Keys tried for a token that names none.
const MAX_TRIED: usize = 8;

/// Where a panel's requests carry a token, and who verifies it.
#[derive(Debug, Clone)]
pub struct JwtRule {
    /// Header that carries it, `authorization` after `Bearer`.
    pub header: HeaderName,
    /// Cookie that carries it where the header is missing.
    pub cookie: Option<String>,
    /// Who verifies it.
    pub verifier: Arc<JwtVerifier>,
}

/// What makes a token good.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// Algorithms that may have signed it; empty: those that fit the keys.
    pub algorithms: Vec<String>,
    /// One of these must be in `aud`; empty: none is asked for.
    pub audience: Vec<String>,
    /// Must be `iss`.
    pub issuer: Option<String>,
    /// Claim that holds the admin's id, dots lead into objects: `sub`, `user.email`.
    pub id_claim: String,
    /// Claim that holds the name to show.
    pub name_claim: Option<String>,
    /// How far clocks may be apart.
    pub leeway: Duration,
}

/// Whom a good token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) admin: String,
    pub(crate) admin_name: Option<String>,
    /// What the provider calls the session (`sid`), if it does: it outlives a single token.
    pub(crate) session: Option<String>,
    /// Neither before nor after.
    from: Micros,
    until: Micros,
}

impl Bearer {
    const fn holds_at(&self, now: Micros) -> bool {
        self.from.0 <= now.0 && now.0 < self.until.0
    }
}

/// Verifies tokens. What was verified once is remembered as long as the token is good.
pub struct JwtVerifier {
    settings: JwtSettings,
    algorithms: Vec<Algorithm>,
    keys: RwLock<Arc<Vec<Key>>>,
    /// A token named a key that is not there.
    missing: Notify,
    verdicts: Verdicts,
}

impl JwtVerifier {
    /// Of these keys.
    ///
    /// # Errors
    /// When there is no usable key, an algorithm is unknown, or one of them would let a public key
    /// pass for a shared secret.
    pub fn new(settings: JwtSettings, keys: &JwtKeys) -> Result<Self, KeyError> {
        let parsed = keys.parse()?;
        let algorithms = keys::algorithms(&settings.algorithms, &parsed)?;
        Ok(Self {
            settings,
            algorithms,
            keys: RwLock::new(Arc::new(parsed)),
            missing: Notify::new(),
            verdicts: Verdicts::default(),
        })
    }

    /// Without keys, until [`Self::replace`] brings some: nobody is named before. Public keys only.
    ///
    /// # Errors
    /// When an algorithm is unknown or takes a shared secret.
    pub fn waiting(settings: JwtSettings) -> Result<Self, KeyError> {
        let algorithms = keys::algorithms(&settings.algorithms, &[])?;
        Ok(Self {
            settings,
            algorithms,
            keys: RwLock::default(),
            missing: Notify::new(),
            verdicts: Verdicts::default(),
        })
    }

    /// Takes a newer set of the provider's keys. Tokens of keys that are gone are good no longer.
    ///
    /// # Errors
    /// When it is no set of keys, or none of them can be used; the old ones stay.
    pub fn replace(&self, jwks: &[u8]) -> Result<(), KeyError> {
        let parsed = JwtKeys::Set(jwks.to_vec()).parse()?;
        *self.keys.write() = Arc::new(parsed);
        self.verdicts.clear();
        Ok(())
    }

    /// Completes when a token named a key that is not in the set.
    pub async fn key_is_missing(&self) {
        self.missing.notified().await;
    }

    /// Whom this token names; nobody if anything about it is wrong. `hash` is the token's.
    pub(crate) fn verify(&self, token: &[u8], hash: SessionHash, now: Micros) -> Option<Bearer> {
        if let Some(known) = self.verdicts.known(&hash) {
            return known.filter(|bearer| bearer.holds_at(now));
        }
        if token.len() > MAX_TOKEN || !self.verdicts.may_try(now) {
            return None;
        }
        let found = self.look(token);
        if found.is_none() {
            self.verdicts.failed(now);
        }
        self.verdicts.keep(hash, found.clone());
        found.filter(|bearer| bearer.holds_at(now))
    }

    fn look(&self, token: &[u8]) -> Option<Bearer> {
        let header = decode_header(token).ok()?;
        // Extensions that must be understood are not understood here (RFC 7515, section 4.1.11).
        if !self.algorithms.contains(&header.alg) || header.crit.is_some() {
            return None;
        }
        let keys = Arc::clone(&self.keys.read());
        let mut fitting = keys
            .iter()
            .filter(|key| key.fits(header.alg, header.kid.as_deref()))
            .take(MAX_TRIED)
            .peekable();
        if fitting.peek().is_none() {
            self.missing.notify_one();
        }
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        // Time is told by our own clock, and each time the token is seen.
        validation.validate_exp = false;
        validation.validate_aud = !self.settings.audience.is_empty();
        if validation.validate_aud {
            validation.set_audience(&self.settings.audience);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.settings.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        let claims = fitting.find_map(|key| decode::<Value>(token, &key.key, &validation).ok())?;
        self.bearer(&claims.claims)
    }

    fn bearer(&self, claims: &Value) -> Option<Bearer> {
        let text = |path: &str| {
            let found = path
                .split('.')
                .try_fold(claims, |value, name| value.get(name));
            // A claim may have dots in its own name: "https://example.org/email".
            let found = found.or_else(|| claims.get(path))?;
            let text = match found {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let safe = clip(encode_text(&text).into_owned(), Limits::TEXT).0;
            (!safe.is_empty()).then_some(safe)
        };
        // Whoever may write any address into an account of the provider could be anybody.
        let unverified = |claim: &Value| claim == &Value::Bool(false) || claim == "false";
        if self.settings.id_claim == "email" && claims.get("email_verified").is_some_and(unverified)
        {
            return None;
        }
        let leeway = i64::try_from(self.settings.leeway.as_micros()).unwrap_or(i64::MAX);
        // A token that never ends is no session: one that leaks would name its admin for ever.
        let until = moment(claims.get("exp")?)?.saturating_add(leeway);
        let from = match claims.get("nbf") {
            Some(moment_) => moment(moment_)?.saturating_sub(leeway),
            None => i64::MIN,
        };
        Some(Bearer {
            admin: text(&self.settings.id_claim)?,
            admin_name: self.settings.name_claim.as_deref().and_then(text),
            session: text("sid"),
            from: Micros(from),
            until: Micros(until),
        })
    }
}

impl std::fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A `NumericDate` (seconds since 1970, also with a fraction) in µs.
fn moment(value: &Value) -> Option<i64> {
    if let Some(seconds) = value.as_i64() {
        return Some(seconds.saturating_mul(Micros::SECOND));
    }
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
    Some((seconds * 1e6) as i64)
}
