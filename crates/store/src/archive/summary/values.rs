//! How often each value of a column occurs in a segment, and in which of its groups.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::answer::values_of;
use crate::columns::Chunk;
use crate::folding;
use crate::query::FacetField;

/// The fields whose values are counted, beside those of shapes and people.
const COUNTED: [FacetField; 5] = [
    FacetField::Ip,
    FacetField::Agent,
    FacetField::Action,
    FacetField::Route,
    FacetField::Object,
];

/// Of more distinct values than this only the most frequent are kept.
const MOST_VALUES: usize = 4_096;
/// Values that are longer together than this (bytes) are not counted at all.
const MOST_BYTES: usize = 32 << 20;
/// Groups that are told apart; a value in any later one may be in all.
const GROUPS: usize = 16;

/// The values of one field of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ValueCounts {
    /// As filter words would have them, laid end to end; the empty first one stands for rows without a
    /// value.
    text: String,
    /// Where each of them ends.
    ends: Vec<u32>,
    /// Rows that no view folds away.
    plain: Vec<u32>,
    /// The others.
    folded: Vec<u32>,
    /// One bit a group that has the value.
    groups: Vec<u16>,
    /// Plain and folded rows of the values that were not kept, if there were too many.
    rest: Option<(u32, u32)>,
    /// None of those has more rows than this.
    rest_at_most: u32,
}

impl ValueCounts {
    /// The values (`None`: no value), their plain and folded rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<&str>, u32, u32)> + '_ {
        let values = self.values().enumerate();
        let counts = self.plain.iter().zip(&self.folded);
        values
            .zip(counts)
            .map(|((at, value), (plain, folded))| ((at > 0).then_some(value), *plain, *folded))
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            let value = self.text.get(start..end).unwrap_or_default();
            start = end;
            value
        })
    }

    fn push(&mut self, value: &str, (plain, folded): (u32, u32), groups: u16) {
        self.text.push_str(value);
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.plain.push(plain);
        self.folded.push(folded);
        self.groups.push(groups);
    }

    /// Rows of values that were not kept, plain and folded, and how many one of them may have.
    pub(crate) const fn rest(&self) -> Option<((u32, u32), u32)> {
        match self.rest {
            Some(rest) => Some((rest, self.rest_at_most)),
            None => None,
        }
    }

    /// Which groups have a value that passes, one bit each.
    pub(crate) fn groups_of(&self, passes: impl Fn(&str) -> bool) -> u16 {
        if self.rest.is_some() {
            return u16::MAX;
        }
        let all = self.values().zip(&self.groups).skip(1);
        all.filter(|(value, _)| passes(value))
            .fold(0, |groups, (_, of)| groups | of)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 14
    }
}

/// One bit for a group.
pub(crate) fn group_bit(group: usize) -> u16 {
    if group < GROUPS - 1 {
        1 << group
    } else {
        // Too many to tell apart.
        u16::MAX
    }
}

/// Whether a group is among those of a mask that [`group_bit`]s made.
pub(crate) fn has_group(mask: u16, group: usize) -> bool {
    mask >> group.min(GROUPS - 1) & 1 == 1
}

/// Where a field's values stand in [`Values`], if they are counted at all.
pub(crate) fn counted_place(field: FacetField) -> Option<usize> {
    COUNTED.iter().position(|counted| *counted == field)
}

/// The counted fields of a segment; `None` for one with too many values.
pub(crate) type Values = Vec<Option<ValueCounts>>;

/// Collects them.
pub(crate) struct ValuesBuilder {
    fields: Vec<Option<Collected>>,
}

#[derive(Default)]
struct Collected {
    numbers: HashMap<String, u32>,
    /// Plain and folded rows, and groups, by number.
    counts: Vec<(u32, u32, u16)>,
    bytes: usize,
}

impl Collected {
    fn new() -> Self {
        Self {
            // Of no value.
            counts: vec![(0, 0, 0)],
            ..Self::default()
        }
    }

    fn number(&mut self, value: Option<&str>) -> usize {
        let Some(value) = value else { return 0 };
        if let Some(number) = self.numbers.get(value) {
            return *number as usize;
        }
        let number = self.counts.len();
        self.bytes += value.len();
        self.counts.push((0, 0, 0));
        let known = u32::try_from(number).unwrap_or(u32::MAX);
        self.numbers.insert(value.to_owned(), known);
        number
    }

    fn is_too_much(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// The most frequent values, and what the others have together.
    fn finish(self) -> ValueCounts {
        let of = |number: u32| {
            self.counts
                .get(number as usize)
                .copied()
                .unwrap_or_default()
        };
        let mut order: Vec<(&str, (u32, u32, u16))> = self
            .numbers
            .iter()
            .map(|(value, number)| (value.as_str(), of(*number)))
            .collect();
        order.sort_unstable_by(|a, b| {
            let rows = |(_, (plain, folded, _)): &(&str, (u32, u32, u16))| plain + folded;
            rows(b).cmp(&rows(a)).then_with(|| a.0.cmp(b.0))
        });
        let rest = order.split_off(order.len().min(MOST_VALUES));
        let mut kept = ValueCounts::default();
        for (value, (plain, folded, groups)) in std::iter::once(("", of(0))).chain(order) {
            kept.push(value, (plain, folded), groups);
        }
        if let Some((_, (plain, folded, _))) = rest.first() {
            kept.rest_at_most = plain + folded;
            let sum =
                |all: (u32, u32), (_, of): &(&str, (u32, u32, u16))| (all.0 + of.0, all.1 + of.1);
            kept.rest = Some(rest.iter().fold((0, 0), sum));
        }
        kept
    }
}

impl Default for ValuesBuilder {
    fn default() -> Self {
        Self {
            fields: COUNTED.iter().map(|_| Some(Collected::new())).collect(),
        }
    }
}

impl ValuesBuilder {
    /// Takes in a chunk; `group_of` tells in which group a row of it is.
    pub(crate) fn add(&mut self, chunk: &Chunk, group_of: impl Fn(usize) -> usize) {
        let folds: Vec<bool> = (0..chunk.rows)
            .map(|row| folding::folds_row(chunk, row))
            .collect();
        for (field, slot) in COUNTED.iter().zip(&mut self.fields) {
            let Some(collected) = slot else { continue };
            let of = values_of(chunk, *field);
            let mut seen = vec![(0_u32, 0_u32, 0_u16); of.texts.len()];
            for (row, (code, folds)) in of.codes.iter().zip(&folds).enumerate() {
                if let Some((plain, folded, groups)) = seen.get_mut(*code) {
                    *(if *folds { folded } else { plain }) += 1;
                    *groups |= group_bit(group_of(row));
                }
            }
            for (text, (plain, folded, groups)) in of.texts.iter().zip(seen) {
                if plain + folded == 0 {
                    continue;
                }
                let at = collected.number(text.as_deref());
                if let Some(of) = collected.counts.get_mut(at) {
                    *of = (of.0 + plain, of.1 + folded, of.2 | groups);
                }
            }
            if collected.is_too_much() {
                *slot = None;
            }
        }
    }

    pub(crate) fn finish(self) -> Values {
        let fields = self.fields.into_iter();
        fields
            .map(|collected| collected.map(Collected::finish))
            .collect()
    }
}
