//! Who sits at the shell, as the record names them.

/// The name of a user of this machine: `shell:olena`.
pub(crate) fn name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.map_or_else(|| format!("shell:{uid}"), |name| format!("shell:{name}"))
}

/// Whoever runs this process.
pub(crate) fn own() -> String {
    name(rustix::process::getuid().as_raw())
}
