//! What a panel's requests mean: sign-in routes, API rule, secrets, and sentences for routes.
//!
//! A preset is a TOML file; `presets/generic.toml` shows every key with its meaning. Whatever is
//! matched is matched on the normal form of the path (`normal`), and whatever ends up in a
//! sentence, route or object has been through the redaction first.

mod describe;
mod english;
mod examine;
mod file;
mod ids;
mod impersonation;
mod location;
mod normal;
mod pattern;
mod route;
mod rules;
mod secrets;
mod sentence;
mod suggest;
mod words;

pub(crate) use describe::{DEEDS, FORMS, names_a_place, spoken};
pub(crate) use english::{is_one_page, is_plural};
pub use examine::PresetLine;
pub(crate) use examine::{Examined, Spoken, only_asked};
pub(crate) use normal::REDACTED;
pub use sentence::broken_off;
pub use suggest::Suggestion;
pub(crate) use suggest::{Shape, written_method};

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use crate::{Learned, Limits, RequestType, clip, encode_text};

use describe::{describe, push_route_segment, route_of};
use normal::{Segment, decode_fully, kept_form, normal_form};
use pattern::{RoutePattern, parameter};
use route::Routes;
use rules::{ApiRule, BasicRule, CookieRule, Steps, step_of};
use secrets::Secrets;

/// What is known of a request before it is forwarded. Texts are raw, as sent (already UTF-8 safe).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestHead<'a> {
    /// Method token.
    pub method: &'a str,
    /// Path as sent.
    pub path: &'a str,
    /// Query as sent, not yet redacted.
    pub query: Option<&'a str>,
    /// `Accept`.
    pub accept: Option<&'a str>,
    /// `X-Requested-With`.
    pub requested_with: Option<&'a str>,
    /// Whether `Authorization: Bearer` (or a token scheme) was sent.
    pub bearer: bool,
    /// `Sec-Fetch-Dest`, which tells assets from pages.
    pub fetch_dest: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// Of a request whose headers say nothing.
    #[must_use]
    pub const fn new(method: &'a str, path: &'a str, query: Option<&'a str>) -> Self {
        Self {
            method,
            path,
            query,
            accept: None,
            requested_with: None,
            bearer: false,
            fetch_dest: None,
        }
    }
}

/// A request's place in the life of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// None of the others.
    Ordinary,
    /// Submits credentials (POST of the sign-in route).
    SignIn,
    /// Shows the sign-in form (GET of the sign-in route).
    SignInForm,
    /// Submits or shows a second factor.
    SecondFactor,
    /// Ends the session.
    SignOut,
}

impl Step {
    /// What every recorder says of a sign-out that was carried out: the step's sentence, which no
    /// route's own wording replaces. Who is active is told by it.
    pub const SIGNED_OUT: &'static str = "Signed out";

    /// What a sign-in that succeeded is called.
    pub const SIGNED_IN: &'static str = "Signed in";
}

/// Beginning or ending to act as somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impersonation {
    /// From a successful answer on the admin acts as this one: "client/4711".
    Start(String),
    /// From a successful answer on as nobody but themselves.
    Stop,
}

/// What a preset says of a request. Its texts hold no secrets and are safe to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// API or WEB.
    pub request_type: RequestType,
    /// Route template, ids replaced by `{id}`.
    pub route: String,
    /// The action if it succeeds: "Changed settings".
    pub action: String,
    /// The action if the status is 200, where that means that the form was shown again.
    pub if_200: Option<String>,
    /// What it touches.
    pub object: Option<String>,
    /// Style, script, image, font.
    pub asset: bool,
    /// A route that pages repeat by themselves.
    pub polling: bool,
    /// Sign-in, sign-out or neither.
    pub step: Step,
    /// Whether an impersonation begins or ends here, if the panel agrees.
    pub impersonation: Option<Impersonation>,
    /// The route before anything was learned, where that is another one.
    pub unlearned: Option<String>,
    /// A line of the preset speaks for it.
    pub by_line: bool,
}

