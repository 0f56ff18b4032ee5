//! Events that somebody sends: read strictly, then made safe to keep.

mod fields;
mod plain;

use serde::de::{Deserialize, Deserializer, Error as _};

use crate::attempt::hide_tried;
use crate::{
    Draft, Ending, EventId, Ip, Kind, KnownBy, Limits, Micros, Outcome, PanelName, Preset,
    RequestHead, RequestType, SessionHash, clip, encode_text, encoded,
};

use fields::{Field, Fields, Sent, needed, wrong};

/// Why a submitted event cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SubmitError {
    /// Which field; `event` if it is none in particular.
    pub field: String,
    /// What is wrong and what to send instead.
    pub message: String,
}

impl SubmitError {
    fn new(field: &str, message: impl Into<String>) -> Self {
        let field = clip(encode_text(field).into_owned(), 64).0;
        Self {
            field,
            message: message.into(),
        }
    }
}

/// An event as somebody sends it: `panel`, `time`, `method`, `path` are needed, the rest is
/// optional. Unknown fields are errors; fields that the trail decides (`log`, `seq`, `received`,
/// `first`) are accepted and ignored, so that an export can be imported. `route` and `object` are
/// filled by the preset where the field is missing; an explicit null stays null.
#[derive(Debug, Clone)]
pub struct SubmittedEvent {
    id: Option<EventId>,
    kind: Kind,
    count: Option<u64>,
    time: Micros,
    panel: PanelName,
    recorder: String,
    recorder_epoch: u64,
    recorder_seq: u64,
    admin: Option<String>,
    admin_name: Option<String>,
    known_by: Option<KnownBy>,
    attempted: Option<String>,
    acting_as: Option<String>,
    ip: Option<Ip>,
    user_agent: Option<String>,
    session: Option<SessionHash>,
    request_type: Option<RequestType>,
    method: String,
    scheme: Option<String>,
    host: Option<String>,
    path: String,
    query: Sent<String>,
    route: Sent<String>,
    action: Option<String>,
    object: Sent<String>,
    status: Option<u16>,
    outcome: Option<Outcome>,
    ending: Option<Ending>,
    duration_us: Option<u64>,
    request_bytes: Option<u64>,
    response_bytes: Option<u64>,
    asset: Option<bool>,
    polling: Option<bool>,
    path_bytes: Option<u32>,
    query_bytes: Option<u32>,
    agent_bytes: Option<u32>,
}

impl SubmittedEvent {
    /// Longest JSON of one event, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// How far a sender's clock may be ahead of ours: an hour.
    pub const AHEAD: Micros = Micros(3_600_000_000);

    /// Parses one JSON object.
    ///
    /// # Errors
    /// The first field that cannot be taken, and what to send instead.
    pub fn parse(json: &[u8]) -> Result<Self, SubmitError> {
        Self::parse_of(json, None)
    }

