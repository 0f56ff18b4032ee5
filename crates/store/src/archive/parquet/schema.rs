//! The columns of a file, named as in JSON, in the order of the event's definition, and how they are
//! turned into Arrow arrays and back.

use std::sync::Arc;

use admintrail_event::{
    Ending, FirstSet, Ip, Kind, KnownBy, LogId, Outcome, RequestType, SessionHash,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt16Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int64Array, StringArray, TimestampMicrosecondArray,
    UInt8Array, UInt16Array, UInt64Array,
};
use arrow_schema::extension::Uuid;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use crate::columns::{Chunk, Column, Data, Holds, Numbers, TextColumn, WideColumn};

/// The time zone of every moment.
const UTC: &str = "UTC";

/// The column of the log's id, the same in every row: it stands after the id and is not a column of
/// a chunk, for a chunk is of one log.
const LOG: &str = "log";
pub(super) const LOG_AT: usize = 1;

/// The name of a column in a file.
pub(super) const fn name(column: Column) -> &'static str {
    match column {
        Column::Id => "id",
        Column::Seq => "seq",
        Column::Kind => "kind",
        Column::Count => "count",
        Column::Time => "time",
        Column::Received => "received",
        Column::Panel => "panel",
        Column::Recorder => "recorder",
        Column::RecorderEpoch => "recorder_epoch",
        Column::RecorderSeq => "recorder_seq",
        Column::Admin => "admin",
        Column::AdminName => "admin_name",
        Column::KnownBy => "known_by",
        Column::Attempted => "attempted",
        Column::ActingAs => "acting_as",
        Column::Ip => "ip",
        Column::UserAgent => "user_agent",
        Column::Session => "session",
        Column::RequestType => "type",
        Column::Method => "method",
        Column::Scheme => "scheme",
        Column::Host => "host",
        Column::Path => "path",
        Column::Query => "query",
        Column::Route => "route",
        Column::Action => "action",
        Column::Object => "object",
        Column::Status => "status",
        Column::Outcome => "outcome",
        Column::Ending => "ending",
        Column::DurationUs => "duration_us",
        Column::RequestBytes => "request_bytes",
        Column::ResponseBytes => "response_bytes",
        Column::Asset => "asset",
        Column::Polling => "polling",
        Column::First => "first",
        Column::PathBytes => "path_bytes",
        Column::QueryBytes => "query_bytes",
        Column::AgentBytes => "agent_bytes",
    }
}

/// Where a column of a chunk stands in a file.
pub(super) fn place(column: Column) -> usize {
    let at = column as usize;
    if at < LOG_AT { at } else { at + 1 }
}

fn texts() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8))
}

fn field(column: Column) -> Field {
    let (kind, nullable) = match column.holds() {
        Holds::Ids => {
            let id = Field::new(name(column), DataType::FixedSizeBinary(16), false);
            return id.with_extension_type(Uuid);
        }
        Holds::Times => (
            DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            false,
        ),
        Holds::Whole => (DataType::UInt64, false),
        Holds::Numbers | Holds::Status => (DataType::UInt64, true),
        Holds::Flags => (DataType::Boolean, false),
        Holds::Codes | Holds::Wide | Holds::Texts => (texts(), true),
    };
    Field::new(name(column), kind, nullable)
}

pub(super) fn schema() -> Arc<Schema> {
    let mut fields: Vec<Field> = Column::ALL.into_iter().map(field).collect();
    fields.insert(LOG_AT, Field::new(LOG, texts(), true));
    Arc::new(Schema::new(fields))
}

/// A chunk's columns as a file has them.
pub(super) fn arrays(chunk: &Chunk) -> Vec<ArrayRef> {
    let mut arrays: Vec<ArrayRef> = Column::ALL
        .into_iter()
        .map(|column| to_arrow(column, chunk))
        .collect();
    arrays.insert(LOG_AT, log_array(chunk.log, chunk.rows));
    arrays
}

fn log_array(log: LogId, rows: usize) -> ArrayRef {
    let log = StringArray::from_iter_values([log.to_string()]);
    dictionary(UInt16Array::from(vec![0; rows]), log)
}

/// The log of a column that [`log_array`] made.
pub(super) fn log_of(array: &ArrayRef) -> Option<LogId> {
    let (keys, values) = parts(array)?;
    let key = keys.values().first()?;
    let key = usize::from(*key);
    (key < values.len()).then(|| values.value(key).parse().ok())?
}

fn dictionary(keys: UInt16Array, values: StringArray) -> ArrayRef {
    Arc::new(DictionaryArray::<UInt16Type>::new(keys, Arc::new(values)))
}

