//! The places that checkpoints are sent to, a line each.

use crate::App;
use crate::anchors::{AddedPlace, AnchorPlace, AnchorWay};
use crate::auth::Capability;
use crate::pages::scene::Scene;
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::counted;

/// A place that checkpoints are sent to.
pub(crate) struct PlaceLine {
    pub(crate) place: String,
    /// `file`, `webhook` or `email`.
    pub(crate) way: &'static str,
    /// Who named it.
    pub(crate) by: String,
    /// For programs: `kept`, `failing` or `waiting`.
    pub(crate) state: &'static str,
    pub(crate) kept: Option<Kept>,
    pub(crate) failing: Option<String>,
    /// What it is not as good as it could be for.
    pub(crate) aside: Option<&'static str>,
    /// The id by which it may be taken away.
    pub(crate) remove: Option<String>,
}

/// The last checkpoint that a place confirmed to have.
pub(crate) struct Kept {
    pub(crate) when: String,
    pub(crate) exact: String,
    pub(crate) size: String,
}

/// Where a checkpoint was kept last, wherever that was.
pub(crate) fn former(app: &App, face: &Face) -> Option<String> {
    let anchors = app.anchors.read();
    let last = anchors.newest()?;
    Some(format!("{} at {}", face.brief(last.at), last.place))
}

/// Every place, those that nothing reached too.
pub(crate) fn places(scene: &Scene) -> Vec<PlaceLine> {
    let (app, face) = (&scene.app, &scene.face);
    let added = AddedPlace::all(&app.control);
    let may_change = scene.viewer.may(Capability::Manage);
    let anchors = app.anchors.read();
    let line = |place: &AnchorPlace| {
        let of = |one: &&AddedPlace| Some(&one.id) == place.added.as_ref();
        PlaceLine {
            place: place.place.clone(),
            way: place.way.word(),
            by: match added.iter().find(of) {
                Some(one) => format!("added {}", face.brief(one.added)),
                None => "by the configuration".to_owned(),
            },
            state: match (&place.failing, place.kept) {
                (Some(_), _) => "failing",
                (None, Some(_)) => "kept",
                (None, None) => "waiting",
            },
            kept: place.kept.map(|at| Kept {
                when: face.brief(at),
                exact: face.exact(at),
                size: counted(place.size, "entry", "entries"),
            }),
            failing: place.failing.as_ref().map(|failing| {
                let since = face.brief(failing.since);
                format!("Fails since {since}: {}", failing.cause)
            }),
            aside: (place.kept.is_some() && place.way == AnchorWay::File && !place.elsewhere)
                .then_some(
                    "On the disk of the data folder: whoever owns this machine can rewrite both.",
                ),
            remove: place.added.clone().filter(|_| may_change),
        }
    };
    anchors.places().iter().map(line).collect()
}
