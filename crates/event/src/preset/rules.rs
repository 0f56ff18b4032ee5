//! Which step of a session a request is, and whether it is an API call or a page.

use std::borrow::Cow;

use super::normal::Segment;
use super::pattern::RoutePattern;
use super::words::Parts;
use super::{RequestHead, Step};
use crate::filter::TextPattern;
use crate::{RequestType, folded};

/// Recognises one step: by route, by words of the path, by form field.
#[derive(Debug, Clone, Default)]
pub(super) struct StepRule {
    pub(super) routes: Vec<RoutePattern>,
    /// The last segment contains one of these.
    pub(super) contains: Parts,
    /// The last segment is one of these.
    pub(super) is: Vec<String>,
    /// The last segment is one of these, for methods that send something.
    pub(super) sent_to: Vec<String>,
    /// The segment before the last is one of these, for methods that send something.
    pub(super) sent_below: Vec<String>,
    /// Never, if the last segment contains one of these.
    pub(super) except: Parts,
}

impl StepRule {
    /// Whether the request is the step, whatever its form says.
    pub(super) fn takes(
        &self,
        method: &str,
        segments: &[Segment<'_>],
        query: Option<&str>,
    ) -> bool {
        self.routes
            .iter()
            .any(|route| !route.has_form() && route.takes(method, segments, query))
            || self.words_take(sends(method), segments)
    }

    /// Whether it is a page from which the step is sent: the same path, to be looked at.
    pub(super) fn shows(&self, segments: &[Segment<'_>], query: Option<&str>) -> bool {
        self.routes.iter().any(|route| {
            !route.has_form() && route.find(segments).is_some() && route.takes_query(query)
        }) || self.words_take(false, segments)
    }

    /// Whether only the form can tell.
    pub(super) fn depends_on_form(
        &self,
        method: &str,
        segments: &[Segment<'_>],
        query: Option<&str>,
    ) -> bool {
        self.routes
            .iter()
            .any(|route| route.has_form() && route.takes(method, segments, query))
    }

    /// Whether the form makes the request the step.
    pub(super) fn takes_form(
        &self,
        method: &str,
        segments: &[Segment<'_>],
        query: Option<&str>,
        fields: &[(String, String)],
    ) -> bool {
        self.routes.iter().any(|route| {
            route.has_form() && route.takes(method, segments, query) && route.takes_form(fields)
        })
    }

    fn words_take(&self, sends: bool, segments: &[Segment<'_>]) -> bool {
        let lists = [&self.is, &self.sent_to, &self.sent_below];
        if self.contains.is_empty() && lists.iter().all(|list| list.is_empty()) {
            return false;
        }
        let Some((last, before)) = segments.split_last() else {
            return false;
        };
        let listed = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        let word = plain_word(&last.text);
        let below = || {
            before
                .last()
                .is_some_and(|it| listed(&self.sent_below, &plain_word(&it.text)))
        };
        let takes = self.contains.any_in(&word)
            || listed(&self.is, &word)
            || (sends && (listed(&self.sent_to, &word) || below()));
        takes && !self.except.any_in(&word)
    }
}

/// Whether requests of this method carry something to be acted upon.
fn sends(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// A segment as words are compared: folded, without its extension.
fn plain_word(segment: &str) -> Cow<'_, str> {
    folded(super::ids::without_extension(segment).0)
}

/// What makes a request an API call.
#[derive(Debug, Clone, Default)]
pub(super) struct ApiRule {
    /// Beginnings of paths, as patterns.
    pub(super) prefixes: Vec<RoutePattern>,
    /// A segment is one of these.
    pub(super) segments: Vec<String>,
    /// `Authorization: Bearer` was sent.
    pub(super) bearer: bool,
    /// `Accept` names one of these and no HTML.
    pub(super) accept: Vec<String>,
    /// `X-Requested-With` is one of these.
    pub(super) requested_with: Vec<String>,
}

impl ApiRule {
    pub(super) fn request_type(
        &self,
        head: &RequestHead<'_>,
        segments: &[Segment<'_>],
    ) -> RequestType {
        let in_segment = || {
            segments.iter().any(|segment| {
                self.segments
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(&segment.text))
            })
        };
        let accepted = || {
            head.accept.is_some_and(|accept| {
                let accept = accept.to_ascii_lowercase();
                !accept.contains("text/html")
                    && self
                        .accept
                        .iter()
                        .any(|kind| accept.contains(kind.as_str()))
            })
        };
        let requested = || {
            head.requested_with.is_some_and(|by| {
                self.requested_with
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(by))
            })
        };
        let api = (self.bearer && head.bearer)
            || self.prefixes.iter().any(|prefix| prefix.fits(segments))
            || (!self.segments.is_empty() && in_segment())
            || (!self.accept.is_empty() && accepted())
            || (!self.requested_with.is_empty() && requested());
        if api {
            RequestType::Api
        } else {
            RequestType::Web
        }
    }
}

/// Which cookies carry the session.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieRule {
    pub(super) session: Vec<TextPattern>,
    pub(super) ignored: Vec<TextPattern>,
}

impl CookieRule {
    pub(super) fn is_session(&self, name: &str) -> Option<bool> {
        let bare = ["__host-", "__secure-"]
            .iter()
            .find(|prefix| {
                name.get(..prefix.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            })
            .and_then(|prefix| name.get(prefix.len()..))
            .unwrap_or(name);
        let listed = |list: &[TextPattern]| list.iter().any(|pattern| pattern.is_whole(bare));
        if listed(&self.session) {
            Some(true)
        } else if listed(&self.ignored) {
            Some(false)
        } else {
            None
        }
    }
}

/// Where `Authorization: Basic` proves a name although nobody asked for it.
#[derive(Debug, Clone, Default)]
pub(super) struct BasicRule {
    /// Paths where the panel checks it.
    pub(super) guarded: Vec<RoutePattern>,
    /// Paths among them that answer everybody.
    pub(super) except: Vec<RoutePattern>,
    /// A query parameter that holds name and password in base64 instead.
    pub(super) parameter: Option<String>,
    /// Where the panel reads that parameter.
    pub(super) parameter_routes: Vec<RoutePattern>,
    /// The panel answers 401 also to somebody whom it knows and who lacks the right.
    pub(super) refuses_with_401: bool,
}

/// The step of a request by its head alone.
pub(super) fn step_of(
    steps: &Steps,
    method: &str,
    segments: &[Segment<'_>],
    query: Option<&str>,
) -> Step {
    // Signing out comes first: `/login?action=logout` signs nobody in.
    if steps.sign_out.takes(method, segments, query) {
        Step::SignOut
    } else if steps.second_factor.takes(method, segments, query)
        || (!sends(method) && steps.second_factor.shows(segments, query))
    {
        Step::SecondFactor
    } else if sends(method) && steps.sign_in.takes(method, segments, query) {
        Step::SignIn
    } else if matches!(method, "GET" | "HEAD")
        && (steps.sign_in.shows(segments, query)
            || steps.sign_in_form.takes(method, segments, query))
    {
        Step::SignInForm
    } else {
        Step::Ordinary
    }
}

/// The rules of all steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    pub(super) sign_in: StepRule,
    /// Pages that show the sign-in form under a path of their own.
    pub(super) sign_in_form: StepRule,
    pub(super) second_factor: StepRule,
    pub(super) sign_out: StepRule,
}