fn to_arrow(column: Column, chunk: &Chunk) -> ArrayRef {
    match chunk.data(column) {
        Data::Ids(ids) => Arc::new(ids.clone()),
        Data::Times(times) => {
            let times = TimestampMicrosecondArray::new(times.values().clone(), None);
            Arc::new(times.with_timezone(UTC))
        }
        Data::Whole(numbers) => Arc::new(numbers.clone()),
        Data::Flags(flags) => Arc::new(flags.clone()),
        Data::Numbers(Numbers(Some(numbers))) => Arc::new(numbers.clone()),
        Data::Numbers(Numbers(None)) => Arc::new(UInt64Array::new_null(chunk.rows)),
        Data::Status(status) => Arc::new(
            status
                .iter()
                .map(|status| status.map(u64::from))
                .collect::<UInt64Array>(),
        ),
        Data::Codes(codes) => {
            let keys = codes.values().iter().map(|code| u16::from(*code));
            let words = (0..=u8::MAX).map(|code| word(column, code).unwrap_or_default());
            dictionary(
                UInt16Array::from_iter_values(keys),
                StringArray::from_iter_values(words),
            )
        }
        Data::Wide(wide) => {
            let values = wide.values().map(|value| wide_text(column, value));
            dictionary(wide.keys().clone(), StringArray::from_iter_values(values))
        }
        Data::Texts(texts) => {
            let (keys, values) = texts.arrays();
            dictionary(keys.clone(), values.clone())
        }
    }
}

/// The word of a code, as in JSON.
fn word(column: Column, code: u8) -> Option<String> {
    let word = match column {
        Column::Kind => Kind::from_code(code)?.as_str(),
        Column::KnownBy => KnownBy::from_code(code)?.as_str(),
        Column::RequestType => RequestType::from_code(code)?.as_str(),
        Column::Outcome => Outcome::from_code(code)?.as_str(),
        Column::Ending => Ending::from_code(code)?.as_str(),
        Column::First => {
            let names: Vec<&str> = FirstSet(code).names().collect();
            return (code <= FirstSet::EVERYTHING.0).then(|| names.join(" "));
        }
        _ => return None,
    };
    Some(word.to_owned())
}

fn code(column: Column, text: &str) -> Option<u8> {
    (0..=u8::MAX).find(|code| word(column, *code).as_deref() == Some(text))
}

fn wide_text(column: Column, value: [u8; 16]) -> String {
    match column {
        Column::Ip => Ip(value).to_string(),
        _ => SessionHash(value).to_string(),
    }
}

fn wide_value(column: Column, text: &str) -> Option<[u8; 16]> {
    match column {
        Column::Ip => text.parse().ok().map(|Ip(bytes)| bytes),
        _ => text.parse().ok().map(|SessionHash(bytes)| bytes),
    }
}

/// A column of a file as a chunk has it; `None` if it is not what [`arrays`] wrote.
pub(super) fn from_arrow(column: Column, array: &ArrayRef) -> Option<Data> {
    Some(match column.holds() {
        Holds::Ids => Data::Ids(array.as_fixed_size_binary_opt()?.clone()),
        Holds::Times => {
            let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
            Data::Times(Int64Array::new(times.values().clone(), None))
        }
        Holds::Whole => Data::Whole(array.as_primitive_opt::<UInt64Type>()?.clone()),
        Holds::Flags => Data::Flags(array.as_boolean_opt()?.clone()),
        Holds::Numbers => {
            let numbers = array.as_primitive_opt::<UInt64Type>()?;
            let all_missing = numbers.null_count() == numbers.len();
            Data::Numbers(Numbers((!all_missing).then(|| numbers.clone())))
        }
        Holds::Status => {
            let numbers = array.as_primitive_opt::<UInt64Type>()?;
            let narrow = numbers
                .iter()
                .map(|number| number.and_then(|number| u16::try_from(number).ok()));
            Data::Status(narrow.collect())
        }
        Holds::Codes => {
            let (keys, values) = parts(array)?;
            let codes: Vec<u8> = values
                .iter()
                .map(|text| code(column, text?))
                .collect::<Option<_>>()?;
            let of_key = |key: &u16| codes.get(usize::from(*key)).copied();
            let codes: Option<Vec<u8>> = keys.values().iter().map(of_key).collect();
            Data::Codes(UInt8Array::new(codes?.into(), None))
        }
        Holds::Wide => {
            let (keys, values) = parts(array)?;
            let mut bytes = Vec::with_capacity(values.len() * 16);
            for text in &values {
                bytes.extend_from_slice(&wide_value(column, text?)?);
            }
            Data::Wide(WideColumn::new(keys, bytes))
        }
        Holds::Texts => {
            let (keys, values) = parts(array)?;
            Data::Texts(TextColumn::new(keys, values))
        }
    })
}

/// Codes and the values that they stand for. Where no row has a value, the reader makes one up.
fn parts(array: &ArrayRef) -> Option<(UInt16Array, StringArray)> {
    let dictionary = array.as_dictionary_opt::<UInt16Type>()?;
    let keys = dictionary.keys().clone();
    let values = dictionary.values().as_string_opt::<i32>()?.clone();
    if keys.null_count() == keys.len() {
        return Some((keys, StringArray::new_null(0)));
    }
    Some((keys, values))
}
