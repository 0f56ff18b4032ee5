//! Taking over events, line by line.

use std::borrow::Cow;

use admintrail_event::{Draft, EventId, Filter, Micros, PanelName, Preset, SubmittedEvent};
use admintrail_store::{Receipt, StoreError, Submission, View};
use hashbrown::HashMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::{Desk, store};
use super::protocol::{ImportLine, ImportReport, LineError, Refused};

impl Desk {
    /// Takes over events. What can be taken is taken; each line that cannot is named.
    pub(crate) fn import(
        &self,
        panel: Option<&str>,
        lines: &[ImportLine],
    ) -> Result<ImportReport, Refused> {
        let mut report = ImportReport::default();
        let mut batch = Vec::new();
        let mut numbers = Vec::new();
        let mut own = Vec::new();
        for line in lines {
            match self.draft(panel, line) {
                Ok(draft) if draft.panel == PanelName::own() => own.push(draft),
                Ok(draft) => {
                    batch.push(Submission::new(draft));
                    numbers.push(line.number);
                }
                Err(message) => report.errors.push(LineError {
                    line: line.number,
                    message,
                }),
            }
        }
        report.duplicates += self.known_of(&own).map_err(store)?;
        report.own = own.len() as u64 - report.duplicates;
        let receipts = self.trail.append_blocking(batch).map_err(store)?;
        for (receipt, number) in receipts.into_iter().zip(numbers) {
            match receipt {
                Receipt::Accepted(_) => report.accepted += 1,
                Receipt::Duplicate(_) => report.duplicates += 1,
                Receipt::Conflict(seq) => report.errors.push(LineError {
                    line: number,
                    message: format!(
                        "id: belongs to another event (seq {seq}); give this one another id"
                    ),
                }),
            }
        }
        Ok(report)
    }

    /// How many events of our own use are the ones that are here already. They are the record of
    /// who read and changed the record: nobody can add to it, so the others are left out.
    fn known_of(&self, own: &[Draft]) -> Result<u64, StoreError> {
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
        for events in self.trail.scan(&view) {
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

    fn draft(&self, panel: Option<&str>, line: &ImportLine) -> Result<Draft, String> {
        let named = with_panel(&line.text, panel)?;
        let event = SubmittedEvent::parse(named.as_bytes()).map_err(|error| error.to_string())?;
        if *event.panel() != PanelName::own() {
            event
                .not_ahead((self.clock)())
                .map_err(|error| error.to_string())?;
        }
        let preset = (self.presets)(event.panel())
            .or_else(|| Preset::built_in("generic"))
            .ok_or_else(|| "the generic preset is missing from this build".to_owned())?;
        // An event without an id gets the same one each time its file is imported.
        let digest = Sha256::new()
            .chain_update(event.panel().as_str())
            .chain_update([0])
            .chain_update(line.repeat.to_be_bytes())
            .chain_update(named.as_bytes())
            .finalize();
        let mut random = [0; 10];
        random
            .iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        let fallback = EventId::new(event.time(), random);
        Ok(event.into_draft(fallback, &preset))
    }
}

/// The line with a panel, if it names none itself.
fn with_panel<'a>(text: &'a str, panel: Option<&str>) -> Result<Cow<'a, str>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(mut map) = value else {
        return Err("not a JSON object".to_owned());
    };
    if map.get("panel").is_some_and(|given| !given.is_null()) {
        return Ok(text.into());
    }
    let Some(panel) = panel else {
        return Err("panel: is missing; say --panel NAME for lines that name none".to_owned());
    };
    map.insert("panel".to_owned(), json!(panel));
    Ok(Value::Object(map).to_string().into())
}
