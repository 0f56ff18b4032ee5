//! Filters over columns. Must agree with [`Filter::matches`]: a property test compares them.

use admintrail_event::filter::{Fact, Range, Test, TextField, TextPattern, WholeField};
use admintrail_event::{
    Ending, Filter, FirstSet, Ip, Kind, KnownBy, Outcome, RequestType, SessionHash, fold,
    is_safe_method,
};
use arrow_array::{Array, StringArray, UInt8Array};
use memchr::memmem::Finder;

use super::chunk::Chunk;
use super::column::Numbers;
use super::dictionary::{TextColumn, WideColumn};
use super::rowset::RowSet;

/// A filter made ready to run over many chunks.
pub(crate) struct Evaluator<'f> {
    terms: Vec<(bool, Prepared<'f>)>,
}

/// A test with its texts turned into searchers.
enum Prepared<'f> {
    Bare(Vec<Needle<'f>>),
    Text(TextField, Vec<Needle<'f>>),
    Other(&'f Test),
}

/// A pattern, and a searcher for its longest piece without wildcards.
struct Needle<'f> {
    pattern: &'f TextPattern,
    finder: Option<Finder<'static>>,
    /// The piece is the whole pattern.
    is_literal: bool,
    /// The piece may stand in a written address.
    fits_address: bool,
}

impl<'f> Needle<'f> {
    fn new(pattern: &'f TextPattern) -> Self {
        let piece = pattern.longest_literal();
        Self {
            pattern,
            finder: (!piece.is_empty()).then(|| Finder::new(piece.as_bytes()).into_owned()),
            is_literal: pattern.is_literal(),
            fits_address: piece
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || b".:".contains(&b)),
        }
    }
}

impl<'f> Evaluator<'f> {
    pub(crate) fn new(filter: &'f Filter) -> Self {
        let mut terms: Vec<_> = filter
            .terms
            .iter()
            .map(|term| {
                let prepared = match &term.test {
                    Test::Bare(patterns) => {
                        Prepared::Bare(patterns.iter().map(Needle::new).collect())
                    }
                    Test::Text(field, patterns) => {
                        Prepared::Text(*field, patterns.iter().map(Needle::new).collect())
                    }
                    other => Prepared::Other(other),
                };
                (term.negated, prepared)
            })
            .collect();
        // Cheap tests first: once no row is left the rest need not run.
        terms.sort_by_key(|(_, test)| match test {
            Prepared::Other(_) => 0,
            Prepared::Text(..) => 1,
            Prepared::Bare(_) => 2,
        });
        Self { terms }
    }

    /// The rows of `within` that match.
    pub(crate) fn narrow(&self, chunk: &Chunk, within: &mut RowSet) {
        for (negated, test) in &self.terms {
            if within.is_empty() {
                return;
            }
            let rows = match test {
                Prepared::Bare(needles) => bare(chunk, needles),
                Prepared::Text(field, needles) => {
                    let column = text_column(chunk, *field);
                    let mut marked = marked_by_any(column, needles);
                    if *field == TextField::Object {
                        keep_touched(column, needles, &mut marked);
                    }
                    column.codes.rows_of(&marked)
                }
                Prepared::Other(test) => rows_of(chunk, test),
            };
            if *negated {
                within.and_not(&rows);
            } else {
                within.and(&rows);
            }
        }
    }
}

fn rows_of(chunk: &Chunk, test: &Test) -> RowSet {
    match test {
        // Prepared with searchers; never reached here.
        Test::Bare(_) | Test::Text(..) => RowSet::none(),
        Test::Whole(field, patterns) => whole(chunk, *field, patterns),
        Test::Admin(patterns) => admin(chunk, patterns),
        Test::Ip(networks) => rows_of_wide(chunk.ip(), |ip| {
            networks.iter().any(|network| Ip(ip).is_in(network))
        }),
        Test::Session(prefixes) => rows_of_wide(chunk.session(), |session| {
            prefixes
                .iter()
                .any(|prefix| prefix.begins(&SessionHash(session)))
        }),
        Test::Status(ranges) => {
            let inside = |status: u16| contains(ranges, u64::from(status));
            let mut rows = RowSet::of_values(chunk.status().values(), inside);
            if let Some(nulls) = chunk.status().nulls() {
                rows.and(&RowSet::of_bits(nulls.inner()));
            }
            rows
        }
        Test::Duration(ranges) => numbers(chunk.duration_us(), ranges),
        Test::First(sets) => RowSet::of_values(chunk.first().values(), |first| {
            sets.iter().any(|FirstSet(set)| first & set != 0)
        }),
        Test::Is(facts) => union(facts.iter().map(|fact| rows_of_fact(chunk, *fact))),
    }
}

