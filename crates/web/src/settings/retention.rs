//! Retention goes on although the clock leapt.

use axum::response::Response;

use super::{Purpose, Saved, Sent, wrong};
use crate::{App, WebError};

const PAGE: &str = "/settings/retention";

/// `POST /settings/retention/resume`: somebody says that the clock is right.
pub(crate) async fn resume(sent: Sent) -> Response {
    let result = resumed(&sent.app).await;
    let purpose = Purpose::new(PAGE, "Resumed retention", "resume retention");
    sent.answer(purpose, result)
}

async fn resumed(app: &App) -> Result<Saved, WebError> {
    if app.trail.retention().paused.is_none() {
        return Err(wrong("retention", "Retention is not paused."));
    }
    app.ask(admintrail_store::Trail::resume_retention).await?;
    let mut saved = Saved::new("Retention goes on; what is too old by this clock is deleted.");
    saved.object = Some("retention".to_owned());
    Ok(saved)
}
