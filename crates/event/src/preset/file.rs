//! Preset files: TOML, read strictly, every mistake with its line and a remedy.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::pattern::RoutePattern;
use super::route::{RouteLine, Routes, Template};
use super::rules::{ApiRule, BasicRule, CookieRule, StepRule, Steps};
use super::secrets::{Secrets, plain_name};
use super::words::Parts;
use super::{Preset, PresetError, impersonation};
use crate::filter::TextPattern;
use crate::fold;

/// Cookies that never carry a session, whatever a preset says.
const IGNORED_COOKIES: &[&str] = &[
    "*csrf*",
    "*xsrf*",
    "*testcookie*",
    "*test_cookie*",
    "*consent*",
    "_ga*",
    "_gid",
    "_gat*",
    "_fbp",
    "_hj*",
    "__cf*",
    "cf_*",
    "awsalb*",
    "awselb*",
    "lang",
    "language",
    "locale",
    "theme",
    "timezone",
    "tz",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    about: String,
    extends: Option<Spanned<String>>,
    sign_in: Option<SignInSection>,
    second_factor: Option<StepSection>,
    sign_out: Option<StepSection>,
    session: Option<SessionSection>,
    basic: Option<BasicSection>,
    api: Option<ApiSection>,
    polling: Option<PollingSection>,
    paths: Option<PathsSection>,
    impersonation: Option<ImpersonationSection>,
    #[serde(default)]
    secrets: SecretsSection,
    #[serde(default)]
    route: Vec<RouteSection>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SignInSection {
    routes: Vec<Spanned<String>>,
    form_routes: Vec<Spanned<String>>,
    shown_on: Vec<Spanned<String>>,
    contains: Vec<String>,
    is: Vec<String>,
    sent_to: Vec<String>,
    sent_below: Vec<String>,
    except: Vec<String>,
    user_fields: Vec<String>,
    redirect_proves: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct StepSection {
    routes: Vec<Spanned<String>>,
    contains: Vec<String>,
    is: Vec<String>,
    sent_to: Vec<String>,
    sent_below: Vec<String>,
    except: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SessionSection {
    cookies: Vec<String>,
    ignored: Vec<String>,
    set_proves: bool,
    refuses_with_401: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct BasicSection {
    guarded: Vec<Spanned<String>>,
    except: Vec<Spanned<String>>,
    parameter: Option<String>,
    parameter_routes: Vec<Spanned<String>>,
    refuses_with_401: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ApiSection {
    prefixes: Vec<Spanned<String>>,
    segments: Vec<String>,
    bearer: bool,
    accept: Vec<String>,
    requested_with: Vec<String>,
    method_override: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PollingSection {
    routes: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PathsSection {
    parameters: Vec<String>,
    keeps_encoded_slash: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ImpersonationSection {
    start: Vec<Spanned<String>>,
    stop: Vec<Spanned<String>>,
    r#as: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SecretsSection {
    parameters: Vec<String>,
    segments: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteSection {
    r#match: Spanned<String>,
    action: Spanned<String>,
    object: Option<Spanned<String>>,
    if_200: Option<Spanned<String>>,
}

/// Reads a preset; what it does not say comes from the preset it extends.
pub(super) fn parse(text: &str) -> Result<Preset, PresetError> {
    let at = Lines(text);
    let file: File = toml::from_str(text).map_err(|error| {
        let message = error.message().trim();
        match error.span() {
            Some(span) => at.error(&span, message),
            None => PresetError {
                message: message.to_owned(),
                line: None,
            },
        }
    })?;
    let base = match &file.extends {
        None => Preset::empty(),
        Some(name) => match Preset::built_in(name.get_ref()) {
            Some(base) => Preset::clone(&base),
            None => {
                let known = Preset::BUILT_IN.join(", ");
                let why = format!(
                    "there is no preset {:?} to extend; there are {known}",
                    name.get_ref()
                );
                return Err(at.error(&name.span(), &why));
            }
        },
    };
    at.compile(file, base)
}

/// The text, to tell the line of a mistake.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.0.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn error(&self, span: &Range<usize>, why: &str) -> PresetError {
        let line = self.line(span);
        PresetError {
            message: format!("line {line}: {why}"),
            line: Some(line),
        }
    }

    fn compile(&self, file: File, base: Preset) -> Result<Preset, PresetError> {
        let mut preset = base;
        if !file.about.is_empty() {
            preset.about = file.about;
        }
        if let Some(section) = file.sign_in {
            preset.steps.sign_in_form = StepRule {
                routes: self.routes(&section.form_routes)?,
                ..StepRule::default()
            };
            preset.steps.sign_in = StepRule {
                routes: self.routes(&section.routes)?,
                contains: parts(&section.contains),
                is: folded(&section.is),
                sent_to: folded(&section.sent_to),
                sent_below: folded(&section.sent_below),
                except: parts(&section.except),
            };
            preset.redirect_proves = section.redirect_proves;
            preset.shown_on = self.routes(&section.shown_on)?;
            if !section.user_fields.is_empty() {
                preset.user_fields = section.user_fields;
            }
        }
        if let Some(section) = file.second_factor {
            preset.steps.second_factor = self.step(&section)?;
        }
        if let Some(section) = file.sign_out {
            preset.steps.sign_out = self.step(&section)?;
        }
        if let Some(section) = file.session {
            preset.set_proves = section.set_proves;
            preset.refuses_sessions_with_401 = section.refuses_with_401;
            preset.cookies = CookieRule {
                session: patterns(section.cookies.iter().map(String::as_str)),
                ignored: patterns(
                    section
                        .ignored
                        .iter()
                        .map(String::as_str)
                        .chain(IGNORED_COOKIES.iter().copied()),
                ),
            };
        }
        if let Some(section) = file.basic {
            preset.basic = BasicRule {
                guarded: self.paths(&section.guarded)?,
                except: self.paths(&section.except)?,
                parameter: section.parameter,
                parameter_routes: self.routes(&section.parameter_routes)?,
                refuses_with_401: section.refuses_with_401,
            };
        }
        if let Some(section) = file.api {
            preset.overridden = self.paths(&section.method_override)?;
            preset.api = ApiRule {
                prefixes: self.paths(&section.prefixes)?,
                segments: section.segments,
                bearer: section.bearer,
                accept: folded(&section.accept),
                requested_with: section.requested_with,
            };
        }
        if let Some(section) = file.polling {
            preset.polling = self.routes(&section.routes)?;
        }
        if let Some(section) = file.paths {
            preset.path_parameters = section.parameters;
            preset.keeps_encoded_slash = section.keeps_encoded_slash;
        }
        if let Some(section) = &file.impersonation {
            preset.impersonation = self.impersonation(section)?;
        }
        self.add_secrets(&file.secrets, &mut preset.secrets)?;
        let own = file
            .route
            .iter()
            .map(|line| self.line_of(line))
            .collect::<Result<Vec<_>, _>>()?;
        let inherited = preset.routes.lines().iter().map(|line| RouteLine {
            at: None,
            ..line.clone()
        });
        let lines = own.into_iter().chain(inherited);
        preset.routes = Routes::new(lines.collect());
        Ok(preset)
    }

    fn step(&self, section: &StepSection) -> Result<StepRule, PresetError> {
        Ok(StepRule {
            routes: self.routes(&section.routes)?,
            contains: parts(&section.contains),
            is: folded(&section.is),
            sent_to: folded(&section.sent_to),
            sent_below: folded(&section.sent_below),
            except: parts(&section.except),
        })
    }

    fn add_secrets(
        &self,
        section: &SecretsSection,
        secrets: &mut Secrets,
    ) -> Result<(), PresetError> {
        secrets
            .names
            .extend(section.parameters.iter().map(|name| plain_name(name)));
        for (pattern, text) in self
            .paths(&section.segments)?
            .into_iter()
            .zip(&section.segments)
        {
            if pattern.first_literal().is_none() {
                let why = "begin with a text, so that only what follows it is cut out: \"/reset/{token}\"";
                return Err(self.error(&text.span(), why));
            }
            secrets.add_segments(pattern);
        }
        Ok(())
    }

    fn impersonation(
        &self,
        section: &ImpersonationSection,
    ) -> Result<impersonation::Rules, PresetError> {
        let heads_only = |text: &Spanned<String>| {
            let pattern = self.route(text)?;
            if pattern.has_form() {
                let why = "forms are not read here; leave the [ ] out";
                return Err(self.error(&text.span(), why));
            }
            Ok(pattern)
        };
        let start = section.start.iter().map(|text| {
            let pattern = heads_only(text)?;
            let written = match (&section.r#as, pattern.last_placeholder()) {
                (Some(written), _) => Template::parse(written.get_ref(), &pattern)
                    .map_err(|why| self.error(&written.span(), &why))?,
                (None, Some(name)) => Template::parse(&format!("{{{name}}}"), &pattern)
                    .map_err(|why| self.error(&text.span(), &why))?,
                (None, None) => {
                    let why = "say who is acted as: by a placeholder, \
                               \"POST /clients/{client}/login-as\", or by `as`";
                    return Err(self.error(&text.span(), why));
                }
            };
            Ok((pattern, written))
        });
        Ok(impersonation::Rules {
            start: start.collect::<Result<_, _>>()?,
            stop: section
                .stop
                .iter()
                .map(heads_only)
                .collect::<Result<_, _>>()?,
        })
    }

    fn line_of(&self, line: &RouteSection) -> Result<RouteLine, PresetError> {
        let pattern = self.route(&line.r#match)?;
        if pattern.has_form() {
            let why =
                "forms are read at sign-in, second factor and sign-out only; leave the [ ] out";
            return Err(self.error(&line.r#match.span(), why));
        }
        let template = |text: &Spanned<String>| {
            Template::parse(text.get_ref(), &pattern).map_err(|why| self.error(&text.span(), &why))
        };
        Ok(RouteLine {
            action: template(&line.action)?,
            object: line.object.as_ref().map(template).transpose()?,
            if_200: line.if_200.as_ref().map(template).transpose()?,
            pattern,
            written: Arc::from(line.r#match.get_ref().as_str()),
            at: Some(self.line(&line.r#match.span())),
        })
    }

    fn routes(&self, texts: &[Spanned<String>]) -> Result<Vec<RoutePattern>, PresetError> {
        texts.iter().map(|text| self.route(text)).collect()
    }

    fn route(&self, text: &Spanned<String>) -> Result<RoutePattern, PresetError> {
        RoutePattern::parse(text.get_ref()).map_err(|why| self.error(&text.span(), &why))
    }

    fn paths(&self, texts: &[Spanned<String>]) -> Result<Vec<RoutePattern>, PresetError> {
        let path = |text: &Spanned<String>| {
            RoutePattern::parse_path(text.get_ref()).map_err(|why| self.error(&text.span(), &why))
        };
        texts.iter().map(path).collect()
    }
}

fn parts(words: &[String]) -> Parts {
    Parts::new(folded(words).iter().map(String::as_str))
}

fn folded(words: &[String]) -> Vec<String> {
    words.iter().map(|word| fold(word)).collect()
}

fn patterns<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<TextPattern> {
    let pieces = |text: &str| text.split('*').map(str::to_owned).collect();
    texts
        .map(|text| TextPattern::from_pieces(pieces(text)))
        .collect()
}

impl Preset {
    /// A preset that knows nothing but the built-in secret names and cookies to ignore.
    fn empty() -> Self {
        Self {
            about: String::new(),
            steps: Steps::default(),
            user_fields: ["username", "user", "email", "login", "log", "name"]
                .map(str::to_owned)
                .into(),
            redirect_proves: false,
            shown_on: Vec::new(),
            set_proves: false,
            refuses_sessions_with_401: false,
            cookies: CookieRule {
                session: Vec::new(),
                ignored: patterns(IGNORED_COOKIES.iter().copied()),
            },
            basic: BasicRule::default(),
            api: ApiRule::default(),
            polling: Vec::new(),
            path_parameters: Vec::new(),
            overridden: Vec::new(),
            keeps_encoded_slash: false,
            secrets: Secrets::default(),
            impersonation: impersonation::Rules::default(),
            routes: Routes::default(),
        }
    }
}