fn contains(ranges: &[Range], value: u64) -> bool {
    ranges
        .iter()
        .any(|range| (range.min..=range.max).contains(&value))
}

fn numbers(column: &Numbers, ranges: &[Range]) -> RowSet {
    let Some(array) = &column.0 else {
        return RowSet::none();
    };
    let mut rows = RowSet::of_values(array.values(), |value| contains(ranges, value));
    if let Some(nulls) = array.nulls() {
        rows.and(&RowSet::of_bits(nulls.inner()));
    }
    rows
}

fn union(sets: impl Iterator<Item = RowSet>) -> RowSet {
    sets.fold(RowSet::none(), |mut all, set| {
        all.or(&set);
        all
    })
}

fn rows_of_fact(chunk: &Chunk, fact: Fact) -> RowSet {
    match fact {
        Fact::First => RowSet::of_values(chunk.first().values(), |first| first != 0),
        Fact::Polling => RowSet::of_bits(chunk.polling().values()),
        Fact::Asset => RowSet::of_bits(chunk.asset().values()),
        Fact::Unknown => {
            let mut rows = RowSet::all(chunk.rows);
            rows.and_not(&chunk.admin().codes.present());
            rows
        }
        Fact::ActingAs => chunk.acting_as().codes.present(),
        Fact::Change => {
            let mut rows = unsafe_methods(chunk);
            rows.and(&RowSet::of_values(chunk.outcome().values(), |o| {
                o == Outcome::Success.code()
            }));
            rows
        }
    }
}

/// The rows whose method may change something.
pub(crate) fn unsafe_methods(chunk: &Chunk) -> RowSet {
    let marked: Vec<bool> = chunk
        .method()
        .values()
        .map(|method| !is_safe_method(method))
        .collect();
    chunk.method().codes.rows_of(&marked)
}

fn text_column(chunk: &Chunk, field: TextField) -> &TextColumn {
    match field {
        TextField::Path => chunk.path(),
        TextField::Query => chunk.query(),
        TextField::Action => chunk.action(),
        TextField::Object => chunk.object(),
        TextField::Route => chunk.route(),
        TextField::Agent => chunk.user_agent(),
        TextField::Attempted => chunk.attempted(),
        TextField::ActingAs => chunk.acting_as(),
        TextField::Host => chunk.host(),
        TextField::Recorder => chunk.recorder(),
    }
}

