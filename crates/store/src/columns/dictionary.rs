//! Columns with few distinct values: a code a row and each value once.

use std::sync::OnceLock;

use arrow_array::{Array, FixedSizeBinaryArray, StringArray, UInt16Array};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use admintrail_event::fold;

use super::rowset::RowSet;

/// The codes of a column and which rows have a value at all.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    keys: UInt16Array,
}

impl Codes {
    fn new(keys: Vec<u16>, valid: Vec<bool>) -> Self {
        let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
        Self {
            keys: UInt16Array::new(ScalarBuffer::from(keys), nulls),
        }
    }

    /// The code of a row, `None` without a value.
    pub(crate) fn of(&self, row: usize) -> Option<usize> {
        (row < self.keys.len() && self.keys.is_valid(row))
            .then(|| usize::from(self.keys.value(row)))
    }

    /// The rows whose code is marked.
    pub(crate) fn rows_of(&self, marked: &[bool]) -> RowSet {
        let passes = |code: u16| marked.get(usize::from(code)).copied().unwrap_or(false);
        let mut rows = if marked.iter().all(|pass| *pass) {
            RowSet::all(self.keys.len())
        } else if marked.iter().any(|pass| *pass) {
            RowSet::of_values(self.keys.values(), passes)
        } else {
            return RowSet::none();
        };
        if let Some(nulls) = self.keys.nulls() {
            rows.and(&RowSet::of_bits(nulls.inner()));
        }
        rows
    }

    /// The rows with a value.
    pub(crate) fn present(&self) -> RowSet {
        match self.keys.nulls() {
            None => RowSet::all(self.keys.len()),
            Some(nulls) => RowSet::of_bits(nulls.inner()),
        }
    }
}

/// A column of texts.
#[derive(Debug, Clone)]
pub(crate) struct TextColumn {
    pub(crate) codes: Codes,
    values: StringArray,
    /// The values folded, where folding changes any of them; known when it was asked for.
    folded: OnceLock<Option<StringArray>>,
}

impl TextColumn {
    /// Of codes and the values that they stand for.
    pub(crate) fn new(keys: UInt16Array, values: StringArray) -> Self {
        Self {
            codes: Codes { keys },
            values,
            folded: OnceLock::new(),
        }
    }

    /// `rows` rows without a value.
    pub(super) fn missing(rows: usize) -> Self {
        Self::new(UInt16Array::new_null(rows), StringArray::new_null(0))
    }

    pub(super) fn bytes(&self) -> usize {
        let folded = self.folded.get().and_then(Option::as_ref);
        self.codes.keys.get_array_memory_size()
            + self.values.get_array_memory_size()
            + folded.map_or(0, |folded| folded.get_array_memory_size())
    }

    /// Codes and values as Arrow arrays.
    pub(crate) const fn arrays(&self) -> (&UInt16Array, &StringArray) {
        (&self.codes.keys, &self.values)
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        self.codes.of(row).map(|code| self.values.value(code))
    }

    /// The value of a code.
    pub(crate) fn value(&self, code: usize) -> Option<&str> {
        (code < self.values.len()).then(|| self.values.value(code))
    }

