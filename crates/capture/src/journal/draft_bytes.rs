//! A draft as bytes of the journal, and back. Versioned: a crash may be followed by an upgrade.

use admintrail_event::{
    Draft, Ending, EventId, Ip, Kind, KnownBy, Micros, Outcome, PanelName, RequestType, SessionHash,
};

const VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;

/// Appends the draft.
pub(super) fn write(draft: &Draft, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(draft.id.as_bytes());
    out.extend_from_slice(&[
        draft.kind.code(),
        draft.known_by.code(),
        draft.request_type.code(),
        draft.outcome.code(),
        draft.ending.code(),
        u8::from(draft.asset),
        u8::from(draft.polling),
    ]);
    out.extend_from_slice(&draft.time.0.to_le_bytes());
    out.extend_from_slice(&draft.recorder_epoch.to_le_bytes());
    out.extend_from_slice(&draft.recorder_seq.to_le_bytes());
    bytes(out, draft.ip.as_ref().map(|ip| ip.0.as_slice()));
    bytes(out, draft.session.as_ref().map(|s| s.0.as_slice()));
    for number in [
        draft.count,
        draft.duration_us,
        draft.request_bytes,
        draft.response_bytes,
    ] {
        bytes(
            out,
            number
                .map(u64::to_le_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
    }
    for number in [
        draft.status.map(u32::from),
        draft.path_bytes,
        draft.query_bytes,
        draft.agent_bytes,
    ] {
        bytes(
            out,
            number
                .map(u32::to_le_bytes)
                .as_ref()
                .map(<[u8; 4]>::as_slice),
        );
    }
    for text in [
        draft.panel.as_str(),
        &draft.recorder,
        &draft.method,
        &draft.path,
        &draft.action,
    ] {
        bytes(out, Some(text.as_bytes()));
    }
    for text in [
        &draft.admin,
        &draft.admin_name,
        &draft.attempted,
        &draft.acting_as,
        &draft.user_agent,
        &draft.scheme,
        &draft.host,
        &draft.query,
        &draft.route,
        &draft.object,
    ] {
        bytes(out, text.as_ref().map(String::as_bytes));
    }
}

fn bytes(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(ABSENT, |v| u32::try_from(v.len()).unwrap_or(ABSENT));
    out.extend_from_slice(&length.to_le_bytes());
    if length != ABSENT {
        out.extend_from_slice(value.unwrap_or_default());
    }
}

/// Reads a draft back; `None` for anything that [`write`] did not make.
pub(super) fn read(input: &[u8]) -> Option<Draft> {
    let mut from = Reader(input);
    if from.byte()? != VERSION {
        return None;
    }
    let id = EventId::from_bytes(from.array()?).ok()?;
    let [
        kind,
        known_by,
        request_type,
        outcome,
        ending,
        asset,
        polling,
    ] = from.array()?;
    let time = Micros(i64::from_le_bytes(from.array()?));
    let recorder_epoch = u64::from_le_bytes(from.array()?);
    let recorder_seq = u64::from_le_bytes(from.array()?);
    let ip = from.optional_array()?.map(Ip);
    let session = from.optional_array()?.map(SessionHash);
    let mut wide = || Some(from.optional_array()?.map(u64::from_le_bytes));
    let (count, duration_us, request_bytes, response_bytes) = (wide()?, wide()?, wide()?, wide()?);
    let mut narrow = || Some(from.optional_array()?.map(u32::from_le_bytes));
    let (status, path_bytes, query_bytes, agent_bytes) =
        (narrow()?, narrow()?, narrow()?, narrow()?);
    let panel: PanelName = from.text()??.parse().ok()?;
    let (recorder, method, path, action) =
        (from.text()??, from.text()??, from.text()??, from.text()??);
    let draft = Draft {
        kind: Kind::from_code(kind)?,
        count,
        recorder,
        recorder_epoch,
        recorder_seq,
        known_by: KnownBy::from_code(known_by)?,
        request_type: RequestType::from_code(request_type)?,
        outcome: Outcome::from_code(outcome)?,
        ending: Ending::from_code(ending)?,
        asset: asset != 0,
        polling: polling != 0,
        ip,
        session,
        duration_us,
        request_bytes,
        response_bytes,
        status: status.map(u16::try_from).transpose().ok()?,
        path_bytes,
        query_bytes,
        agent_bytes,
        action,
        admin: from.text()?,
        admin_name: from.text()?,
        attempted: from.text()?,
        acting_as: from.text()?,
        user_agent: from.text()?,
        scheme: from.text()?,
        host: from.text()?,
        query: from.text()?,
        route: from.text()?,
        object: from.text()?,
        ..Draft::request(id, time, panel, &method, &path)
    };
    from.0.is_empty().then_some(draft)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The outer `None`: damaged; the inner one: absent.
    #[expect(
        clippy::option_option,
        reason = "damaged, absent and present are three things"
    )]
    fn slice(&mut self) -> Option<Option<&'a [u8]>> {
        let length = u32::from_le_bytes(self.array()?);
        if length == ABSENT {
            return Some(None);
        }
        self.take(usize::try_from(length).ok()?).map(Some)
    }

    #[expect(
        clippy::option_option,
        reason = "damaged, absent and present are three things"
    )]
    fn optional_array<const N: usize>(&mut self) -> Option<Option<[u8; N]>> {
        match self.slice()? {
            None => Some(None),
            Some(slice) => slice.try_into().ok().map(Some),
        }
    }

    #[expect(
        clippy::option_option,
        reason = "damaged, absent and present are three things"
    )]
    fn text(&mut self) -> Option<Option<String>> {
        match self.slice()? {
            None => Some(None),
            Some(slice) => String::from_utf8(slice.to_vec()).ok().map(Some),
        }
    }
}
