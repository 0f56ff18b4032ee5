//! Tried names of failed sign-ins: people type passwords into the name field.

/// Which tried names are kept as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttemptedNames {
    /// Known admins and names that attackers try; any other becomes its length and a fingerprint.
    #[default]
    Known,
    /// Every name.
    All,
}

/// What is recorded of a tried name. `is_admin`: somebody has signed in under it before.
/// Otherwise "unknown name (9 characters) #3fa2": the fingerprint (HMAC under `key`) groups equal tries.
#[must_use]
pub fn attempted_name(_typed: &str, _is_admin: bool, _keep: AttemptedNames, _key: &[u8; 32]) -> String {
    todo!()
}
