//! Errors, as a page and as a part of one.

use askama::Template;

use crate::auth::forms::FailureView;
use crate::pages::parts::shell::Shell;

#[derive(Template)]
#[template(path = "pages/failure.html")]
struct FailurePage<'a> {
    shell: Shell,
    failure: &'a FailureView,
}

#[derive(Template)]
#[template(path = "parts/failure.html")]
struct FailurePart<'a> {
    failure: &'a FailureView,
}

/// A whole page.
pub(crate) fn page(failure: &FailureView) -> String {
    FailurePage {
        shell: Shell::bare(failure.title),
        failure,
    }
    .render()
    .unwrap_or_default()
}

/// A piece of a page.
pub(crate) fn part(failure: &FailureView) -> String {
    FailurePart { failure }.render().unwrap_or_default()
}