impl Reading {
    /// The route as it reads without what was learned: what proves who somebody is must not become
    /// more or less because names in a path began to vary.
    #[must_use]
    pub fn unlearned_route(&self) -> &str {
        self.unlearned.as_deref().unwrap_or(&self.route)
    }
}

/// Rules of one panel, parsed from a TOML file.
#[derive(Debug, Clone)]
pub struct Preset {
    about: String,
    steps: Steps,
    user_fields: Vec<String>,
    redirect_proves: bool,
    /// Routes that show strangers the sign-in form under their own address.
    shown_on: Vec<RoutePattern>,
    set_proves: bool,
    refuses_sessions_with_401: bool,
    cookies: CookieRule,
    basic: BasicRule,
    api: ApiRule,
    polling: Vec<RoutePattern>,
    /// Query parameters whose value goes on where the path ends.
    path_parameters: Vec<String>,
    /// Paths on which `X-HTTP-Method-Override` counts.
    overridden: Vec<RoutePattern>,
    /// The panel splits a path before it decodes it: `%2F` is part of a name.
    keeps_encoded_slash: bool,
    secrets: Secrets,
    impersonation: impersonation::Rules,
    routes: Routes,
}

/// A mistake in a preset file, with line and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PresetError {
    /// What is wrong, where, what to do.
    pub message: String,
    /// 1-based line, where known.
    pub line: Option<usize>,
}

/// A compiled-in file, parsed when first asked for. A test holds that each of them parses.
type BuiltIn = LazyLock<Option<Arc<Preset>>>;

static GENERIC: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/generic.toml")));
static DJANGO: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/django-admin.toml")));
static WORDPRESS: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/wordpress.toml")));
static PHPMYADMIN: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/phpmyadmin.toml")));
static PUQCLOUD: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/puqcloud.toml")));
static RABBITMQ: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/rabbitmq.toml")));
static NODE_RED: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/node-red.toml")));
static FLOWER: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/flower.toml")));
static OWN: BuiltIn =
    LazyLock::new(|| built_in(include_str!("../../../../presets/admintrail.toml")));

fn built_in(text: &str) -> Option<Arc<Preset>> {
    Preset::parse(text).ok().map(Arc::new)
}

