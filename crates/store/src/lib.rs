//! The trail: what was accepted is durable, ordered and quickly found again.
//!
//! This room owns `trail.db`, `ledger.db` and `control.db`. It promises: an acknowledged event survives
//! `kill -9` and power loss; the same id is accepted once; every query answers as
//! `Filter::matches` over all events would. No SQLite and no Arrow type leaves it.
//! It may use `event` and `ledger`; it knows no HTTP.

mod answer;
mod archive;
mod columns;
pub mod control;
mod cursor;
mod derived;
mod erasure;
mod error;
mod folder;
mod folding;
mod hot;
mod ledger;
mod mirror;
mod query;
mod random;
mod retention;
mod sealer;
mod steps;
mod tail;
mod trail;

pub use archive::ParquetWriter;
pub use control::Control;
pub use erasure::{Erased, ErasureOrder, ErasureProgress, Traces, without};
pub use error::StoreError;
pub use ledger::{
    LedgerState, ProofState, Proven, ProvenErased, Proving, SIGNING_KEY, Verified, VerifyOptions,
    accept_loss, verification_key, verify,
};
pub use query::{
    ActiveAdmin, AttemptGroup, Attempts, AttemptsBy, Bucket, Cursor, Facet, FacetField, FacetValue,
    Folded, Group, GroupDetail, Groups, Histogram, Identity, Order, Page, PageRequest, Position,
    Relation, Searched, SessionRow, SessionsPage, Since, Succeeded, Total, View,
};
pub use retention::{Retention, RetentionPaused, RetentionState};
pub use steps::Steps;
pub use tail::Tail;
pub use trail::{ArchiveState, Receipt, Submission, Trail, TrailOptions, TrailState, Tuning};
