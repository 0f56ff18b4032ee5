//! The keys of an identity provider.

use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

/// What somebody may sign with.
const KNOWN: [Algorithm; 12] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
];

/// Shortest shared secret, in bytes (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;

/// Why keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

/// Keys as an operator has them.
#[derive(Clone)]
pub enum JwtKeys {
    /// A JWK set (RFC 7517). Only its public keys count.
    Set(Vec<u8>),
    /// A public key as PEM: RSA, EC or Ed25519.
    Pem(Vec<u8>),
    /// A secret shared with the provider, for HS256 and its like.
    Secret(Vec<u8>),
}

/// One key, ready to verify.
pub(super) struct Key {
    pub(super) key: DecodingKey,
    id: Option<String>,
    algorithm: Option<Algorithm>,
}

impl Key {
    /// Whether it may have signed a token of this algorithm and key id.
    pub(super) fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let named = match (id, &self.id) {
            (Some(wanted), Some(own)) => wanted == own,
            // A single PEM has no id; a token may name none.
            _ => true,
        };
        named
            && self.key.family() == algorithm.family()
            && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

impl JwtKeys {
    pub(super) fn parse(&self) -> Result<Vec<Key>, KeyError> {
        match self {
            Self::Set(json) => of_set(json),
            Self::Pem(pem) => of_pem(pem).map(|key| vec![key]),
            Self::Secret(secret) if secret.len() < MIN_SECRET => Err(KeyError(format!(
                "the secret has {} bytes; {MIN_SECRET} or more are needed, or it can be guessed",
                secret.len()
            ))),
            Self::Secret(secret) => Ok(vec![Key {
                key: DecodingKey::from_secret(secret),
                id: None,
                algorithm: None,
            }]),
        }
    }
}

fn of_set(json: &[u8]) -> Result<Vec<Key>, KeyError> {
    let set: JwkSet = serde_json::from_slice(json)
        .map_err(|error| KeyError(format!("it is no JWK set, {{\"keys\": […]}} ({error})")))?;
    let keys: Vec<Key> = set
        .keys
        .iter()
        .filter(|jwk| {
            let signs = matches!(
                jwk.common.public_key_use,
                None | Some(PublicKeyUse::Signature)
            );
            // What everybody may read is no secret.
            signs && !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_))
        })
        .filter_map(|jwk| {
            let algorithm = jwk.common.key_algorithm.map(Algorithm::try_from);
            Some(Key {
                key: DecodingKey::from_jwk(jwk).ok()?,
                id: jwk.common.key_id.clone(),
                algorithm: algorithm.transpose().ok()?,
            })
        })
        .collect();
    if keys.is_empty() {
        return Err(KeyError(
            "it holds no public key for signatures (RSA, EC or Ed25519)".to_owned(),
        ));
    }
    Ok(keys)
}

fn of_pem(pem: &[u8]) -> Result<Key, KeyError> {
    let readers = [
        DecodingKey::from_rsa_pem,
        DecodingKey::from_ec_pem,
        DecodingKey::from_ed_pem,
    ];
    let key = readers.iter().find_map(|read| read(pem).ok());
    let key = key.ok_or_else(|| {
        KeyError("it is no PEM of a public key (RSA, EC or Ed25519); a certificate's is written by openssl x509 -pubkey -noout".to_owned())
    })?;
    Ok(Key {
        key,
        id: None,
        algorithm: None,
    })
}

/// The algorithms that may be used with these keys; without keys, those of public ones.
pub(super) fn algorithms(words: &[String], keys: &[Key]) -> Result<Vec<Algorithm>, KeyError> {
    let fits = |algorithm: &Algorithm| {
        let family = algorithm.family();
        if keys.is_empty() {
            return family != AlgorithmFamily::Hmac;
        }
        keys.iter().any(|key| key.key.family() == family)
    };
    if words.is_empty() {
        return Ok(KNOWN.into_iter().filter(fits).collect());
    }
    words
        .iter()
        .map(|word| {
            let algorithm = KNOWN
                .into_iter()
                .find(|known| format!("{known:?}").eq_ignore_ascii_case(word))
                .ok_or_else(|| {
                    let known: Vec<String> =
                        KNOWN.iter().map(|known| format!("{known:?}")).collect();
                    KeyError(format!(
                        "there is no algorithm {word:?} here; there are {}",
                        known.join(", ")
                    ))
                })?;
            if !fits(&algorithm) {
                return Err(KeyError(format!(
                    "{algorithm:?} does not go with these keys: a public key is no shared secret, and each kind of key has algorithms of its own"
                )));
            }
            Ok(algorithm)
        })
        .collect()
}
