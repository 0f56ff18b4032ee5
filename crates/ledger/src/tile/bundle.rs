//! Entries as bundles: each with its length before it, as big-endian u16 (C2SP tlog-tiles).

use crate::LedgerError;

/// The longest entry that a bundle can hold, in bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Appends one entry to the bytes of a bundle.
///
/// # Errors
/// LEDGER-009 for an entry of more than [`MAX_ENTRY_BYTES`]; the bundle stays as it was.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), LedgerError> {
    let length =
        u16::try_from(entry.len()).map_err(|_| LedgerError::EntryTooLong { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle; `None` where its bytes end inside one.
#[must_use]
pub fn bundle_entries(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_that_does_not_fit_leaves_the_bundle_alone() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, &vec![7; MAX_ENTRY_BYTES]).unwrap();
        let before = bundle.clone();
        let refused = push_entry(&mut bundle, &vec![7; MAX_ENTRY_BYTES + 1]);
        assert_eq!(refused, Err(LedgerError::EntryTooLong { bytes: 65_536 }));
        assert_eq!(bundle, before);
    }

    proptest! {
        #[test]
        fn entries_come_back(entries: Vec<Vec<u8>>, cut in 1..20_usize) {
            let mut bundle = Vec::new();
            for entry in &entries {
                push_entry(&mut bundle, entry).unwrap();
            }
            prop_assert_eq!(bundle_entries(&bundle).unwrap(), entries);
            // Cut anywhere it is refused, or ends exactly behind an entry.
            let cut = bundle.len().saturating_sub(cut);
            if let Some(fewer) = bundle_entries(&bundle[..cut]) {
                let bytes: usize = fewer.iter().map(|entry| entry.len() + 2).sum();
                prop_assert_eq!(bytes, cut);
            }
        }
    }
}
