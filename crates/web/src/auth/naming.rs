//! What accounts, tokens and identities may be called: one rule for pages and command line.

use admintrail_event::PanelName;
use admintrail_store::Identity;
use admintrail_store::control::TokenScope;

use crate::WebError;

fn field(field: &'static str, message: &str) -> WebError {
    WebError::BadField {
        field,
        message: message.to_owned(),
    }
}

/// An e-mail address, as far as anybody can tell without sending to it.
/// # Errors
/// [`WebError::BadField`], as everything here.
pub fn email_of(text: &str) -> Result<String, WebError> {
    let wrong = || {
        field(
            "email",
            "This is not an e-mail address such as olena@example.org.",
        )
    };
    let (user, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let plain = text
        .chars()
        .all(|c| is_plain(c) && !c.is_whitespace() && !"<>\"(),;:\\".contains(c));
    if plain && !user.is_empty() && !user.contains('@') && !host.is_empty() && text.len() <= 254 {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

/// The name of a person, to be shown; it may be empty.
pub fn account_name_of(text: &str) -> Result<String, WebError> {
    if text.chars().count() > 100 || !text.chars().all(is_plain) {
        return Err(field("name", "Use at most 100 characters, on one line."));
    }
    Ok(text.to_owned())
}

/// "Me" on the panels: `name` or `panel:name`, by line or comma.
pub fn identities_of(text: &str) -> Result<Vec<Identity>, WebError> {
    let mut found: Vec<Identity> = Vec::new();
    for entry in text
        .split([',', '\n', '\r'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let (panel, admin) = match entry.split_once(':') {
            Some((panel, admin)) => {
                let panel = panel.trim().parse().map_err(|error| {
                    field(
                        "identities",
                        &format!("{error}. Write `name`, or `panel:name` for one panel."),
                    )
                })?;
                (Some(panel), admin.trim())
            }
            None => (None, entry),
        };
        if admin.is_empty() || admin.len() > 254 || !admin.chars().all(is_plain) {
            return Err(field(
                "identities",
                "Each identity needs a name of at most 254 bytes.",
            ));
        }
        let identity = Identity {
            panel,
            admin: admin.to_owned(),
        };
        if !found.contains(&identity) {
            found.push(identity);
        }
    }
    if found.len() > 100 {
        return Err(field("identities", "Use at most 100 identities."));
    }
    Ok(found)
}

/// The name of a token: it stands in log lines and filters.
pub fn token_name_of(text: &str) -> Result<String, WebError> {
    let plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    if text.is_empty() || text.chars().count() > 64 || !text.chars().all(plain) {
        return Err(field(
            "name",
            "Use 1 to 64 letters, digits, spaces, '-', '_' or '.'.",
        ));
    }
    Ok(text.to_owned())
}

/// The panels a token is bound to, by comma, blank or line; none: every panel.
pub fn token_panels_of<'a>(
    texts: impl Iterator<Item = &'a str>,
    scope: TokenScope,
) -> Result<Vec<PanelName>, WebError> {
    let mut panels = Vec::new();
    for name in texts
        .flat_map(|text| text.split([',', ' ', '\n', '\r']))
        .filter(|name| !name.is_empty())
    {
        let panel: PanelName = name
            .parse()
            .map_err(|error: admintrail_event::IdError| field("panels", &format!("{error}.")))?;
        if panel == PanelName::own() && scope == TokenScope::Ingest {
            let message =
                "Nobody may send events of admintrail: that panel is the record of its own use.";
            return Err(field("panels", message));
        }
        if !panels.contains(&panel) {
            panels.push(panel);
        }
    }
    Ok(panels)
}

/// Neither a control character nor one that turns the direction of what stands around it.
pub(crate) fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_by_line_or_comma() {
        let found = identities_of("olena, billing:olena@example.org\r\nroot\n\nroot").unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|i| (i.panel.as_ref().map(ToString::to_string), i.admin.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (None, "olena"),
                (Some("billing".to_owned()), "olena@example.org"),
                (None, "root")
            ]
        );
        assert!(identities_of("Bad Panel:olena").is_err());
        assert!(identities_of("billing:").is_err());
    }

    #[test]
    fn e_mail_addresses_are_told_from_other_text() {
        for good in ["a@b", "olena.k+x@example.org", "ол@приклад.укр"] {
            assert_eq!(email_of(good).unwrap(), good);
        }
        for bad in ["", "olena", "@b", "a@", "a b@c", "a@b@c", "<a@b>", "a@b\n"] {
            assert!(email_of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_hold_nothing_that_turns_a_table_around() {
        assert_eq!(account_name_of("Олена К.").unwrap(), "Олена К.");
        assert_eq!(account_name_of("").unwrap(), "");
        for bad in ["a\u{202e}b", "a\nb", "\u{2066}x", "\u{200f}"] {
            account_name_of(bad).unwrap_err();
            token_name_of(bad).unwrap_err();
            email_of(&format!("{bad}@example.org")).unwrap_err();
            identities_of(&format!("x{bad}y\u{1b}")).unwrap_err();
        }
    }

    #[test]
    fn a_token_is_bound_to_panels_that_there_may_be() {
        let panels = |text: &'static str, scope| token_panels_of([text].into_iter(), scope);
        let two = panels("billing, shop\nbilling", TokenScope::Ingest).unwrap();
        assert_eq!(two.len(), 2);
        panels("admintrail", TokenScope::Ingest).unwrap_err();
        panels("admintrail", TokenScope::Read).unwrap();
        panels("Not A Panel", TokenScope::Read).unwrap_err();
        token_name_of("").unwrap_err();
        token_name_of(&"x".repeat(65)).unwrap_err();
    }
}
