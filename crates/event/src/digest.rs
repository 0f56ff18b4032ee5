//! The digest that tells a repeated submission from a contradicting one.

use sha2::{Digest, Sha256};

use crate::Draft;

/// Begins every encoding; another meaning of the bytes needs another word here.
const VERSION: &[u8] = b"admintrail submission v2\0";

/// First 16 bytes of SHA-256 over a versioned, unambiguous encoding of all fields of the draft
/// but `polling`: the trail may set that one, and an event that was exported and is sent again
/// must be known as the same. `known_by` counts as [`Draft::trust_less`] leaves it: the digest is
/// the same before and after, and can be taken again from the event that was stored.
#[must_use]
pub fn submission_digest(draft: &Draft) -> [u8; 16] {
    let mut encoding = Encoding(Vec::with_capacity(1024));
    encoding.draft(draft);
    let digest: [u8; 32] = Sha256::digest(&encoding.0).into();
    let mut half = [0; 16];
    half.iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    half
}

/// Each field as `u32be length ‖ bytes` in a fixed order, null as the length `ffffffff`.
struct Encoding(Vec<u8>);

impl Encoding {
    fn draft(&mut self, draft: &Draft) {
        // Taken apart so that a new field cannot be forgotten.
        let Draft {
            id,
            kind,
            count,
            time,
            panel,
            recorder,
            recorder_epoch,
            recorder_seq,
            admin,
            admin_name,
            known_by: _,
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
            polling: _,
            path_bytes,
            query_bytes,
            agent_bytes,
        } = draft;
        self.0.extend_from_slice(VERSION);
        self.bytes(id.as_bytes());
        self.bytes(&[kind.code()]);
        self.number(*count);
        self.bytes(&time.0.to_be_bytes());
        self.text(panel.as_str());
        self.text(recorder);
        self.number(Some(*recorder_epoch));
        self.number(Some(*recorder_seq));
        self.optional(admin.as_deref());
        self.optional(admin_name.as_deref());
        self.bytes(&[draft.declared().code()]);
        self.optional(attempted.as_deref());
        self.optional(acting_as.as_deref());
        self.maybe(ip.as_ref().map(|ip| ip.0.as_slice()));
        self.optional(user_agent.as_deref());
        self.maybe(session.as_ref().map(|session| session.0.as_slice()));
        self.bytes(&[request_type.code()]);
        self.text(method);
        self.optional(scheme.as_deref());
        self.optional(host.as_deref());
        self.text(path);
        self.optional(query.as_deref());
        self.optional(route.as_deref());
        self.text(action);
        self.optional(object.as_deref());
        self.number(status.map(u64::from));
        self.bytes(&[outcome.code()]);
        self.bytes(&[ending.code()]);
        self.number(*duration_us);
        self.number(*request_bytes);
        self.number(*response_bytes);
        self.bytes(&[u8::from(*asset)]);
        self.number(path_bytes.map(u64::from));
        self.number(query_bytes.map(u64::from));
        self.number(agent_bytes.map(u64::from));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.maybe(Some(bytes));
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.maybe(text.map(str::as_bytes));
    }

    fn number(&mut self, number: Option<u64>) {
        self.maybe(
            number
                .map(u64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
    }

    fn maybe(&mut self, bytes: Option<&[u8]>) {
        // No text of an event is near 4 GiB long; saturating keeps null's length its own.
        let length = bytes.map_or(u32::MAX, |bytes| {
            u32::try_from(bytes.len())
                .unwrap_or(u32::MAX)
                .min(u32::MAX - 1)
        });
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes.unwrap_or_default());
    }
}
