//! What a view leaves out when it folds: background refreshes, and styles, scripts, images and
//! fonts. What was refused or went wrong, and what somebody tried, is always shown.

use admintrail_event::{Draft, KnownBy, Outcome};

use crate::columns::{Chunk, RowSet};

/// Whether it may be left out, if it is a refresh or an asset.
pub(crate) fn may_fold(draft: &Draft) -> bool {
    may(draft.outcome.code(), draft.known_by.code())
}

/// Whether it is left out.
pub(crate) fn folds(draft: &Draft) -> bool {
    (draft.polling || draft.asset) && may_fold(draft)
}

/// The same for a row of a chunk.
pub(crate) fn folds_row(chunk: &Chunk, row: usize) -> bool {
    (chunk.polling().value(row) || chunk.asset().value(row))
        && may(chunk.outcome().value(row), chunk.known_by().value(row))
}

/// The rows of a chunk for which [`may_fold`] holds.
pub(crate) fn may_fold_rows(chunk: &Chunk) -> RowSet {
    let mut rows = RowSet::of_values(chunk.outcome().values(), |outcome| {
        outcome == Outcome::Success.code()
    });
    rows.and_not(&RowSet::of_values(chunk.known_by().values(), |known_by| {
        known_by == KnownBy::Attempt.code()
    }));
    rows
}

pub(crate) fn may(outcome: u8, known_by: u8) -> bool {
    outcome == Outcome::Success.code() && known_by != KnownBy::Attempt.code()
}