impl Preset {
    /// Names of the compiled-in presets.
    pub const BUILT_IN: &'static [&'static str] = &[
        "generic",
        "django-admin",
        "wordpress",
        "phpmyadmin",
        "puqcloud",
        "rabbitmq",
        "node-red",
        "flower",
        "admintrail",
    ];

    /// A compiled-in preset.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Arc<Self>> {
        let preset = match name {
            "generic" => &GENERIC,
            "django-admin" => &DJANGO,
            "wordpress" => &WORDPRESS,
            "phpmyadmin" => &PHPMYADMIN,
            "puqcloud" => &PUQCLOUD,
            "rabbitmq" => &RABBITMQ,
            "node-red" => &NODE_RED,
            "flower" => &FLOWER,
            "admintrail" => &OWN,
            _ => return None,
        };
        LazyLock::force(preset).clone()
    }

    /// Reads a preset file. `extends = "generic"` takes over another's rules: a section that the
    /// file has replaces the other's, its secrets and routes are added, its routes first.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(toml: &str) -> Result<Self, PresetError> {
        file::parse(toml)
    }

    /// What the preset is for, in a sentence.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// What the request is. Matched on the normal form of the path; cheap (a few µs).
    #[must_use]
    pub fn read(&self, head: &RequestHead<'_>) -> Reading {
        self.read_with(head, &Learned::default())
    }

    /// [`Self::read`] with what was learned of the panel's paths: names that vary read as ids,
    /// unless a line of the preset says what the request is.
    #[must_use]
    pub fn read_with(&self, head: &RequestHead<'_>, learned: &Learned) -> Reading {
        // A `?` or `#` can only be there by mistake, and ends the path for everybody else.
        let path = head.path.split(['?', '#']).next().unwrap_or("");
        let mut segments = self.path_segments(path);
        self.hide_secrets(path, &mut segments);
        self.append_path_parameter(head.query, &mut segments);
        let request_type = self.api.request_type(head, &segments);
        let step = self.step(head, &segments);
        let impersonation = self.impersonation(head, &segments);
        let polling = self.polling.iter().any(|route| {
            route.takes_method(head.method)
                && route.find(&segments).is_some()
                && route.takes_query(head.query)
        });
        let text = |text: String| clip(text, Limits::TEXT).0;
        // Signing in and out has its own sentences, whatever lines say of the path.
        let line = match step {
            Step::Ordinary | Step::SecondFactor => {
                self.routes.find(head.method, &segments, head.query)
            }
            Step::SignIn | Step::SignInForm | Step::SignOut => None,
        };
        if let Some(found) = line {
            let line = found.line;
            let query = if line.reads_query() {
                self.redact_query(head.query.unwrap_or(""))
            } else {
                String::new()
            };
            let fill = |template| text(found.fill(template, &segments, &query));
            return Reading {
                request_type,
                route: text(found.route(&segments)),
                action: fill(&line.action),
                if_200: line.if_200.as_ref().map(fill),
                object: line.object.as_ref().map(fill),
                // Whoever wrote a line for it wants to see it.
                asset: false,
                polling,
                step,
                impersonation,
                unlearned: None,
                by_line: true,
            };
        }
        let asset = request_type == RequestType::Web
            && step == Step::Ordinary
            && matches!(head.method, "GET" | "HEAD")
            && is_asset(head.fetch_dest, &segments);
        let before = (!learned.is_empty() && step == Step::Ordinary && !asset)
            .then(|| mark_varying(&mut segments, learned))
            .flatten();
        let (action, object) = match (step, &impersonation) {
            (_, Some(impersonation)) => (impersonation.action(), impersonation.object()),
            (Step::SignIn, _) => (Step::SIGNED_IN.to_owned(), None),
            (Step::SignInForm, _) => ("Viewed sign-in form".to_owned(), None),
            (Step::SecondFactor, _) if matches!(head.method, "GET" | "HEAD") => {
                ("Viewed second-factor form".to_owned(), None)
            }
            (Step::SecondFactor, _) => ("Confirmed second factor".to_owned(), None),
            (Step::SignOut, _) => (Step::SIGNED_OUT.to_owned(), None),
            (Step::Ordinary, None) => match segments.last() {
                Some(file) if asset && has_asset_extension(&segments) => {
                    (format!("Loaded {}", encode_text(&file.text)), None)
                }
                _ => {
                    let description = describe(head.method, &segments);
                    (description.action, description.object)
                }
            },
        };
        Reading {
            request_type,
            route: text(route_of(&segments)),
            action: text(action),
            if_200: None,
            object: object.map(text),
            asset,
            polling,
            step,
            impersonation,
            unlearned: before.map(text),
            by_line: false,
        }
    }

    /// The method that the panel acts upon, if the request asks for another one by
    /// `X-HTTP-Method-Override`. Where the preset does not say so the header means nothing: it
    /// would be a way to make a deletion read like a look.
    #[must_use]
    pub fn method_of<'a>(&self, head: &RequestHead<'a>, asked: Option<&'a str>) -> &'a str {
        let Some(asked) = asked.filter(|_| !self.overridden.is_empty()) else {
            return head.method;
        };
        let segments = self.segments(head.path, head.query);
        let counts = |path: &RoutePattern| path.find(&segments).is_some();
        let token = asked.bytes().all(|byte| byte.is_ascii_uppercase()) && !asked.is_empty();
        if token && self.overridden.iter().any(counts) {
            asked
        } else {
            head.method
        }
    }

    fn step(&self, head: &RequestHead<'_>, segments: &[Segment<'_>]) -> Step {
        if self.impersonation.take(head.method, segments, head.query) {
            return Step::Ordinary;
        }
        match step_of(&self.steps, head.method, segments, head.query) {
            // A style of the sign-in page is no sign-in page, and the picture on the sign-out
            // button signs nobody out.
            Step::SignInForm | Step::SecondFactor
                if head.method != "POST" && has_asset_extension(segments) =>
            {
                Step::Ordinary
            }
            Step::SignOut
                if matches!(head.method, "GET" | "HEAD") && has_asset_extension(segments) =>
            {
                Step::Ordinary
            }
            step => step,
        }
    }

    /// Whether the request's form must be read to know its step ([`Self::step_of_form`]): some
    /// panels sign in and out by a form field on one and the same path.
    #[must_use]
    pub fn needs_form(&self, head: &RequestHead<'_>) -> bool {
        let segments = self.segments(head.path, head.query);
        self.step_rules()
            .into_iter()
            .any(|(rule, _)| rule.depends_on_form(head.method, &segments, head.query))
    }

    /// The step of a request whose form has these fields; by its head alone if the form says nothing.
    #[must_use]
    pub fn step_of_form(&self, head: &RequestHead<'_>, fields: &[(String, String)]) -> Step {
        let segments = self.segments(head.path, head.query);
        self.step_rules()
            .into_iter()
            .find(|(rule, _)| rule.takes_form(head.method, &segments, head.query, fields))
            .map_or_else(|| self.step(head, &segments), |(_, step)| step)
    }

    fn step_rules(&self) -> [(&rules::StepRule, Step); 3] {
        [
            (&self.steps.sign_out, Step::SignOut),
            (&self.steps.second_factor, Step::SecondFactor),
            (&self.steps.sign_in, Step::SignIn),
        ]
    }

    /// Whether a stranger gets the sign-in form here, under the address that was asked for.
    #[must_use]
    pub fn shows_form_instead(&self, head: &RequestHead<'_>) -> bool {
        if self.shown_on.is_empty() {
            return false;
        }
        let segments = self.segments(head.path, head.query);
        self.shown_on.iter().any(|route| {
            route.takes_method(head.method)
                && route.find(&segments).is_some()
                && route.takes_query(head.query)
        })
    }

    /// What a request is whose form, not its query, holds the panel's path (`[paths]`). `None`:
    /// its head has said all there is.
    #[must_use]
    pub fn read_form(
        &self,
        head: &RequestHead<'_>,
        fields: &[(String, String)],
    ) -> Option<Reading> {
        let in_query = |name: &String| parameter(head.query.unwrap_or(""), name).is_some();
        if self.path_parameters.iter().any(in_query) {
            return None;
        }
        let (name, value) = self.path_parameters.iter().find_map(|known| {
            let mut values = fields.iter().filter(|(name, _)| name == known);
            let first = values.next()?;
            values.next().is_none().then_some(first)
        })?;
        let value =
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
        let query = format!("{name}={value}");
        Some(self.read(&RequestHead {
            query: Some(&query),
            ..*head
        }))
    }

    /// Whether the panel answers the form with a redirect elsewhere only if the password was right.
    #[must_use]
    pub const fn redirect_proves(&self) -> bool {
        self.redirect_proves
    }

    /// Whether the panel sets its session cookies only for somebody who is signed in, and removes
    /// them from whom it does not know: guests get none.
    #[must_use]
    pub const fn set_proves(&self) -> bool {
        self.set_proves
    }

    /// Whether a 401 without a challenge (`WWW-Authenticate`) only says that a session lacks the
    /// right: to whom it does not know the panel sends a challenge with it.
    #[must_use]
    pub const fn refuses_sessions_with_401(&self) -> bool {
        self.refuses_sessions_with_401
    }

    /// The user name among the fields of a form: the preferred field that is there, also as the
    /// last part of a nested name (`user[email]`, `session.email`). Fields that name several name
    /// nobody: which of them the panel reads is not known here, nor how it compares their names.
    #[must_use]
    pub fn user_name_in<'a>(&self, fields: &'a [(String, String)]) -> Option<&'a str> {
        let last_part = |name: &'a str| {
            name.trim_end_matches(']')
                .rsplit(['[', '.'])
                .next()
                .unwrap_or(name)
        };
        let filled = || {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.as_str(), value.trim()))
                .filter(|(_, value)| !value.is_empty())
        };
        let is = |name: &'a str, wanted: &str| {
            name.eq_ignore_ascii_case(wanted) || last_part(name).eq_ignore_ascii_case(wanted)
        };
        let preferred = self.user_fields.iter().find_map(|wanted| {
            let exact = filled().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            exact.or_else(|| filled().find(|(name, _)| is(name, wanted)))
        });
        let (_, chosen) = preferred?;
        let mut others = filled().filter(|(name, value)| {
            let may_be_read = self.user_fields.iter().any(|wanted| is(name, wanted));
            may_be_read && *value != chosen && !is_button(value)
        });
        others.next().is_none().then_some(chosen)
    }

    /// Whether a cookie of this name carries the session: `Some(true)` yes, `Some(false)` never
    /// (CSRF, test cookies), `None` unknown: any cookie that a sign-in sets may. Where a sign-in
    /// sets one that does, the unknown ones beside it do not.
    #[must_use]
    pub fn is_session_cookie(&self, name: &[u8]) -> Option<bool> {
        self.cookies.is_session(std::str::from_utf8(name).ok()?)
    }

    /// The same, with one secret parameter more.
    #[must_use]
    pub fn with_secret_parameter(&self, name: &str) -> Self {
        let mut preset = self.clone();
        preset.secrets.names.push(secrets::plain_name(name));
        preset
    }

    /// Whether the panel checks an `Authorization: Basic` on this path: `Some(true)` it does,
    /// though it may never ask for one; `Some(false)` it answers whatever is sent; `None` unknown.
    #[must_use]
    pub fn checks_basic(&self, path: &str) -> Option<bool> {
        if self.basic.guarded.is_empty() && self.basic.except.is_empty() {
            return None;
        }
        let segments = self.path_segments(path);
        let among = |paths: &[RoutePattern]| paths.iter().any(|it| it.find(&segments).is_some());
        if among(&self.basic.except) {
            return Some(false);
        }
        // What the panel reads differently may lead to a page that checks nothing.
        let decoded = decode_fully(path);
        let plain = !decoded.contains("..") && !decoded.contains('\\');
        (plain && among(&self.basic.guarded)).then_some(true)
    }

    /// Name and password in base64, where this panel takes them from the query; `None` too if the
    /// query has two.
    #[must_use]
    pub fn basic_in_query<'a>(&self, head: &RequestHead<'a>) -> Option<Cow<'a, str>> {
        let name = self.basic.parameter.as_deref()?;
        let query = head.query?;
        let segments = self.path_segments(head.path);
        let read_here = |route: &RoutePattern| {
            route.takes_method(head.method)
                && route.find(&segments).is_some()
                && route.takes_query(head.query)
        };
        self.basic
            .parameter_routes
            .iter()
            .any(read_here)
            .then(|| parameter(query, name))?
    }

    /// Whether a 401 may only mean that somebody whose name and password are right lacks the right.
    #[must_use]
    pub const fn refuses_with_401(&self) -> bool {
        self.basic.refuses_with_401
    }

    /// The query with secret values replaced by `[redacted]`, names in any case, encoded once or
    /// twice, nested (`user[password]`, JSON, a URL in a value). Redacting twice changes nothing.
    #[must_use]
    pub fn redact_query(&self, query: &str) -> String {
        self.secrets.redact_query(query)
    }

    /// The path with secret segments replaced by `[redacted]`, however it is encoded.
    #[must_use]
    pub fn redact_path(&self, path: &str) -> String {
        self.secrets.redact_path(path)
    }

    /// [`Self::redact_path`] of a path that is not needed as it was.
    pub(crate) fn without_secrets(&self, path: String) -> String {
        self.secrets.without_secrets(path)
    }

    /// The path in normal form, with what the query says of it.
    fn segments<'a>(&self, path: &'a str, query: Option<&str>) -> Vec<Segment<'a>> {
        let mut segments = self.path_segments(path);
        self.append_path_parameter(query, &mut segments);
        segments
    }

    fn path_segments<'a>(&self, path: &'a str) -> Vec<Segment<'a>> {
        if self.keeps_encoded_slash {
            kept_form(path)
        } else {
            normal_form(path)
        }
    }

    /// `/index.php?route=/table/search` is about `/index.php/table/search`, where the preset says
    /// that `route` holds paths. Secrets in it are cut out as they are out of every query.
    fn append_path_parameter(&self, query: Option<&str>, segments: &mut Vec<Segment<'_>>) {
        if self.path_parameters.is_empty() {
            return;
        }
        let query = self.redact_query(query.unwrap_or(""));
        let mut known = self.path_parameters.iter();
        let Some(inner) = known.find_map(|name| parameter(&query, name)) else {
            return;
        };
        let end = segments.last().map_or(0, |last| last.raw.end);
        segments.extend(normal_form(&inner).into_iter().map(|segment| Segment {
            text: segment.text.into_owned().into(),
            raw: end..end,
            text_end: end,
            varies: false,
        }));
    }

    /// Segments whose bytes are secret read as `[redacted]` from here on.
    fn hide_secrets(&self, path: &str, segments: &mut [Segment<'_>]) {
        for secret in self.secrets.ranges(path, segments) {
            let hidden = segments.iter_mut().filter(|segment| {
                segment.raw.start < secret.end && secret.start < segment.text_end
            });
            for segment in hidden {
                segment.text = REDACTED.into();
            }
        }
    }
}

