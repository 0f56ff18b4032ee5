//! Alerts as plain mail.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailboxes, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use secrecy::ExposeSecret;

use super::message::Message;
use crate::config::{Email, Security, Smtp};

/// Until the mail server is there.
const PATIENCE: Duration = Duration::from_secs(10);
/// The whole conversation, as one has about a dozen answers.
const IN_ALL: Duration = Duration::from_secs(30);

/// Sends one mail with all messages; says why it could not.
pub(super) async fn send(
    email: &Email,
    messages: &[Message],
    recorder: &str,
) -> Result<(), String> {
    deliver(&email.smtp, mail(email, messages, recorder)?).await
}

/// Hands a mail over to a mail server; says why it could not.
pub(crate) async fn deliver(smtp: &Smtp, mail: Mail) -> Result<(), String> {
    let transport = transport(smtp)?;
    tokio::time::timeout(IN_ALL, transport.send(mail))
        .await
        .map_err(|_| format!("the mail server took longer than {} s", IN_ALL.as_secs()))?
        .map_err(|error| told(&error))?;
    Ok(())
}

fn mail(email: &Email, messages: &[Message], recorder: &str) -> Result<Mail, String> {
    let about = match messages {
        [one] => one.title.clone(),
        more => format!("{} alerts", more.len()),
    };
    let paragraphs: Vec<String> = messages.iter().map(Message::paragraph).collect();
    let body = format!(
        "{}\n\n-- \nAdmintrail on {recorder}. Its page Monitoring, Alerts shows all of them.\n",
        paragraphs.join("\n\n\n")
    );
    let to: Mailboxes = email.to.clone().into();
    Mail::builder()
        .from(email.from.clone())
        .mailbox(header::To::from(to))
        .subject(format!("[Admintrail] {about} ({recorder})"))
        .date_now()
        .message_id(None)
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let parameters = || {
        TlsParameters::new(smtp.host.clone()).map_err(|error| format!("no TLS: {}", told(&error)))
    };
    let tls = match smtp.security {
        Security::Tls => Tls::Wrapper(parameters()?),
        Security::StartTls => Tls::Required(parameters()?),
        Security::IfOffered => Tls::Opportunistic(parameters()?),
        Security::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.host.as_str())
        .port(smtp.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, password)) = &smtp.user {
        let password = password.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

/// With what it was caused by.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        let more = one.to_string();
        if !told.contains(&more) {
            told = format!("{told}: {more}");
        }
        cause = one.source();
    }
    told
}
