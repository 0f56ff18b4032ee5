//! Randomness of the system, for keys and names that nothing follows from.

use crate::StoreError;

/// So many random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::CannotRecord {
        cause: format!("the system gives no randomness ({error})"),
    })?;
    Ok(bytes)
}
