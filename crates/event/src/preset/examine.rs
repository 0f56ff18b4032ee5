//! Which line of a preset speaks for a request, for whoever writes the preset.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::normal::Segment;
use super::pattern::{RoutePattern, parameters};
use super::suggest::Shape;
use super::{Preset, RequestHead, Step, is_asset};

/// One `[[route]]` line, as a file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresetLine<'a> {
    /// Its `match`.
    pub written: &'a str,
    /// Its line in the file, from 1 on; `None`: the file took it over by `extends`.
    pub at: Option<usize>,
}

/// What a preset says of a request.
pub(crate) enum Spoken {
    /// This one of its lines.
    Line(usize),
    /// Its rules for signing in and out, second factors and acting as somebody else.
    Step,
    /// Nothing: the sentence is made of method and path.
    Nothing(Shape),
}

/// A request, examined.
pub(crate) struct Examined {
    pub(crate) spoken: Spoken,
    /// By its extension a style, script, image or font.
    pub(crate) asset: bool,
}

impl Preset {
    /// All lines, in the order in which they are tried.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = PresetLine<'_>> {
        self.routes.lines().iter().map(|line| PresetLine {
            written: &line.written,
            at: line.at,
        })
    }

    /// What of the preset speaks for a request of which only this is known.
    pub(crate) fn examine(&self, method: &str, path: &str, query: Option<&str>) -> Examined {
        let path = path.split(['?', '#']).next().unwrap_or("");
        let head = RequestHead::new(method, path, query);
        let mut segments = self.path_segments(path);
        self.hide_secrets(path, &mut segments);
        self.append_path_parameter(query, &mut segments);
        let step = self.step(&head, &segments);
        let may_have_line = matches!(step, Step::Ordinary | Step::SecondFactor);
        let line = may_have_line
            .then(|| self.routes.find(method, &segments, query))
            .flatten();
        let spoken = match line {
            Some(found) => Spoken::Line(found.index),
            None if self.has_words(&head, step, &segments) => Spoken::Step,
            None => Spoken::Nothing(Shape::of(&segments)),
        };
        Examined {
            asset: matches!(spoken, Spoken::Nothing(_))
                && matches!(method, "GET" | "HEAD")
                && is_asset(None, &segments),
            spoken,
        }
    }

    /// Whether something besides the lines says what the request is, perhaps together with a form
    /// that nobody keeps.
    fn has_words(&self, head: &RequestHead<'_>, step: Step, segments: &[Segment<'_>]) -> bool {
        let by_form =
            |rule: &super::rules::StepRule| rule.depends_on_form(head.method, segments, head.query);
        step != Step::Ordinary
            || self.impersonation(head, segments).is_some()
            || self.step_rules().iter().any(|(rule, _)| by_form(rule))
    }

    /// The query parameters, in lower case, that anything of the preset asks about: all others
    /// change nothing in what a request is called.
    pub(crate) fn asked_parameters(&self) -> BTreeSet<String> {
        let steps = [
            &self.steps.sign_in,
            &self.steps.sign_in_form,
            &self.steps.second_factor,
            &self.steps.sign_out,
        ];
        let starts = self.impersonation.start.iter().map(|(route, _)| route);
        let lines = self.routes.lines().iter().map(|line| &line.pattern);
        let patterns = steps
            .into_iter()
            .flat_map(|step| &step.routes)
            .chain(starts)
            .chain(&self.impersonation.stop)
            .chain(lines);
        patterns
            .flat_map(RoutePattern::asked_parameters)
            .chain(self.path_parameters.iter().map(String::as_str))
            .map(str::to_ascii_lowercase)
            .collect()
    }
}

/// The query without the parameters that nobody asks about.
pub(crate) fn only_asked<'q>(query: &'q str, asked: &BTreeSet<String>) -> Cow<'q, str> {
    if asked.is_empty() || query.is_empty() {
        return Cow::Borrowed("");
    }
    let is_asked =
        |pair: &&str| parameters(pair).any(|(name, _)| asked.contains(&name.to_ascii_lowercase()));
    let kept: Vec<&str> = query.split(['&', ';']).filter(is_asked).collect();
    match kept.as_slice() {
        [only] => Cow::Borrowed(*only),
        kept => Cow::Owned(kept.join("&")),
    }
}
