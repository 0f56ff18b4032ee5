//! The proof that the ledger has a statement.

use serde::{Deserialize, Serialize};

use crate::{Hash, InclusionProof, LedgerEntry, LedgerError, Statement, TreeHead};

/// The bytes of a statement's entry, and the entry's place in the ledger:
///
/// ```json
/// {"entry":"0201…","ledger":{"index":40,"size":99,"path":["…"]}}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementProof {
    #[serde(with = "crate::hash::hex_text")]
    entry: Vec<u8>,
    ledger: InclusionProof,
}

impl StatementProof {
    /// The proof for a statement whose entry is in the ledger ([`crate::TileReader::inclusion`]).
    #[must_use]
    pub fn new(statement: &Statement, ledger: InclusionProof) -> Self {
        Self {
            entry: LedgerEntry::from(statement.clone()).to_bytes(),
            ledger,
        }
    }

    /// The place of the statement in the ledger, from 0 on.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.ledger.index
    }

    /// What the ledger says there, if the proof holds.
    ///
    /// # Errors
    /// LEDGER-020 to 022 for bytes that are no statement.
    pub fn statement(&self) -> Result<Statement, LedgerError> {
        match LedgerEntry::parse(&self.entry)? {
            LedgerEntry::Statement(statement) => Ok(statement),
            LedgerEntry::Block(_) => Err(LedgerError::NotStatement {
                cause: "it is a block of events",
            }),
        }
    }

    /// The statement, if the ledger with this head has it.
    ///
    /// # Errors
    /// LEDGER-020 to 022 for bytes that are no statement; LEDGER-004 if it is not in the ledger.
    pub fn verify(&self, head: TreeHead) -> Result<Statement, LedgerError> {
        let statement = self.statement()?;
        self.ledger.verify(Hash::of_leaf(&self.entry), head)?;
        Ok(statement)
    }
}
