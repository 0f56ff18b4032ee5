//! `[panel.jwt]`: tokens of an identity provider.

use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::{JwtKeys, JwtRule, JwtSettings, JwtVerifier};
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::uri::{Scheme, Uri};

use super::origin::Origin;
use super::section::{Section, beside};

/// Where the provider publishes its keys.
#[derive(Debug, Clone)]
pub(crate) struct KeySetAddress {
    /// `https`, or `http` to this machine.
    pub(crate) uri: Uri,
    /// Who needs the keys.
    pub(crate) verifier: Arc<JwtVerifier>,
}

/// The rule, and where its keys are to be fetched if they are not in a file.
pub(super) fn jwt(section: &mut Section<'_>) -> Option<(JwtRule, Option<KeySetAddress>)> {
    let mut table = section.table("jwt")?;
    let header = table.parsed("header", |text| {
        text.parse::<HeaderName>()
            .map_err(|_| format!("{text:?} is not the name of a header such as authorization"))
    });
    let cookie = table.text("cookie").map(|(name, _)| name);
    let settings = JwtSettings {
        algorithms: table.words("algorithms"),
        audience: table.words("audience"),
        issuer: table.text("issuer").map(|(issuer, _)| issuer),
        id_claim: table
            .text("id_claim")
            .map_or_else(|| "sub".to_owned(), |(claim, _)| claim),
        name_claim: table.text("name_claim").map(|(claim, _)| claim),
        leeway: table.duration("leeway", Duration::from_secs(30)),
    };
    let keys = keys(&mut table);
    table.finish();
    let (keys, key, origin) = keys?;
    let made = match &keys {
        Source::Here(keys) => JwtVerifier::new(settings, keys),
        Source::There(_) => JwtVerifier::waiting(settings),
    };
    let verifier = match made {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => {
            section.wrong(&origin, &format!("jwt.{key}"), error.to_string());
            return None;
        }
    };
    let address = match keys {
        Source::Here(_) => None,
        Source::There(uri) => Some(KeySetAddress {
            uri,
            verifier: Arc::clone(&verifier),
        }),
    };
    let rule = JwtRule {
        header: header.map_or(AUTHORIZATION, |(header, _)| header),
        cookie,
        verifier,
    };
    Some((rule, address))
}

enum Source {
    Here(JwtKeys),
    There(Uri),
}

/// The keys, the setting that names them, and who said so.
fn keys(table: &mut Section<'_>) -> Option<(Source, &'static str, Origin)> {
    let given: Vec<(&'static str, Option<(String, Origin)>)> = ["jwks", "key_file", "secret_file"]
        .map(|key| (key, table.has(key)))
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(key, _)| (key, table.text(key)))
        .collect();
    let [(key, named)] = &given[..] else {
        let origin = table.origin();
        table.wrong(
            &origin,
            "jwks",
            "name the provider's keys with one of jwks (a file or an address), key_file (a public \
             key as PEM) and secret_file",
        );
        return None;
    };
    let (text, origin) = named.as_ref()?;
    if *key == "jwks" && text.contains("://") {
        return match address(text) {
            Ok(uri) => Some((Source::There(uri), key, origin.clone())),
            Err(message) => {
                table.wrong(origin, key, message);
                None
            }
        };
    }
    let path = beside(origin, text.as_ref());
    match std::fs::read(&path) {
        Ok(bytes) => {
            let keys = match *key {
                "jwks" => JwtKeys::Set(bytes),
                "key_file" => JwtKeys::Pem(bytes),
                _ => JwtKeys::Secret(bytes.trim_ascii().to_vec()),
            };
            Some((Source::Here(keys), key, origin.clone()))
        }
        Err(cause) => {
            let message = format!("{} cannot be read: {cause}", path.display());
            table.wrong(origin, key, message);
            None
        }
    }
}

/// Whoever can change the keys on their way can be anybody: so they come encrypted, or from here.
fn address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text
        .parse()
        .map_err(|_| format!("{text:?} is no address"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP && here => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP => Err(format!(
            "{text} is not encrypted, so anybody on the way could change the keys; write https"
        )),
        _ => Err(format!("{text:?} is no address; write https://…")),
    }
}