fn bare(chunk: &Chunk, needles: &[Needle<'_>]) -> RowSet {
    let columns = [
        chunk.path(),
        chunk.action(),
        chunk.object(),
        chunk.admin(),
        chunk.admin_name(),
    ];
    let mut rows = union(
        columns
            .into_iter()
            .map(|column| column.codes.rows_of(&marked_by_any(column, needles))),
    );
    // Addresses are written out only for what may stand in one.
    let fitting: Vec<_> = needles
        .iter()
        .filter(|needle| needle.fits_address)
        .collect();
    if !fitting.is_empty() {
        rows.or(&rows_of_wide(chunk.ip(), |ip| {
            let text = Ip(ip).to_string();
            fitting
                .iter()
                .any(|needle| needle.pattern.found_in_folded(&text))
        }));
    }
    rows
}

fn marked_by_any(column: &TextColumn, needles: &[Needle<'_>]) -> Vec<bool> {
    let mut marked = vec![false; column.len()];
    for needle in needles {
        mark(column, needle, &mut marked);
    }
    marked
}

/// Of the objects that hold a pattern, those that mean it.
fn keep_touched(column: &TextColumn, needles: &[Needle<'_>], marked: &mut [bool]) {
    for (value, mark) in column.folded().iter().flatten().zip(marked) {
        *mark = *mark
            && needles
                .iter()
                .any(|needle| needle.pattern.touches_folded(value));
    }
}

/// Marks the values that hold the pattern: one search through all values laid end to end.
fn mark(column: &TextColumn, needle: &Needle<'_>, marked: &mut [bool]) {
    let values = column.folded();
    let Some(finder) = &needle.finder else {
        for (value, mark) in values.iter().flatten().zip(marked) {
            *mark |= needle.pattern.found_in_folded(value);
        }
        return;
    };
    let (bytes, offsets) = (values.value_data(), values.value_offsets());
    let length = finder.needle().len();
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + at;
        let code = offsets
            .partition_point(|offset| offset_at(*offset) <= at)
            .saturating_sub(1);
        let end = offsets
            .get(code + 1)
            .map_or(bytes.len(), |offset| offset_at(*offset));
        if at + length > end {
            // Begins in one value and ends in the next.
            from = at + 1;
            continue;
        }
        if let Some(mark) = marked.get_mut(code) {
            *mark |= needle.is_literal || confirmed(needle.pattern, values, code);
        }
        from = end;
    }
}

fn confirmed(pattern: &TextPattern, values: &StringArray, code: usize) -> bool {
    code < values.len() && pattern.found_in_folded(values.value(code))
}

fn offset_at(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn admin(chunk: &Chunk, patterns: &[TextPattern]) -> RowSet {
    let decide = |column: &TextColumn, passes: fn(&TextPattern, &str) -> bool| {
        let marked: Vec<bool> = column
            .values()
            .map(|value| patterns.iter().any(|pattern| passes(pattern, value)))
            .collect();
        column.codes.rows_of(&marked)
    };
    let mut rows = decide(chunk.admin(), TextPattern::is_admin_id);
    rows.or(&decide(chunk.admin_name(), TextPattern::is_whole));
    rows
}

fn rows_of_wide(column: &WideColumn, passes: impl Fn([u8; 16]) -> bool) -> RowSet {
    let marked: Vec<bool> = column.values().map(passes).collect();
    column.codes.rows_of(&marked)
}

fn whole(chunk: &Chunk, field: WholeField, patterns: &[TextPattern]) -> RowSet {
    let any = |word: &str| patterns.iter().any(|pattern| pattern.is_whole_folded(word));
    let texts = |column: &TextColumn| {
        let marked: Vec<bool> = column.folded().iter().flatten().map(any).collect();
        column.codes.rows_of(&marked)
    };
    let words = |column: &UInt8Array, word: &dyn Fn(u8) -> Option<&'static str>| {
        let mut passes = [false; 256];
        for (code, pass) in (0..=u8::MAX).zip(&mut passes) {
            *pass = word(code).is_some_and(|word| any(&fold(word)));
        }
        RowSet::of_values(column.values(), |code| {
            passes.get(usize::from(code)).copied().unwrap_or(false)
        })
    };
    match field {
        WholeField::Method => texts(chunk.method()),
        WholeField::Panel => texts(chunk.panel()),
        WholeField::Type => words(chunk.request_type(), &|code| {
            RequestType::from_code(code).map(RequestType::as_str)
        }),
        WholeField::Outcome => words(chunk.outcome(), &|code| {
            Outcome::from_code(code).map(Outcome::as_str)
        }),
        WholeField::KnownBy => words(chunk.known_by(), &|code| {
            KnownBy::from_code(code).map(KnownBy::as_str)
        }),
        WholeField::Kind => words(chunk.kind(), &|code| {
            Kind::from_code(code).map(Kind::as_str)
        }),
        WholeField::Ending => words(chunk.ending(), &|code| {
            Ending::from_code(code).map(Ending::as_str)
        }),
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::testing;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn columns_and_events_agree_on_every_filter(
            mut events in prop::collection::vec(testing::event(), 1..200),
            filters in prop::collection::vec(testing::filter(), 1..8),
        ) {
            for (seq, event) in (1..).zip(&mut events) {
                event.seq = admintrail_event::Seq(seq);
            }
            let chunk = Chunk::build(&events);
            for (row, event) in events.iter().enumerate() {
                let kept = chunk.fields(row).and_then(|fields| fields.to_event(event.log));
                prop_assert_eq!(kept.as_ref(), Some(event));
            }
            for filter in filters {
                let mut rows = RowSet::all(chunk.rows);
                Evaluator::new(&filter).narrow(&chunk, &mut rows);
                let found: Vec<usize> = rows.iter().collect();
                let expected: Vec<usize> =
                    (0..events.len()).filter(|row| filter.matches(&events[*row])).collect();
                prop_assert_eq!(found, expected, "{}", filter);
            }
        }
    }
}
