//! The bytes that stand for an event wherever one is hashed: frozen, and different for any two
//! events that differ.
//!
//! Whoever keeps a hash from today must be able to take it again in ten years, from an export and
//! with a few lines of any language. So the form is plain: the byte [`VERSION`], then every field
//! of an event in the order of its JSON, each as `u32be length ‖ bytes`; a field that is null has
//! the length `ffffffff` and no bytes.
//!
//! | field | bytes |
//! |---|---|
//! | texts (`panel` `recorder` `admin` `path` …) | UTF-8 as stored |
//! | `id` | UUID, lower case, with hyphens (RFC 9562 section 4) |
//! | `log` `session` | 32 lower-case hexadecimal digits |
//! | `seq` `count` `recorder_epoch` `recorder_seq` `status` `duration_us` and all byte counts | ASCII decimal, no sign, no leading zeros |
//! | `time` `received` | µs since 1970-01-01T00:00:00Z, ASCII decimal, `-` before an earlier one |
//! | `ip` | RFC 5952; an IPv4 address, mapped into IPv6 or not, as a dotted quad |
//! | `kind` `known_by` `type` `outcome` `ending` | their words, as in the JSON |
//! | `asset` `polling` | `1` or `0` |
//! | `first` | its words joined by commas in the order `ip,agent,route,hour`; empty, not null, without any |
//!
//! Nothing here may ever change; another form is another version beside this one. The golden
//! vectors in `tests/canonical/` hold it.

mod text;

use crate::{
    Ending, Event, EventId, FirstSet, Ip, Kind, KnownBy, LogId, Micros, Outcome, RequestType, Seq,
    SessionHash,
};
use text::{Decimal, FIRST_WORDS, hex, push_ip, uuid};

/// The byte with which the canonical form of an event begins.
pub const VERSION: u8 = 1;

/// The length that says "null".
const NULL: [u8; 4] = [0xff; 4];

/// Everything of an event that is hashed, borrowed from wherever it is kept: an [`Event`], or the
/// columns of a store, which need not build one. `polling` and `first` as the trail found them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields of `Event` and `Draft`, described there"
)]
pub struct CanonicalFields<'a> {
    pub id: EventId,
    pub log: LogId,
    pub seq: Seq,
    pub kind: Kind,
    pub count: Option<u64>,
    pub time: Micros,
    pub received: Micros,
    pub panel: &'a str,
    pub recorder: &'a str,
    pub recorder_epoch: u64,
    pub recorder_seq: u64,
    pub admin: Option<&'a str>,
    pub admin_name: Option<&'a str>,
    pub known_by: KnownBy,
    pub attempted: Option<&'a str>,
    pub acting_as: Option<&'a str>,
    pub ip: Option<Ip>,
    pub user_agent: Option<&'a str>,
    pub session: Option<SessionHash>,
    pub request_type: RequestType,
    pub method: &'a str,
    pub scheme: Option<&'a str>,
    pub host: Option<&'a str>,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub route: Option<&'a str>,
    pub action: &'a str,
    pub object: Option<&'a str>,
    pub status: Option<u16>,
    pub outcome: Outcome,
    pub ending: Ending,
    pub duration_us: Option<u64>,
    pub request_bytes: Option<u64>,
    pub response_bytes: Option<u64>,
    pub asset: bool,
    pub polling: bool,
    pub first: FirstSet,
    pub path_bytes: Option<u32>,
    pub query_bytes: Option<u32>,
    pub agent_bytes: Option<u32>,
}

