//! Browsers in which somebody has signed in before (OWASP: "device cookies").
//!
//! An address is a poor name for a person: behind a proxy that is not trusted everybody shares
//! one, and then whoever guesses there would keep the owner out. So each sign-in leaves a cookie
//! that only we can make. A try that brings it is counted by itself, whatever others do from the
//! same address or with the same name. It gives nothing but that: the password is asked all the same.

use admintrail_store::control::AccountId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::random;
use crate::WebError;

/// What its tries are counted by.
pub(crate) type BrowserId = [u8; 16];

/// The value of a new cookie for a browser in which this account has signed in.
pub(crate) fn mark(account: AccountId, key: &[u8; 32]) -> Result<String, WebError> {
    let id: BrowserId = random()?;
    let mac = seal(account, &id, key)
        .ok_or_else(|| WebError::internal("a key that HMAC does not take"))?;
    let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(format!("{}.{mac}", URL_SAFE_NO_PAD.encode(id)))
}

/// The browser, if the cookie was made for this account.
pub(crate) fn recognise(cookie: &str, account: AccountId, key: &[u8; 32]) -> Option<BrowserId> {
    let (id, mac) = cookie.split_once('.')?;
    let id: BrowserId = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    // Compared in constant time.
    seal(account, &id, key)?.verify_slice(&mac).ok()?;
    Some(id)
}

fn seal(account: AccountId, id: &BrowserId, key: &[u8; 32]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(b"admintrail known browser v1\0");
    mac.update(account.0.to_string().as_bytes());
    mac.update(b"\0");
    mac.update(id);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_to_the_account_that_signed_in_there_alone() {
        let (olena, taras) = (AccountId(1), AccountId(12));
        let cookie = mark(olena, &[7; 32]).unwrap();
        let known = recognise(&cookie, olena, &[7; 32]).unwrap();
        assert_eq!(recognise(&cookie, olena, &[7; 32]), Some(known));
        assert_eq!(recognise(&cookie, taras, &[7; 32]), None);
        assert_eq!(recognise(&cookie, olena, &[8; 32]), None, "another key");
        let other = mark(olena, &[7; 32]).unwrap();
        assert_ne!(recognise(&other, olena, &[7; 32]), Some(known));
        let (_, mac) = other.split_once('.').unwrap();
        let (id, _) = cookie.split_once('.').unwrap();
        for forged in [
            "",
            ".",
            "x.y",
            id,
            &format!("{id}."),
            &format!("{id}.{mac}"),
        ] {
            assert_eq!(recognise(forged, olena, &[7; 32]), None, "{forged:?}");
        }
    }
}
