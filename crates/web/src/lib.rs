//! Pages and HTTP API: what people and programs see of the trail.
//!
//! This room turns HTTP into questions to the store and answers into pages, JSON, CSV and live
//! streams. It promises: nobody without a session or token reads anything; an event is confirmed
//! only when it is durable; every error carries a stable code and a request id, never its cause;
//! every view, search and export of the trail says who made it ([`admintrail_capture::Declared`]),
//! so that the layer around [`router`] can record it. It holds no connection and no listener: the
//! binary builds [`App`] and serves [`router`].
//!
//! `pages/`, `templates/` and `static/` draw; everything else here answers.

pub mod anchors;
mod api;
mod app;
mod around;
pub mod auth;
mod counters;
mod direct;
mod ending;
pub mod erasing;
pub mod error;
mod form;
pub mod health;
mod hints;
pub mod integrity;
mod limits;
pub mod pages;
mod router;
mod routes;
mod settings;
mod sign_in;
mod thousands;
mod verifying;
pub mod view_query;

pub use anchors::{Anchor, AnchorPlace, AnchorPlaces, AnchorRules, AnchorWay, Anchors};
pub use api::file::{FileFormat, write_file};
pub use api::pack::{PACK_EVENTS, PackAsk, PackError, Packed, write_pack};
pub use app::{App, AppOptions, PanelInfo, PresetOf};
pub use direct::{DirectAccess, DirectAccesses, Reach};
pub use erasing::Erasing;
pub use error::WebError;
pub use health::Health;
pub use integrity::Integrity;
pub use limits::Limits;
pub use router::router;
pub use routes::{Access, Route, routes};
pub use view_query::ViewQuery;
