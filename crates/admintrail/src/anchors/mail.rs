//! A checkpoint as mail, once a day: as text for people, and as a file for `verify --anchor`.

use lettre::Message as Mail;
use lettre::message::header::{self, ContentType};
use lettre::message::{Attachment, Mailboxes, MultiPart, SinglePart};

use super::note::Note;
use crate::alerts::email;
use crate::config::Email;

/// Sends one; says why it could not.
pub(super) async fn send(to: &Email, note: &Note) -> Result<(), String> {
    email::deliver(&to.smtp, mail(to, note)?).await
}

fn mail(email: &Email, note: &Note) -> Result<Mail, String> {
    let size = note.head.size;
    let entries = match size {
        1 => "1 entry".to_owned(),
        size => format!("{size} entries"),
    };
    let name = format!("admintrail-{size}.checkpoint");
    let text = format!(
        "This is what the ledger of {host} promises of itself at {at}: it has {entries}, these and \
         no others. Keep this mail where the owners of {host} cannot reach it.\n\n\
         {checkpoint}\n\
         The same is attached. To hold the ledger against it, there or on a copy of its folder:\n\n\
         \x20 admintrail verify --anchor {name} --vkey '{key}'\n\n\
         The key is always the same; a mail with another one is no good sign.\n",
        host = note.host,
        at = note.at,
        checkpoint = note.checkpoint,
        key = note.key,
    );
    let to: Mailboxes = email.to.clone().into();
    // As bytes, so that no mail server touches a line end: the signature is over every one.
    let attached = note.checkpoint.clone().into_bytes();
    Mail::builder()
        .from(email.from.clone())
        .mailbox(header::To::from(to))
        .subject(format!(
            "[Admintrail] Checkpoint of the ledger: {entries} ({})",
            note.host
        ))
        .date_now()
        .message_id(None)
        .multipart(
            MultiPart::mixed()
                .singlepart(SinglePart::plain(text))
                .singlepart(Attachment::new(name).body(attached, ContentType::TEXT_PLAIN)),
        )
        .map_err(|error| format!("the mail cannot be written: {error}"))
}
