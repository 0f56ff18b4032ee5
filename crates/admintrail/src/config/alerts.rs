//! Who is told when something is wrong: `[alerts]`.

use std::fmt;

use admintrail_web::anchors::check;
use http::Uri;
use lettre::message::Mailbox;
use secrecy::SecretString;
use url::Url;

use super::origin::Origin;
use super::section::Section;

/// Ways out of the house.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alerts {
    pub(crate) webhook: Option<Webhook>,
    pub(crate) email: Option<Email>,
}

/// Where alerts are posted to.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) address: WebhookAddress,
    /// What they are signed with.
    pub(crate) secret: Option<SecretString>,
    /// Whether it may be in this machine's own network.
    pub(crate) private: bool,
    /// The key that allows that.
    pub(crate) private_key: &'static str,
}

/// The keys by which a section names somebody who is posted to.
#[derive(Clone, Copy)]
pub(super) struct WebhookKeys {
    pub(super) address: &'static str,
    pub(super) secret: &'static str,
    pub(super) network: &'static str,
}

const WEBHOOK: WebhookKeys = WebhookKeys {
    address: "webhook",
    secret: "webhook_secret",
    network: "webhook_network",
};

/// An address whose path may be a secret, as those of chat services are: shown without it.
#[derive(Clone)]
pub(crate) struct WebhookAddress(pub(crate) Uri);

impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map_or("", |one| one.as_str());
        let path = match self.0.path_and_query().map_or("/", |path| path.as_str()) {
            "/" => "/",
            _ => "/…",
        };
        write!(f, "{scheme}://{authority}{path}")
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who gets mail, and through whom.
#[derive(Debug, Clone)]
pub(crate) struct Email {
    pub(crate) to: Vec<Mailbox>,
    pub(crate) from: Mailbox,
    pub(crate) smtp: Smtp,
}

/// A mail server.
#[derive(Debug, Clone)]
pub(crate) struct Smtp {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// User and password.
    pub(crate) user: Option<(String, SecretString)>,
}

/// How mail is kept from being read on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, or nothing is sent: there is a password to protect.
    StartTls,
    /// STARTTLS where the server offers it.
    IfOffered,
    /// On this machine, where there is nobody to read it.
    None,
}

impl fmt::Display for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.security {
            Security::Tls => "smtps",
            _ => "smtp",
        };
        let user = match &self.user {
            Some((user, _)) => format!("{user}:…@"),
            None => String::new(),
        };
        let (host, port) = (&self.host, self.port);
        if host.contains(':') {
            write!(f, "{scheme}://{user}[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{user}{host}:{port}")
        }
    }
}

/// What is never shown.
struct Masked;

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Reads `[alerts]`.
pub(super) fn read(mut section: Section<'_>) -> Alerts {
    let webhook = webhook(&mut section, WEBHOOK);
    let email = section.table("email").and_then(email);
    section.finish();
    Alerts { webhook, email }
}

/// Reads who is posted to.
fn webhook(section: &mut Section<'_>, keys: WebhookKeys) -> Option<Webhook> {
    webhook_and_network(section, keys).0
}

/// Who is posted to; and whether receivers may be in this machine's own network, also where none is
/// named.
pub(super) fn webhook_and_network(
    section: &mut Section<'_>,
    keys: WebhookKeys,
) -> (Option<Webhook>, bool) {
    let given = section.has(keys.address);
    let address = section.parsed(keys.address, |text| read_webhook(text, keys));
    let mut secret = None;
    let signed = section.parsed(keys.secret, |text| {
        if text.trim().len() < 16 {
            return Err(
                "is shorter than 16 characters; `openssl rand -hex 32` makes a good one".to_owned(),
            );
        }
        secret = Some(SecretString::from(text));
        Ok(Masked)
    });
    let private = section.has(keys.network);
    let network = if given || private {
        section.word(keys.network, &[("public", false), ("any", true)], false)
    } else {
        false
    };
    if let (Some((_, at)), false) = (&signed, given) {
        let message = format!("signs what is posted; add {} = \"https://…\"", keys.address);
        section.wrong(at, keys.secret, message);
    }
    let Some((address, at)) = address else {
        return (None, network);
    };
    let allowed_by = format!("{} = \"any\" beside it", keys.network);
    if let Err(message) = check::encrypted(&address.0, network, &allowed_by) {
        section.wrong(&at, keys.address, message);
    }
    let webhook = Webhook {
        address,
        secret,
        private: network,
        private_key: keys.network,
    };
    (Some(webhook), network)
}

