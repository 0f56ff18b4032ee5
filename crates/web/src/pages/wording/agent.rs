//! A user agent in three words: good enough to recognise one's own browser, never decisive.

/// `Firefox 144 on Linux`; `None` for what is not a known browser.
pub(crate) fn browser(agent: &str) -> Option<String> {
    // The order matters: most browsers name their ancestors too.
    const BROWSERS: [(&str, &str); 9] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Vivaldi/", "Vivaldi"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("HeadlessChrome/", "Chrome (headless)"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows NT", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    if !agent.starts_with("Mozilla/") {
        return None;
    }
    let (token, name) = BROWSERS
        .into_iter()
        .find(|(token, _)| agent.contains(token))?;
    let version: String = agent
        .split_once(token)?
        .1
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let system = SYSTEMS
        .into_iter()
        .find(|(token, _)| agent.contains(token))
        .map(|(_, name)| name);
    Some(match system {
        Some(system) => format!("{name} {version} on {system}"),
        None => format!("{name} {version}"),
    })
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_and_programs_are_left_alone() {
        let cases = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                Some("Firefox 144 on Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
                Some("Edge 141 on Windows"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                Some("Safari 18 on macOS"),
            ),
            ("curl/8.9.1", None),
            ("", None),
        ];
        for (agent, expected) in cases {
            assert_eq!(browser(agent).as_deref(), expected, "{agent}");
        }
    }
}
