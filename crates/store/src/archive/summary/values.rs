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
    /// As a filter word would have it; the empty slot 0 stands for rows without a value.
    pub(crate) values: Vec<String>,
    /// Rows that no view folds away.
    pub(crate) plain: Vec<u32>,
    /// The others.
    pub(crate) folded: Vec<u32>,
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
        let values = self.values.iter().enumerate();
        let counts = self.plain.iter().zip(&self.folded);
        values.zip(counts).map(|((at, value), (plain, folded))| {
            ((at > 0).then_some(value.as_str()), *plain, *folded)
        })
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
        let all = self.values.iter().zip(&self.groups).skip(1);
        all.filter(|(value, _)| passes(value))
            .fold(0, |groups, (_, of)| groups | of)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.iter().map(|value| value.len() + 34).sum()
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
    counts: ValueCounts,
    bytes: usize,
}

impl Collected {
    fn new() -> Self {
        let mut collected = Self::default();
        collected.begin(String::new());
        collected
    }

    fn begin(&mut self, value: String) -> u32 {
        let counts = &mut self.counts;
        let number = u32::try_from(counts.values.len()).unwrap_or(u32::MAX);
        self.bytes += value.len();
        counts.values.push(value);
        counts.plain.push(0);
        counts.folded.push(0);
        counts.groups.push(0);
        number
    }

    fn number(&mut self, value: Option<&str>) -> u32 {
        let Some(value) = value else { return 0 };
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.begin(value.to_owned());
        self.numbers.insert(value.to_owned(), number);
        number
    }

    fn is_too_much(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// The most frequent values, and what the others have together.
    fn finish(self) -> ValueCounts {
        let all = self.counts;
        let mut order: Vec<usize> = (1..all.values.len()).collect();
        if order.len() < MOST_VALUES {
            return all;
        }
        let of = |counts: &Vec<u32>, at: usize| counts.get(at).copied().unwrap_or(0);
        let rows = |at: &usize| of(&all.plain, *at) + of(&all.folded, *at);
        order.sort_by_key(|at| std::cmp::Reverse(rows(at)));
        let rest = order.split_off(MOST_VALUES - 1);
        let sum = |counts: &Vec<u32>| rest.iter().map(|at| of(counts, *at)).sum();
        let mut kept = ValueCounts {
            rest: Some((sum(&all.plain), sum(&all.folded))),
            rest_at_most: rest.first().map_or(0, rows),
            ..ValueCounts::default()
        };
        for at in std::iter::once(0).chain(order) {
            kept.values
                .push(all.values.get(at).cloned().unwrap_or_default());
            kept.plain.push(of(&all.plain, at));
            kept.folded.push(of(&all.folded, at));
            kept.groups
                .push(all.groups.get(at).copied().unwrap_or(u16::MAX));
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
                let at = collected.number(text.as_deref()) as usize;
                let counts = &mut collected.counts;
                if let (Some(p), Some(f), Some(g)) = (
                    counts.plain.get_mut(at),
                    counts.folded.get_mut(at),
                    counts.groups.get_mut(at),
                ) {
                    *p += plain;
                    *f += folded;
                    *g |= groups;
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