/// A mistake must not print what may be a secret.
fn read_webhook(text: &str, keys: WebhookKeys) -> Result<WebhookAddress, String> {
    check::address(text, keys.secret).map(WebhookAddress)
}

fn email(mut section: Section<'_>) -> Option<Email> {
    let at = section.origin();
    let mailboxes = section.words("to");
    let to: Vec<Mailbox> = mailboxes
        .iter()
        .filter_map(|text| mailbox(&mut section, &at, "to", text))
        .collect();
    if mailboxes.is_empty() {
        section.wrong(
            &at,
            "to",
            "is missing; write who gets the mail, e.g. [\"ops@example.org\"]",
        );
    }
    let from = match section.text("from") {
        Some((text, at)) => mailbox(&mut section, &at, "from", &text),
        None => {
            section.wrong(
                &at,
                "from",
                "is missing; write the sender, e.g. \"admintrail@example.org\"",
            );
            None
        }
    };
    let given = section.has("smtp");
    let smtp = section.parsed("smtp", read_smtp);
    if !given {
        let message = "is missing; write the mail server, e.g. \"smtps://user:password@mail.example.org:465\"";
        section.wrong(&at, "smtp", message);
    }
    section.finish();
    Some(Email {
        to,
        from: from?,
        smtp: smtp?.0,
    })
}

/// Reads somebody who gets mail.
pub(super) fn mailbox(
    section: &mut Section<'_>,
    at: &Origin,
    key: &str,
    text: &str,
) -> Option<Mailbox> {
    let read = text.parse().ok();
    if read.is_none() {
        let message = format!("{text:?} is not an e-mail address");
        section.wrong(at, key, message);
    }
    read
}

/// A mistake must not print the password.
fn read_smtp(text: &str) -> Result<Smtp, String> {
    let wrong = || {
        "is not a mail server; write smtps://user:password@host:465 or smtp://host:25 (signs such \
         as @ and / in a password as %40 and %2F)"
            .to_owned()
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let secure = match url.scheme() {
        "smtps" => true,
        "smtp" => false,
        _ => return Err(wrong()),
    };
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| wrong())
    };
    let user = match (url.username(), url.password()) {
        ("", None) => None,
        (user, Some(password)) if !user.is_empty() => {
            Some((decoded(user)?, SecretString::from(decoded(password)?)))
        }
        _ => return Err("needs both a user and a password, or neither".to_owned()),
    };
    let here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let security = match (secure, here, &user) {
        (true, ..) => Security::Tls,
        (false, true, _) => Security::None,
        (false, false, Some(_)) => Security::StartTls,
        (false, false, None) => Security::IfOffered,
    };
    let usual = match (secure, &user) {
        (true, _) => 465,
        (false, Some(_)) => 587,
        (false, None) => 25,
    };
    Ok(Smtp {
        host,
        port: url.port().unwrap_or(usual),
        security,
        user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_shown_nowhere() {
        let hook = read_webhook(
            "https://hooks.example.org/services/canary?key=canary",
            WEBHOOK,
        )
        .unwrap();
        assert_eq!(hook.to_string(), "https://hooks.example.org/…");
        assert!(!format!("{hook:?}").contains("canary"));
        let smtp = read_smtp("smtps://ops%40example.org:can%2Fary@mail.example.org").unwrap();
        assert_eq!(
            smtp.to_string(),
            "smtps://ops@example.org:…@mail.example.org:465"
        );
        assert!(!format!("{smtp:?}").contains("can/ary"));
        for wrong in [
            "smtps://u:canary@",
            "imap://u:canary@host",
            "canary",
            "smtp://:canary@host",
        ] {
            assert!(!read_smtp(wrong).unwrap_err().contains("canary"), "{wrong}");
        }
        for wrong in ["https://u:canary@host/", "ftp://host/canary", "/canary"] {
            assert!(
                !read_webhook(wrong, WEBHOOK).unwrap_err().contains("canary"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_password_never_travels_in_the_clear() {
        for (text, security, port) in [
            ("smtps://u:p@mail.example.org:4650", Security::Tls, 4650),
            ("smtp://u:p@mail.example.org", Security::StartTls, 587),
            ("smtp://mail.example.org", Security::IfOffered, 25),
            ("smtp://localhost:2525", Security::None, 2525),
            ("smtp://u:p@127.0.0.1:25", Security::None, 25),
            ("smtp://u:p@[::1]", Security::None, 587),
        ] {
            let smtp = read_smtp(text).unwrap();
            assert_eq!((smtp.security, smtp.port), (security, port), "{text}");
        }
    }
}
