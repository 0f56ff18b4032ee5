//! Everything that is known of one request.

use admintrail_store::Page;

use crate::WebError;
use crate::pages::scene::Scene;

/// The drawer.
pub(crate) struct Drawer {}

impl Drawer {
    /// The drawer of the event that the URL names.
    pub(crate) fn open(scene: &Scene, _page: Option<&Page>) -> Result<Option<Self>, WebError> {
        let Some(_id) = scene.query.event_id()? else {
            return Ok(None);
        };
        Ok(None)
    }
}