    /// Parses one JSON object, of this panel if it names none itself.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_of(json: &[u8], panel: Option<&PanelName>) -> Result<Self, SubmitError> {
        // Looking once whether all of it is text is cheaper than at each of its values.
        if let Ok(text) = std::str::from_utf8(json) {
            return Self::parse_text(text, panel);
        }
        not_too_long(json.len())?;
        Self::from_fields(
            serde_json::from_slice(json).map_err(|e| no_object(&e))?,
            panel,
        )
    }

    /// [`Self::parse_of`] a text.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_text(json: &str, panel: Option<&PanelName>) -> Result<Self, SubmitError> {
        not_too_long(json.len())?;
        let fields = match plain::read(json) {
            Some(fields) => fields,
            None => serde_json::from_str(json).map_err(|e| no_object(&e))?,
        };
        Self::from_fields(fields, panel)
    }

    /// The panel it names, to check a token's rights before the rest.
    #[must_use]
    pub fn panel(&self) -> &PanelName {
        &self.panel
    }

    /// When the request was made, to make an id from when none was sent.
    #[must_use]
    pub fn time(&self) -> Micros {
        self.time
    }

    /// Refuses what has not happened yet: it would stand above everything until then. `now` is the
    /// receiver's clock; a sender's may be ahead by [`SubmittedEvent::AHEAD`].
    ///
    /// # Errors
    /// The time, and what to do.
    pub fn not_ahead(&self, now: Micros) -> Result<(), SubmitError> {
        if self.time.0 <= now.0.saturating_add(Self::AHEAD.0) {
            return Ok(());
        }
        let message = format!(
            "{} is more than an hour ahead of this machine's clock ({now}); set the sender's \
             clock right, or send when it happened",
            self.time
        );
        Err(SubmitError::new("time", message))
    }

    /// The id, if one was sent; without it the submission is not idempotent.
    #[must_use]
    pub fn id(&self) -> Option<EventId> {
        self.id
    }

    /// The tried name as sent, for [`crate::attempted_name`] to decide on.
    #[must_use]
    pub fn attempted(&self) -> Option<&str> {
        self.attempted.as_deref()
    }

    /// Replaces the tried name by what may be kept of it, in the sentence too.
    pub fn set_attempted(&mut self, shown: String) {
        if let Some(typed) = &self.attempted
            && let Some(action) = self.action.take()
        {
            self.action = hide_tried(&action, typed, &shown);
        }
        self.attempted = Some(shown);
    }

    fn from_fields(mut fields: Fields<'_>, panel: Option<&PanelName>) -> Result<Self, SubmitError> {
        if let Some(name) = fields.repeated() {
            return Err(SubmitError::new(name, "is given twice; send it once"));
        }
        let event = Self {
            id: fields.text_as(
                Field::Id,
                "a UUIDv7, such as 01987b5c-2d7e-7cc3-98c4-dc0c0c07398f",
            )?,
            kind: fields
                .word(Field::Kind, Kind::ALL, Kind::as_str)?
                .unwrap_or(Kind::Request),
            count: fields.number(Field::Count)?,
            time: fields.time()?,
            panel: fields
                .text_as(
                    Field::Panel,
                    "a panel's name: a-z, 0-9, '-', '_', '.', at most 64",
                )?
                .or_else(|| panel.cloned())
                .ok_or_else(|| needed(Field::Panel, "the name of the panel"))?,
            recorder: fields.text(Field::Recorder)?.unwrap_or_default(),
            recorder_epoch: fields.number(Field::RecorderEpoch)?.unwrap_or(0),
            recorder_seq: fields.number(Field::RecorderSeq)?.unwrap_or(0),
            admin: fields.name(Field::Admin)?,
            admin_name: fields.name(Field::AdminName)?,
            known_by: fields.word(Field::KnownBy, KnownBy::ALL, KnownBy::as_str)?,
            attempted: fields.name(Field::Attempted)?,
            acting_as: fields.name(Field::ActingAs)?,
            ip: fields.text_as(Field::Ip, "an IPv4 or IPv6 address")?,
            user_agent: fields.text(Field::UserAgent)?,
            session: fields.text_as(
                Field::Session,
                "32 hexadecimal digits, a hash; never the cookie",
            )?,
            request_type: fields.word(Field::RequestType, RequestType::ALL, RequestType::as_str)?,
            method: fields
                .text(Field::Method)?
                .ok_or_else(|| needed(Field::Method, "such as GET"))?,
            scheme: fields.text(Field::Scheme)?,
            host: fields.text(Field::Host)?,
            path: fields
                .text(Field::Path)?
                .ok_or_else(|| needed(Field::Path, "such as /client/4711"))?,
            query: fields.sent(Field::Query)?,
            route: fields.sent(Field::Route)?,
            action: fields.name(Field::Action)?,
            object: fields.sent(Field::Object)?,
            status: fields.status()?,
            outcome: fields.word(Field::Outcome, Outcome::ALL, Outcome::as_str)?,
            ending: fields.word(Field::Ending, Ending::ALL, Ending::as_str)?,
            duration_us: fields.number(Field::DurationUs)?,
            request_bytes: fields.number(Field::RequestBytes)?,
            response_bytes: fields.number(Field::ResponseBytes)?,
            asset: fields.truth(Field::Asset)?,
            polling: fields.truth(Field::Polling)?,
            path_bytes: fields.length(Field::PathBytes)?,
            query_bytes: fields.length(Field::QueryBytes)?,
            agent_bytes: fields.length(Field::AgentBytes)?,
        };
        fields.no_others()?;
        event.consistent()?;
        Ok(event)
    }

    fn consistent(&self) -> Result<(), SubmitError> {
        if self.kind == Kind::Request {
            // What begins with the query has no path either.
            let path = match self.query {
                Sent::Missing => self.path.split('?').next().unwrap_or_default(),
                Sent::Null | Sent::Value(_) => &self.path,
            };
            for (field, value) in [("method", self.method.as_str()), ("path", path)] {
                if value.is_empty() {
                    return Err(SubmitError::new(field, "is empty; a request has one"));
                }
            }
            if !is_token(&self.method) {
                return Err(wrong(
                    Field::Method,
                    "a method: one word of letters, digits and !#$%&'*+-.^_`|~",
                    &self.method.as_str().into(),
                ));
            }
            let whole_server = path == "*" && self.method == "OPTIONS";
            if !whole_server && !path.starts_with('/') {
                return Err(wrong(
                    Field::Path,
                    "a path: it begins with /, or is * with OPTIONS; scheme and host have fields \
                     of their own",
                    &path.into(),
                ));
            }
        }
        if self.known_by == Some(KnownBy::Attempt) && self.admin.is_some() {
            let message = "an attempt names nobody; send the tried name as \"attempted\"";
            return Err(SubmitError::new("admin", message));
        }
        if self.known_by == Some(KnownBy::None) && self.admin.is_some() {
            let message = "says that nobody is known, beside an \"admin\"; leave one of them out";
            return Err(SubmitError::new("known_by", message));
        }
        Ok(())
    }

    /// Fills what was not sent: `id` if absent, type, route, action, object, outcome by the preset;
    /// redacts, encodes and clips everything. `known_by` becomes `declared` when an admin is given
    /// without it.
    ///
    /// A draft that went out as JSON comes back as it was.
    #[must_use]
    pub fn into_draft(self, fallback_id: EventId, preset: &Preset) -> Draft {
        let text = |text: String| clip(encoded(text), Limits::TEXT).0;
        // Whoever sends a whole URL path means the part after `?` as the query.
        let (path, query) = match (self.query, self.path.split_once('?')) {
            (Sent::Missing, Some((path, query))) => (path.to_owned(), Some(query.to_owned())),
            (query, _) => (self.path, query.or_fill(|| None)),
        };
        let (path, query) = (encoded(path), query.map(encoded));
        let method = clip(encoded(self.method), Limits::METHOD).0;
        let request = self.kind == Kind::Request;
        // What the preset says of it, unless everything was sent: that is most of the work.
        let complete = self.request_type.is_some()
            && self.asset.is_some()
            && self.polling.is_some()
            && (!request
                || self.action.is_some()
                    && !matches!(self.route, Sent::Missing)
                    && !matches!(self.object, Sent::Missing));
        let reading =
            (!complete).then(|| preset.read(&RequestHead::new(&method, &path, query.as_deref())));
        let outcome = self
            .outcome
            .unwrap_or_else(|| Outcome::of_status(self.status));
        let attempted = self.attempted.map(text);
        let action = self.action.map(text).unwrap_or_else(|| match self.kind {
            Kind::Request => reading.as_ref().map_or_else(String::new, |reading| {
                let shown = attempted.as_deref();
                preset.sentence_of(reading, outcome, self.status, false, shown)
            }),
            Kind::Gap => "Requests not recorded".to_owned(),
            Kind::Start => "Recording began".to_owned(),
            Kind::Stop => "Recording ended".to_owned(),
        });
        let read_type = reading.as_ref().map(|reading| reading.request_type);
        let read_asset = reading.as_ref().is_some_and(|reading| reading.asset);
        let read_polling = reading.as_ref().is_some_and(|reading| reading.polling);
        let (read_route, read_object) = reading
            .filter(|_| request)
            .map(|reading| (Some(reading.route), reading.object))
            .unwrap_or_default();
        let (path, path_cut) = clip(preset.without_secrets(path), Limits::PATH);
        let (query, query_cut) =
            clip_optional(query.map(|q| preset.redact_query(&q)), Limits::QUERY);
        let (user_agent, agent_cut) = clip_optional(self.user_agent.map(encoded), Limits::AGENT);
        let known_by = self.known_by.unwrap_or(match (&self.admin, &attempted) {
            (Some(_), _) => KnownBy::Declared,
            (None, Some(_)) => KnownBy::Attempt,
            (None, None) => KnownBy::None,
        });
        Draft {
            id: self.id.unwrap_or(fallback_id),
            kind: self.kind,
            count: self.count,
            time: self.time,
            panel: self.panel,
            recorder: text(self.recorder),
            recorder_epoch: self.recorder_epoch,
            recorder_seq: self.recorder_seq,
            admin: self.admin.map(text),
            admin_name: self.admin_name.map(text),
            known_by,
            attempted,
            acting_as: self.acting_as.map(text),
            ip: self.ip,
            user_agent,
            session: self.session,
            request_type: self.request_type.or(read_type).unwrap_or(RequestType::Web),
            method,
            scheme: self.scheme.map(text),
            host: self.host.map(text),
            path,
            query,
            route: self
                .route
                .or_fill(|| read_route)
                .filter(|route| !route.is_empty())
                .map(text),
            action,
            object: self
                .object
                .or_fill(|| read_object)
                .filter(|object| !object.is_empty())
                .map(text),
            status: self.status,
            outcome,
            ending: self.ending.unwrap_or(Ending::Complete),
            duration_us: self.duration_us,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            asset: self.asset.unwrap_or(read_asset && request),
            polling: self.polling.unwrap_or(read_polling && request),
            path_bytes: self.path_bytes.or(path_cut),
            query_bytes: self.query_bytes.or(query_cut),
            agent_bytes: self.agent_bytes.or(agent_cut),
        }
    }
}

fn not_too_long(bytes: usize) -> Result<(), SubmitError> {
    let most = SubmittedEvent::MAX_BYTES;
    if bytes > most {
        let message = format!("has {bytes} bytes; {most} are allowed");
        return Err(SubmitError::new("event", message));
    }
    Ok(())
}

fn no_object(error: &serde_json::Error) -> SubmitError {
    SubmitError::new("event", format!("is no JSON object: {error}"))
}

/// RFC 9110 section 5.6.2.
fn is_token(method: &str) -> bool {
    method
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn clip_optional(text: Option<String>, max: usize) -> (Option<String>, Option<u32>) {
    text.map_or((None, None), |text| {
        let (text, cut) = clip(text, max);
        (Some(text), cut)
    })
}

/// For serde callers; the message begins with the field.
impl<'de> Deserialize<'de> for SubmittedEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_fields(Fields::deserialize(deserializer)?, None).map_err(D::Error::custom)
    }
}