impl CanonicalFields<'_> {
    /// Appends the canonical bytes; what `out` held before stays.
    ///
    /// Texts are at most a few KiB ([`crate::Limits`]); one of 4 GiB has no canonical form, and its
    /// length would be written as `fffffffe`.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Taken apart so that a new field cannot be forgotten.
        let Self {
            id,
            log,
            seq,
            kind,
            count,
            time,
            received,
            panel,
            recorder,
            recorder_epoch,
            recorder_seq,
            admin,
            admin_name,
            known_by,
            attempted,
            acting_as,
            ip,
            user_agent,
            session,
            request_type,
            method,
            scheme,
            host,
            path,
            query,
            route,
            action,
            object,
            status,
            outcome,
            ending,
            duration_us,
            request_bytes,
            response_bytes,
            asset,
            polling,
            first,
            path_bytes,
            query_bytes,
            agent_bytes,
        } = *self;
        out.push(VERSION);
        let mut to = Writer(out);
        to.fixed(uuid(id));
        to.fixed(hex(log.0));
        to.number(seq.0);
        to.text(kind.as_str());
        to.maybe_number(count);
        to.moment(time);
        to.moment(received);
        to.text(panel);
        to.text(recorder);
        to.number(recorder_epoch);
        to.number(recorder_seq);
        to.maybe(admin);
        to.maybe(admin_name);
        to.text(known_by.as_str());
        to.maybe(attempted);
        to.maybe(acting_as);
        to.address(ip);
        to.maybe(user_agent);
        match session {
            Some(session) => to.fixed(hex(session.0)),
            None => to.null(),
        }
        to.text(request_type.as_str());
        to.text(method);
        to.maybe(scheme);
        to.maybe(host);
        to.text(path);
        to.maybe(query);
        to.maybe(route);
        to.text(action);
        to.maybe(object);
        to.maybe_number(status.map(u64::from));
        to.text(outcome.as_str());
        to.text(ending.as_str());
        to.maybe_number(duration_us);
        to.maybe_number(request_bytes);
        to.maybe_number(response_bytes);
        to.flag(asset);
        to.flag(polling);
        to.firsts(first);
        to.maybe_number(path_bytes.map(u64::from));
        to.maybe_number(query_bytes.map(u64::from));
        to.maybe_number(agent_bytes.map(u64::from));
    }

    /// The canonical bytes by themselves.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.write(&mut out);
        out
    }
}

impl<'a> From<&'a Event> for CanonicalFields<'a> {
    fn from(event: &'a Event) -> Self {
        let Event {
            log,
            seq,
            received,
            first,
            draft,
        } = event;
        Self {
            id: draft.id,
            log: *log,
            seq: *seq,
            kind: draft.kind,
            count: draft.count,
            time: draft.time,
            received: *received,
            panel: draft.panel.as_str(),
            recorder: &draft.recorder,
            recorder_epoch: draft.recorder_epoch,
            recorder_seq: draft.recorder_seq,
            admin: draft.admin.as_deref(),
            admin_name: draft.admin_name.as_deref(),
            known_by: draft.known_by,
            attempted: draft.attempted.as_deref(),
            acting_as: draft.acting_as.as_deref(),
            ip: draft.ip,
            user_agent: draft.user_agent.as_deref(),
            session: draft.session,
            request_type: draft.request_type,
            method: &draft.method,
            scheme: draft.scheme.as_deref(),
            host: draft.host.as_deref(),
            path: &draft.path,
            query: draft.query.as_deref(),
            route: draft.route.as_deref(),
            action: &draft.action,
            object: draft.object.as_deref(),
            status: draft.status,
            outcome: draft.outcome,
            ending: draft.ending,
            duration_us: draft.duration_us,
            request_bytes: draft.request_bytes,
            response_bytes: draft.response_bytes,
            asset: draft.asset,
            polling: draft.polling,
            first: *first,
            path_bytes: draft.path_bytes,
            query_bytes: draft.query_bytes,
            agent_bytes: draft.agent_bytes,
        }
    }
}

/// Writes fields, each with its length before it.
struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn null(&mut self) {
        self.0.extend_from_slice(&NULL);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        // Saturating keeps null's length its own.
        let length = u32::try_from(bytes.len())
            .unwrap_or(u32::MAX)
            .min(u32::MAX - 1);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    #[inline]
    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A field whose length the compiler knows.
    #[inline]
    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.reserve(4 + N);
        self.0.extend_from_slice(&(N as u32).to_be_bytes());
        self.0.extend_from_slice(&bytes);
    }

    fn number(&mut self, number: u64) {
        self.bytes(Decimal::of(number).as_bytes());
    }

    fn maybe_number(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.null(),
        }
    }

    fn moment(&mut self, moment: Micros) {
        self.bytes(Decimal::signed(moment.0).as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.fixed([if flag { b'1' } else { b'0' }]);
    }

    fn address(&mut self, ip: Option<Ip>) {
        match ip {
            Some(ip) => self.measured(|out| push_ip(out, ip)),
            None => self.null(),
        }
    }

    fn firsts(&mut self, first: FirstSet) {
        if first.is_empty() {
            self.bytes(&[]);
            return;
        }
        self.measured(|out| {
            let before = out.len();
            for (bit, word) in FIRST_WORDS {
                if first.0 & bit != 0 {
                    if out.len() > before {
                        out.push(b',');
                    }
                    out.extend_from_slice(word.as_bytes());
                }
            }
        });
    }

    /// A field whose length is known only once it is written; a few dozen bytes.
    fn measured(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        let start = self.0.len();
        write(self.0);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX - 1);
        if let Some(field) = self.0.get_mut(at..start) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}