    /// Every distinct value, by code.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flatten()
    }

    /// The folded values: one text, and where each value begins and ends in it.
    pub(crate) fn folded(&self) -> &StringArray {
        let folded = self.folded.get_or_init(|| folded(&self.values));
        folded.as_ref().unwrap_or(&self.values)
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

/// A column of 16-byte values.
#[derive(Debug, Clone)]
pub(crate) struct WideColumn {
    pub(crate) codes: Codes,
    values: FixedSizeBinaryArray,
}

impl WideColumn {
    /// Of codes and the values that they stand for, laid end to end.
    pub(crate) fn new(keys: UInt16Array, values: Vec<u8>) -> Self {
        Self {
            codes: Codes { keys },
            values: FixedSizeBinaryArray::new(16, Buffer::from_vec(values), None),
        }
    }

    /// `rows` rows without a value.
    pub(super) fn missing(rows: usize) -> Self {
        Self::new(UInt16Array::new_null(rows), Vec::new())
    }

    pub(super) fn bytes(&self) -> usize {
        self.codes.keys.get_array_memory_size() + self.values.get_array_memory_size()
    }

    /// The codes as an Arrow array.
    pub(crate) const fn keys(&self) -> &UInt16Array {
        &self.codes.keys
    }

    pub(crate) fn get(&self, row: usize) -> Option<[u8; 16]> {
        self.codes
            .of(row)
            .and_then(|code| self.values.value(code).try_into().ok())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = [u8; 16]> + '_ {
        self.values
            .iter()
            .flatten()
            .filter_map(|value| value.try_into().ok())
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

/// Collects distinct values and the code of each row. A value is hashed once and never copied twice.
#[derive(Default)]
pub(crate) struct Coder {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    seen: HashTable<u16>,
    keys: Vec<u16>,
    valid: Vec<bool>,
    last: Option<u16>,
}

impl Coder {
    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        self.valid.push(value.is_some());
        let code = value.map_or(0, |value| self.code_of(value));
        self.keys.push(code);
    }

    fn code_of(&mut self, value: &[u8]) -> u16 {
        // Neighbours are often equal.
        if let Some(last) = self.last
            && slice(&self.bytes, &self.ends, last) == value
        {
            return last;
        }
        let (bytes, ends) = (&self.bytes, &self.ends);
        let entry = self.seen.entry(
            hash(value),
            |code| slice(bytes, ends, *code) == value,
            |code| hash(slice(bytes, ends, *code)),
        );
        let code = match entry {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(place) => {
                let code = u16::try_from(self.ends.len()).unwrap_or(u16::MAX);
                place.insert(code);
                self.bytes.extend_from_slice(value);
                self.ends
                    .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
                code
            }
        };
        self.last = Some(code);
        code
    }

    /// The column of texts; what is not UTF-8 cannot have come from a text.
    pub(crate) fn into_texts(self) -> TextColumn {
        let strings: Vec<&str> = (0..self.ends.len())
            .map(|code| u16::try_from(code).unwrap_or(u16::MAX))
            .map(|code| std::str::from_utf8(slice(&self.bytes, &self.ends, code)).unwrap_or(""))
            .collect();
        let values = string_array(strings.iter().copied());
        TextColumn {
            codes: Codes::new(self.keys, self.valid),
            values,
            folded: OnceLock::new(),
        }
    }

    /// The column of 16-byte values.
    pub(crate) fn into_wide(self) -> WideColumn {
        let values = FixedSizeBinaryArray::new(16, Buffer::from_vec(self.bytes), None);
        WideColumn {
            codes: Codes::new(self.keys, self.valid),
            values,
        }
    }
}

/// The values folded, if that changes any.
fn folded(values: &StringArray) -> Option<StringArray> {
    let plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if values.value_data().iter().all(plain) {
        return None;
    }
    let folded: Vec<_> = values.iter().flatten().map(fold).collect();
    let changed = folded
        .iter()
        .zip(values.iter().flatten())
        .any(|(folded, text)| *folded != *text);
    changed.then(|| string_array(folded.iter().map(AsRef::as_ref)))
}

fn string_array<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> StringArray {
    let total = texts.clone().map(str::len).sum();
    let mut bytes = Vec::with_capacity(total);
    let mut lengths = Vec::new();
    for text in texts {
        bytes.extend_from_slice(text.as_bytes());
        lengths.push(text.len());
    }
    StringArray::new(
        OffsetBuffer::from_lengths(lengths),
        Buffer::from_vec(bytes),
        None,
    )
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], code: u16) -> &'a [u8] {
    let code = usize::from(code);
    let end = ends.get(code).map_or(0, |end| *end as usize);
    let start = code
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .map_or(0, |end| *end as usize);
    bytes.get(start..end).unwrap_or_default()
}

/// FNV-like over words: only spreads values in a table that lives as long as one chunk is built.
fn hash(value: &[u8]) -> u64 {
    const SEED: u64 = 0x517c_c1b7_2722_0a95;
    let mut hash = value.len() as u64;
    let mut words = value.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(SEED);
    }
    for byte in words.remainder() {
        hash = (hash.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(SEED);
    }
    hash ^ (hash >> 32)
}
