//! Ending a session: the button for owners, and what is said afterwards.

use admintrail_store::SessionRow;

use crate::auth::Capability;
use crate::ending::is_guarded;
use crate::pages::scene::Scene;

/// What there is to do or to say.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// `ended by marek@hosting.example 14:32`
    pub(crate) told: Option<String>,
    /// Whether this viewer may end it here.
    pub(crate) may: bool,
    pub(crate) session: String,
    pub(crate) who: String,
    pub(crate) panel: String,
}

impl Ending {
    pub(crate) fn of(scene: &Scene, row: &SessionRow) -> Self {
        let app = &scene.app;
        let ended = app.control.ended(&row.panel, &row.session.0);
        let may = ended.is_none()
            && !row.is_over()
            && scene.viewer.may(Capability::Manage)
            && is_guarded(app, &row.panel);
        let name = row.admin_name.as_ref().or(row.admin.as_ref());
        Self {
            told: ended
                .map(|ended| format!("ended by {} {}", ended.by, scene.face.brief(ended.at))),
            may,
            session: row.session.to_string(),
            who: name.cloned().unwrap_or_else(|| "Whoever it is".to_owned()),
            panel: row.panel.to_string(),
        }
    }
}
