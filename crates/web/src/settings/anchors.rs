//! Where checkpoints of the ledger are kept outside of this machine.

use axum::extract::Path;
use axum::response::Response;
use serde_json::json;

use super::{Purpose, Saved, Sent};
use crate::anchors::AnchorPlace;
use crate::auth::SecretShown;
use crate::pages::wording::link::{ANCHORS, INTEGRITY};

/// `POST /monitoring/integrity/anchors`
pub(crate) async fn add(sent: Sent) -> Response {
    let save = async {
        let target = sent.app.place_of(sent.form.text("place")).await?;
        let added = sent.app.add_place(target).await?;
        let mut saved = Saved::new("The place is added; it gets its first checkpoint now.");
        saved.object = Some(object(&added.place));
        saved.json.insert("id".into(), json!(added.place.added));
        saved.json.insert("place".into(), json!(added.place.place));
        if let Some(secret) = added.secret {
            let shown = json!(secret.expose());
            saved.json.insert("secret".into(), shown);
            saved.new_receiver = Some(SecretShown {
                name: added.place.place,
                secret,
            });
        }
        Ok(saved)
    };
    let result = save.await;
    // An address that leads to a part of the page leaves the field with the mistake without the focus.
    let page = if result.is_ok() { ANCHORS } else { INTEGRITY };
    let purpose = Purpose::new(page, "Added anchor", "add anchor");
    sent.answer(purpose, result)
}

/// `POST /monitoring/integrity/anchors/{id}/remove`
pub(crate) async fn remove(Path(id): Path<String>, sent: Sent) -> Response {
    let save = async {
        let gone = sent.app.remove_place(id).await?;
        let mut saved = Saved::new("The place is removed; nothing more is sent there.");
        saved.object = Some(object(&gone));
        Ok(saved)
    };
    let result = save.await;
    let purpose = Purpose::new(ANCHORS, "Removed anchor", "remove anchor");
    sent.answer(purpose, result)
}

/// For the record: no path of an address, and nobody's mailbox.
pub(crate) fn object(place: &AnchorPlace) -> String {
    let name = place.place.trim_start_matches('/');
    format!("anchor/{}/{name}", place.way.word())
}
