//! The columns of a file, named as in JSON, in the order of the event's definition.

use std::borrow::Cow;
use std::sync::Arc;

use admintrail_event::{Event, Micros};
use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::Buffer;
use arrow_schema::extension::Uuid;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

/// The time zone of every moment.
const UTC: &str = "UTC";

/// One column.
pub(super) struct Column {
    pub(super) name: &'static str,
    of: Of,
}

/// What a column takes from an event.
#[derive(Clone, Copy)]
enum Of {
    /// The event's id.
    Id,
    /// A moment, in µs.
    Time(fn(&Event) -> Micros),
    /// A number that hardly repeats: only the differences are written.
    Ascending(fn(&Event) -> u64),
    /// A number, if there is one.
    Number(fn(&Event) -> Option<u64>),
    Flag(fn(&Event) -> bool),
    /// A text that repeats, if there is one: each is written once.
    Text(fn(&Event) -> Option<Cow<'_, str>>),
}

impl Column {
    const fn new(name: &'static str, of: Of) -> Self {
        Self { name, of }
    }

    /// Whether consecutive values differ little.
    pub(super) const fn is_ascending(&self) -> bool {
        matches!(self.of, Of::Ascending(_) | Of::Time(_))
    }

    /// Whether every value is another.
    pub(super) const fn is_unique(&self) -> bool {
        matches!(self.of, Of::Id)
    }

    fn field(&self) -> Field {
        let kind = match self.of {
            Of::Id => {
                let id = Field::new(self.name, DataType::FixedSizeBinary(16), false);
                return id.with_extension_type(Uuid);
            }
            Of::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Of::Ascending(_) | Of::Number(_) => DataType::UInt64,
            Of::Flag(_) => DataType::Boolean,
            Of::Text(_) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
        };
        Field::new(
            self.name,
            kind,
            matches!(self.of, Of::Number(_) | Of::Text(_)),
        )
    }

    /// The values of these events.
    pub(super) fn array(&self, events: &[Event]) -> ArrayRef {
        match self.of {
            Of::Id => {
                let bytes: Vec<u8> = events
                    .iter()
                    .flat_map(|event| *event.draft.id.as_bytes())
                    .collect();
                Arc::new(FixedSizeBinaryArray::new(16, Buffer::from_vec(bytes), None))
            }
            Of::Time(time) => {
                let times = events.iter().map(|event| time(event).0);
                Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone(UTC))
            }
            Of::Ascending(number) => {
                Arc::new(UInt64Array::from_iter_values(events.iter().map(number)))
            }
            Of::Number(number) => Arc::new(events.iter().map(number).collect::<UInt64Array>()),
            Of::Flag(flag) => {
                let flags = events.iter().map(|event| Some(flag(event)));
                Arc::new(flags.collect::<BooleanArray>())
            }
            Of::Text(text) => {
                let mut texts = StringDictionaryBuilder::<Int32Type>::new();
                for event in events {
                    texts.append_option(text(event));
                }
                Arc::new(texts.finish())
            }
        }
    }
}

pub(super) fn schema() -> Arc<Schema> {
    let fields: Vec<Field> = COLUMNS.iter().map(Column::field).collect();
    Arc::new(Schema::new(fields))
}

fn text(value: Option<&String>) -> Option<Cow<'_, str>> {
    value.map(|value| Cow::Borrowed(value.as_str()))
}

fn word(value: &'static str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(value))
}

fn shown(value: Option<impl ToString>) -> Option<Cow<'static, str>> {
    value.map(|value| Cow::Owned(value.to_string()))
}

/// Every field of an event.
pub(super) static COLUMNS: &[Column] = &[
    Column::new("id", Of::Id),
    Column::new("log", Of::Text(|e| shown(Some(e.log)))),
    Column::new("seq", Of::Ascending(|e| e.seq.0)),
    Column::new("kind", Of::Text(|e| word(e.draft.kind.as_str()))),
    Column::new("count", Of::Number(|e| e.draft.count)),
    Column::new("time", Of::Time(|e| e.draft.time)),
    Column::new("received", Of::Time(|e| e.received)),
    Column::new(
        "panel",
        Of::Text(|e| Some(Cow::Borrowed(e.draft.panel.as_str()))),
    ),
    Column::new("recorder", Of::Text(|e| text(Some(&e.draft.recorder)))),
    Column::new("recorder_epoch", Of::Ascending(|e| e.draft.recorder_epoch)),
    Column::new("recorder_seq", Of::Ascending(|e| e.draft.recorder_seq)),
    Column::new("admin", Of::Text(|e| text(e.draft.admin.as_ref()))),
    Column::new(
        "admin_name",
        Of::Text(|e| text(e.draft.admin_name.as_ref())),
    ),
    Column::new("known_by", Of::Text(|e| word(e.draft.known_by.as_str()))),
    Column::new("attempted", Of::Text(|e| text(e.draft.attempted.as_ref()))),
    Column::new("acting_as", Of::Text(|e| text(e.draft.acting_as.as_ref()))),
    Column::new("ip", Of::Text(|e| shown(e.draft.ip))),
    Column::new(
        "user_agent",
        Of::Text(|e| text(e.draft.user_agent.as_ref())),
    ),
    Column::new("session", Of::Text(|e| shown(e.draft.session))),
    Column::new("type", Of::Text(|e| word(e.draft.request_type.as_str()))),
    Column::new("method", Of::Text(|e| text(Some(&e.draft.method)))),
    Column::new("scheme", Of::Text(|e| text(e.draft.scheme.as_ref()))),
    Column::new("host", Of::Text(|e| text(e.draft.host.as_ref()))),
    Column::new("path", Of::Text(|e| text(Some(&e.draft.path)))),
    Column::new("query", Of::Text(|e| text(e.draft.query.as_ref()))),
    Column::new("route", Of::Text(|e| text(e.draft.route.as_ref()))),
    Column::new("action", Of::Text(|e| text(Some(&e.draft.action)))),
    Column::new("object", Of::Text(|e| text(e.draft.object.as_ref()))),
    Column::new("status", Of::Number(|e| e.draft.status.map(u64::from))),
    Column::new("outcome", Of::Text(|e| word(e.draft.outcome.as_str()))),
    Column::new("ending", Of::Text(|e| word(e.draft.ending.as_str()))),
    Column::new("duration_us", Of::Number(|e| e.draft.duration_us)),
    Column::new("request_bytes", Of::Number(|e| e.draft.request_bytes)),
    Column::new("response_bytes", Of::Number(|e| e.draft.response_bytes)),
    Column::new("asset", Of::Flag(|e| e.draft.asset)),
    Column::new("polling", Of::Flag(|e| e.draft.polling)),
    Column::new(
        "first",
        Of::Text(|e| Some(Cow::Owned(e.first.names().collect::<Vec<_>>().join(" ")))),
    ),
    Column::new(
        "path_bytes",
        Of::Number(|e| e.draft.path_bytes.map(u64::from)),
    ),
    Column::new(
        "query_bytes",
        Of::Number(|e| e.draft.query_bytes.map(u64::from)),
    ),
    Column::new(
        "agent_bytes",
        Of::Number(|e| e.draft.agent_bytes.map(u64::from)),
    ),
];
