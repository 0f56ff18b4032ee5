//! Routes by which an admin begins and ends to act as somebody else: "log in as client".

use super::normal::Segment;
use super::pattern::RoutePattern;
use super::route::Template;
use super::{Impersonation, Preset, RequestHead};
use crate::{Limits, clip};

/// The `[impersonation]` section, compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Routes, and how the one acted as is written.
    pub(super) start: Vec<(RoutePattern, Template)>,
    pub(super) stop: Vec<RoutePattern>,
}

impl Rules {
    /// Whether the route begins or ends it. Such a route often reads like a sign-in
    /// (`/clients/5/login-as`) and is none.
    pub(super) fn take(&self, method: &str, segments: &[Segment<'_>], query: Option<&str>) -> bool {
        let starts = self.start.iter().map(|(route, _)| route);
        starts
            .chain(&self.stop)
            .any(|route| route.takes(method, segments, query))
    }
}

impl Preset {
    /// What the route does, if it begins or ends an impersonation.
    pub(super) fn impersonation(
        &self,
        head: &RequestHead<'_>,
        segments: &[Segment<'_>],
    ) -> Option<Impersonation> {
        // Asking what a route would answer starts nothing.
        if head.method == "HEAD" {
            return None;
        }
        let stops = |route: &RoutePattern| route.takes(head.method, segments, head.query);
        if self.impersonation.stop.iter().any(stops) {
            return Some(Impersonation::Stop);
        }
        let starts =
            |(route, _): &&(RoutePattern, Template)| route.takes(head.method, segments, head.query);
        let (route, written) = self.impersonation.start.iter().find(starts)?;
        let query = if written.reads_query() {
            self.redact_query(head.query.unwrap_or(""))
        } else {
            String::new()
        };
        let other = written.fill(route.find(segments)?, segments, &query);
        Some(Impersonation::Start(clip(other, Limits::TEXT).0))
    }
}

impl Impersonation {
    /// The sentence for a route that no line describes.
    pub(super) fn action(&self) -> String {
        match self {
            Self::Start(other) => format!("Logged in as {}", other.replace('/', " ")),
            Self::Stop => "Went back to the own account".to_owned(),
        }
    }

    /// What such a route touches.
    pub(super) fn object(&self) -> Option<String> {
        match self {
            Self::Start(other) if other.contains('/') => Some(other.clone()),
            Self::Start(_) | Self::Stop => None,
        }
    }
}
