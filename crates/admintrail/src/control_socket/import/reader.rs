//! What the lines of a block say: the part of an import that is done for many blocks at once.

use std::sync::Arc;

use admintrail_event::{
    Draft, EventId, Filter, Micros, PanelName, Preset, SubmitError, SubmittedEvent,
};
use admintrail_store::{StoreError, Submission, View};
use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::block::Block;
use crate::control_socket::desk::Desk;
use crate::control_socket::protocol::{ImportReport, LineError};

/// A block, understood.
pub(super) struct Understood {
    /// What can be taken, in the order of the lines.
    pub(super) events: Vec<Submission>,
    /// Where each of them is from.
    pub(super) origins: Vec<Origin>,
    /// What became of the other lines.
    pub(super) report: ImportReport,
}

/// The line that an event is from.
pub(super) struct Origin {
    pub(super) line: u64,
    /// If it names no id.
    pub(super) mark: Option<Mark>,
}

/// Stands for a line without an id: half of its SHA-256.
#[derive(Clone, Copy)]
pub(super) struct Mark([u8; 16]);

impl Mark {
    /// Of a line of the panel.
    fn new(panel: &PanelName, line: &str) -> Self {
        Self::of(
            Sha256::new()
                .chain_update(panel.as_str())
                .chain_update([0; 5])
                .chain_update(line),
        )
    }

    /// Of the same line that stands there so many times before.
    pub(super) fn after(self, before: u32) -> Self {
        Self::of(
            Sha256::new()
                .chain_update(self.0)
                .chain_update(before.to_be_bytes()),
        )
    }

    fn of(hash: Sha256) -> Self {
        let mut half = [0; 16];
        half.iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(half)
    }

    /// The id of the event: the same each time its file is imported.
    pub(super) fn id(self, time: Micros) -> EventId {
        let mut random = [0; 10];
        random
            .iter_mut()
            .zip(self.0)
            .for_each(|(to, from)| *to = from);
        EventId::new(time, random)
    }

    /// Short, to count equal lines by. That two different ones meet harms neither: their ids are
    /// made of more.
    pub(super) fn short(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Understands blocks.
pub(super) struct Reader {
    pub(super) desk: Arc<Desk>,
    /// Of the lines that name none.
    pub(super) panel: Option<PanelName>,
}

impl Reader {
    /// Reads each line once. Blocks for as long as that takes.
    pub(super) fn understand(&self, block: &Block) -> Result<Understood, StoreError> {
        let now = (self.desk.clock)();
        let most = block.count();
        let mut understood = Understood {
            events: Vec::with_capacity(most),
            origins: Vec::with_capacity(most),
            report: ImportReport::default(),
        };
        let mut own = Vec::new();
        // Lines of one panel mostly come together.
        let mut last = None;
        for (number, line) in block.lines() {
            match self.draft(line, now, &mut last) {
                Ok(None) => {}
                Ok(Some((draft, _))) if is_own(&draft.panel) => own.push(draft),
                Ok(Some((draft, mark))) => {
                    understood.events.push(Submission::new(draft));
                    understood.origins.push(Origin { line: number, mark });
                }
                Err(message) => understood.report.errors.push(LineError {
                    line: number,
                    message,
                }),
            }
        }
        let known = known_of(&self.desk, &own)?;
        understood.report.duplicates = known;
        understood.report.own = own.len() as u64 - known;
        Ok(understood)
    }

    /// What a line says, if it says anything.
    fn draft(
        &self,
        line: &[u8],
        now: Micros,
        last: &mut Option<(PanelName, Arc<Preset>)>,
    ) -> Result<Option<(Draft, Option<Mark>)>, String> {
        let line = std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
        if !line.starts_with('{') && line.trim().is_empty() {
            return Ok(None);
        }
        let event =
            SubmittedEvent::parse_text(line, self.panel.as_ref()).map_err(|error| told(&error))?;
        let panel = event.panel();
        if !is_own(panel) {
            event.not_ahead(now).map_err(|error| error.to_string())?;
        }
        let preset = match last {
            Some((known, preset)) if known == panel => preset,
            _ => {
                let preset = (self.desk.presets)(panel)
                    .or_else(|| Preset::built_in("generic"))
                    .ok_or_else(|| "the generic preset is missing from this build".to_owned())?;
                &last.insert((panel.clone(), preset)).1
            }
        };
        let mark = match event.id() {
            Some(_) => None,
            None => Some(Mark::new(panel, line)),
        };
        let time = event.time();
        let fallback = mark.map_or_else(|| EventId::new(time, [0; 10]), |mark| mark.id(time));
        Ok(Some((event.into_draft(fallback, preset), mark)))
    }
}

fn told(error: &SubmitError) -> String {
    if error.names_no_panel() {
        "panel: is missing; say --panel NAME for lines that name none".to_owned()
    } else {
        error.to_string()
    }
}

fn is_own(panel: &PanelName) -> bool {
    panel.as_str() == PanelName::OWN
}

/// How many events of our own use are the ones that are here already. They are the record of who
/// read and changed the record: nobody can add to it, so the others are left out.
fn known_of(desk: &Desk, own: &[Draft]) -> Result<u64, StoreError> {
    let times = || own.iter().map(|draft| draft.time);
    let (Some(from), Some(last)) = (times().min(), times().max()) else {
        return Ok(0);
    };
    let sent: HashMap<EventId, &Draft> = own.iter().map(|draft| (draft.id, draft)).collect();
    let Ok(filter) = Filter::parse(&format!("panel:{}", PanelName::OWN)) else {
        return Ok(0);
    };
    let view = View {
        filter,
        from: Some(from),
        to: Some(Micros(last.0.saturating_add(1))),
        ..View::default()
    };
    let mut known = 0;
    for events in desk.trail.scan(&view) {
        known += events?
            .into_iter()
            .filter(|event| {
                sent.get(&event.draft.id).is_some_and(|sent| {
                    // The trail may set `polling`, as no sender can.
                    let mut stored = event.draft.clone();
                    stored.polling = sent.polling;
                    stored == **sent
                })
            })
            .count() as u64;
    }
    Ok(known)
}
