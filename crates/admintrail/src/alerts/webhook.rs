//! Alerts as JSON by POST, signed as <https://www.standardwebhooks.com> has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::message::Message;
use super::post;
use crate::clock;
use crate::config::Webhook;

/// Posts one message; says why it could not.
pub(super) async fn send(webhook: &Webhook, message: &Message) -> Result<(), String> {
    post(webhook, &message.id, message.json().to_string()).await
}

/// Posts JSON under an id, signed if there is a secret; says why it could not.
pub(crate) async fn post(webhook: &Webhook, id: &str, body: String) -> Result<(), String> {
    let seconds = clock::now().0 / admintrail_event::Micros::SECOND;
    let mut headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
    ];
    if let Some(secret) = &webhook.secret {
        let signed = format!("{id}.{seconds}.{body}");
        headers.push((
            "webhook-signature",
            signature(secret.expose_secret(), &signed)?,
        ));
    }
    let headers = headers
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
            Ok((HeaderName::from_static(name), value))
        })
        .collect::<Result<Vec<_>, String>>()?;
    post::json(webhook, headers, Bytes::from(body)).await
}

/// `v1,` and the HMAC-SHA256 in base64. A secret that begins with `whsec_` is base64 itself.
fn signature(secret: &str, signed: &str) -> Result<String, String> {
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret is no key".to_owned())?;
    mac.update(signed.as_bytes());
    Ok(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(
            signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
