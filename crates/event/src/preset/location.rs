//! Where a redirect leads, as far as signing in is concerned.

use super::rules::step_of;
use super::{Preset, Step};

/// A redirect target taken apart; nothing of it is decoded yet.
struct Target<'a> {
    path: String,
    query: Option<&'a str>,
    /// The part after `#`, if it is the route of a single-page app (`#/login`).
    inner: Option<&'a str>,
}

impl Preset {
    /// Whether a redirect target (path, maybe with query or absolute) is a sign-in or second-factor
    /// route. Relative targets are taken from the root; better is [`Self::sign_in_target_from`].
    #[must_use]
    pub fn is_sign_in_target(&self, location: &str) -> Option<Step> {
        self.sign_in_target_from("/", location)
    }

    /// [`Self::is_sign_in_target`] for the answer to a request of this path, from which a relative
    /// target starts. `Some` is [`Step::SignInForm`] or [`Step::SecondFactor`].
    #[must_use]
    pub fn sign_in_target_from(&self, request_path: &str, location: &str) -> Option<Step> {
        let target = Target::of(request_path, location.trim());
        let inner = target
            .inner
            .map(|inner| inner.split_once('?').unwrap_or((inner, "")));
        self.step_shown(&target.path, target.query)
            .or_else(|| inner.and_then(|(path, query)| self.step_shown(path, Some(query))))
    }

    /// The path that a redirect target stands for, as the answer to a request of this path.
    #[must_use]
    pub fn target_path(request_path: &str, location: &str) -> String {
        Target::of(request_path, location.trim()).path
    }

    fn step_shown(&self, path: &str, query: Option<&str>) -> Option<Step> {
        let segments = self.segments(path, query);
        if self.impersonation.take("GET", &segments, query) {
            return None;
        }
        match step_of(&self.steps, "GET", &segments, query) {
            step @ (Step::SignInForm | Step::SecondFactor) => Some(step),
            Step::Ordinary | Step::SignIn | Step::SignOut => None,
        }
    }
}

impl<'a> Target<'a> {
    fn of(request_path: &str, location: &'a str) -> Self {
        let (location, fragment) = split(location, '#');
        let inner = fragment
            .map(|inner| inner.trim_start_matches('!'))
            .filter(|inner| inner.starts_with('/'));
        let (reference, query) = split(location, '?');
        let path = match without_authority(reference) {
            Some(path) => path.to_owned(),
            None if reference.is_empty() => request_path.to_owned(),
            None => {
                let folder = request_path
                    .rfind('/')
                    .and_then(|at| request_path.get(..=at));
                format!("{}{reference}", folder.unwrap_or("/"))
            }
        };
        Self { path, query, inner }
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The path of an absolute reference: after scheme and host, or from its leading slash. Browsers
/// take backslashes for slashes here. `None`: the reference is relative.
fn without_authority(reference: &str) -> Option<&str> {
    let slash = |c: char| c == '/' || c == '\\';
    let from_root = reference.starts_with(slash)
        || reference
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("%2f"));
    let after_scheme = match reference.split_once(':') {
        Some((scheme, rest))
            if !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) =>
        {
            rest
        }
        _ if from_root => reference,
        _ => return None,
    };
    let mut characters = after_scheme.chars();
    if characters.next().is_some_and(slash) && characters.next().is_some_and(slash) {
        let host = characters.as_str();
        Some(
            host.find(slash)
                .and_then(|at| host.get(at..))
                .unwrap_or("/"),
        )
    } else {
        Some(after_scheme)
    }
}
