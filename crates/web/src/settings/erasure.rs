//! Asking for a person to be erased, agreeing, and taking it back.
//!
//! The record of these requests names the pseudonym alone.

use admintrail_store::control::{ErasureId, ErasureState, StoredErasure};
use axum::extract::Path;
use axum::response::Response;
use serde_json::json;

use super::{Purpose, Saved, Sent, wrong};
use crate::WebError;
use crate::erasing::{self, By, Refusal};
use crate::pages::wording::link::ERASURE;

/// `POST /settings/erasure`
pub(crate) async fn ask(sent: Sent) -> Response {
    let save = async {
        let by = email(&sent)?;
        if sent.form.switch("sure") != Some(true) {
            return Err(wrong("sure", "Say that you know that it cannot be undone."));
        }
        let (control, now) = (sent.app.control.clone(), sent.app.now());
        let (admin, reason) = (sent.form.text("admin"), sent.form.text("reason"));
        let (admin, reason) = (admin.to_owned(), reason.to_owned());
        let asked = sent.app.ask(move |trail| {
            let by = By::Account(&by);
            Ok(erasing::ask((trail, &control), &admin, &reason, by, now))
        });
        let asked = asked.await?.map_err(|refusal| told(refusal, "admin"))?;
        sent.app.erasing.ring();
        Ok(saved(
            &asked,
            match asked.state {
                ErasureState::Waiting => "It is asked for. Another owner has to approve it.",
                _ => "It has begun.",
            },
        ))
    };
    let result = save.await;
    let purpose = Purpose::new(
        ERASURE,
        "Asked for a person to be erased",
        "ask for a person to be erased",
    );
    sent.answer(purpose, result)
}

/// `POST /settings/erasure/{id}/approve`
pub(crate) async fn approve(Path(id): Path<String>, sent: Sent) -> Response {
    let save = async {
        let (id, by) = (number(&id)?, email(&sent)?);
        let (control, now) = (sent.app.control.clone(), sent.app.now());
        let approved = sent
            .app
            .ask(move |_| Ok(erasing::approve(&control, id, &by, now)));
        let approved = approved
            .await?
            .map_err(|refusal| told(refusal, "request"))?;
        sent.app.erasing.ring();
        Ok(saved(&approved, "It is approved and has begun."))
    };
    let result = save.await;
    let purpose = Purpose::new(ERASURE, "Approved an erasure", "approve an erasure");
    sent.answer(purpose, result)
}

/// `POST /settings/erasure/{id}/withdraw`
pub(crate) async fn withdraw(Path(id): Path<String>, sent: Sent) -> Response {
    let save = async {
        let (id, by) = (number(&id)?, email(&sent)?);
        let (control, now) = (sent.app.control.clone(), sent.app.now());
        let withdrawn = sent.app.ask(move |_| {
            let by = By::Account(&by);
            Ok(erasing::withdraw(&control, id, by, now))
        });
        let withdrawn = withdrawn
            .await?
            .map_err(|refusal| told(refusal, "request"))?;
        Ok(saved(&withdrawn, "It is taken back; nothing was changed."))
    };
    let result = save.await;
    let purpose = Purpose::new(ERASURE, "Withdrew an erasure", "withdraw an erasure");
    sent.answer(purpose, result)
}

fn email(sent: &Sent) -> Result<String, WebError> {
    sent.own().map(|(account, _)| account.email.clone())
}

fn number(id: &str) -> Result<ErasureId, WebError> {
    id.parse()
        .map(ErasureId)
        .map_err(|_| WebError::NoSuch("request"))
}

fn saved(erasure: &StoredErasure, said: &'static str) -> Saved {
    let mut saved = Saved::new(said);
    saved.object = Some(format!("erasure/{}", erasure.pseudonym));
    saved.json.insert("id".into(), json!(erasure.id.0));
    saved
        .json
        .insert("pseudonym".into(), json!(erasure.pseudonym));
    saved
        .json
        .insert("state".into(), json!(erasure.state.as_str()));
    saved
}

/// Rules and names are told beside the field that they are about.
pub(crate) fn told(refusal: Refusal, field: &'static str) -> WebError {
    match refusal {
        Refusal::No(no) => wrong(field, no.to_string()),
        Refusal::Nobody(message) => wrong(field, message),
        Refusal::Reason(message) => wrong("reason", message),
        Refusal::NoSuch => WebError::NoSuch("request"),
        Refusal::Store(error) => error.into(),
        Refusal::Failed(cause) => WebError::internal(cause),
    }
}