/// Marks names that vary. Tells the route that it was before, if there were any.
fn mark_varying(segments: &mut [Segment<'_>], learned: &Learned) -> Option<String> {
    let mut template = String::with_capacity(48);
    let mut before = None;
    for at in 0..segments.len() {
        let (start, route) = (template.len(), &mut template);
        let segment = segments.get_mut(at)?;
        route.push('/');
        push_route_segment(segment, route);
        let (parent, own) = template.split_at(start);
        if learned.varies(parent, own.strip_prefix('/').unwrap_or(own)) {
            before = before.or_else(|| Some(route_of(segments)));
            let segment = segments.get_mut(at)?;
            segment.varies = true;
            template.truncate(start);
            template.push('/');
            push_route_segment(segment, &mut template);
        }
    }
    before
}

/// By what the browser says it is for; without that, or for scripts' own requests, by extension.
fn is_asset(fetch_dest: Option<&str>, segments: &[Segment<'_>]) -> bool {
    match fetch_dest {
        Some("style" | "script" | "image" | "font") => true,
        Some("empty" | "") | None => has_asset_extension(segments),
        Some(_) => false,
    }
}

/// Extensions of what pages are made up of.
pub(crate) const ASSETS: &[&str] = &[
    "avif", "bmp", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "otf", "png",
    "svg", "ttf", "webp", "woff", "woff2",
];

fn has_asset_extension(segments: &[Segment<'_>]) -> bool {
    segments
        .last()
        .and_then(|last| last.text.rsplit_once('.'))
        .is_some_and(|(stem, extension)| {
            !stem.is_empty()
                && ASSETS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(extension))
        })
}

/// Whether this is what the button of a sign-in form sends along: some are called `login` or `name`.
fn is_button(value: &str) -> bool {
    const LABELS: [&str; 12] = [
        "log in", "login", "log-in", "sign in", "signin", "sign-in", "submit", "go", "ok", "enter",
        "1", "true",
    ];
    LABELS.iter().any(|label| value.eq_ignore_ascii_case(label))
}
