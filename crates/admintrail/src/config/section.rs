//! One table of the configuration, read key by key: every value taken is checked, shown by
//! `config show`, and every key nobody took is a mistake.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use admintrail_event::filter::nearest_of;
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use ipnet::IpNet;

use super::given::{Given, Raw};
use super::origin::{Mistakes, Origin};

/// A value that holds, for `config show`.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Dotted key.
    pub(crate) key: String,
    /// As one would write it; secrets masked.
    pub(crate) value: String,
    /// Who said so.
    pub(crate) origin: Origin,
}

/// What reading a configuration gathers beside the values.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) mistakes: Mistakes,
    pub(crate) shown: Vec<Shown>,
}

/// One table.
pub(crate) struct Section<'a> {
    prefix: String,
    entries: Vec<(String, Given)>,
    asked: Vec<&'static str>,
    origin: Origin,
    findings: &'a mut Findings,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        prefix: &str,
        entries: Vec<(String, Given)>,
        origin: Origin,
        findings: &'a mut Findings,
    ) -> Self {
        Self {
            prefix: prefix.to_owned(),
            entries,
            asked: Vec::new(),
            origin,
            findings,
        }
    }

    /// Where the table stands.
    pub(crate) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// Where a key stands; where the table does, if it is not there.
    pub(crate) fn place_of(&self, key: &str) -> Origin {
        let found = self.entries.iter().rfind(|(name, _)| name == key);
        found.map_or_else(|| self.origin(), |(_, given)| given.origin.clone())
    }

    /// No key means the section itself.
    fn dotted(&self, key: &str) -> String {
        match (self.prefix.as_str(), key) {
            ("", key) => key.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, key) => format!("{prefix}.{key}"),
        }
    }

    /// Whether a key is there, rightly or wrongly.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Takes a key's value. The last one given wins (flags are appended after the file).
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Given> {
        self.asked.push(key);
        let mut found = None;
        self.entries.retain(|(name, given)| {
            let hit = name == key;
            if hit {
                found = Some(given.clone());
            }
            !hit
        });
        found
    }

    /// Every value of a key, in order.
    pub(crate) fn take_all(&mut self, key: &'static str) -> Vec<Given> {
        self.asked.push(key);
        let (hits, rest) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(name, _)| name == key);
        self.entries = rest;
        let hits: Vec<(String, Given)> = hits;
        hits.into_iter().map(|(_, given)| given).collect()
    }

    pub(crate) fn wrong(&mut self, origin: &Origin, key: &str, message: impl Into<String>) {
        let key = self.dotted(key);
        self.findings.mistakes.add(origin, &key, message);
    }

    pub(crate) fn show(&mut self, key: &str, value: impl Display, origin: Origin) {
        let key = self.dotted(key);
        self.findings.shown.push(Shown {
            key,
            value: value.to_string(),
            origin,
        });
    }

    /// A text that `read` understands; `read` says what is wrong otherwise.
    pub(crate) fn parsed<T: Display>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(T, Origin)> {
        let given = self.take(key)?;
        let text = match given.raw {
            Raw::Text(text) => text,
            Raw::Number(number) => number.to_string(),
            other => {
                self.wrong(
                    &given.origin,
                    key,
                    format!("is {}; write a text in quotes", other.kind()),
                );
                return None;
            }
        };
        match read(&text) {
            Ok(value) => {
                self.show(key, &value, given.origin.clone());
                Some((value, given.origin))
            }
            Err(message) => {
                self.wrong(&given.origin, key, message);
                None
            }
        }
    }

    /// A text of any kind.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<(String, Origin)> {
        self.parsed(key, |text| {
            if text.is_empty() {
                Err("is empty".to_owned())
            } else {
                Ok(text.to_owned())
            }
        })
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let found = self.parsed(key, |text| {
            match words.iter().find(|(word, _)| *word == text) {
                Some((word, _)) => Ok((*word).to_owned()),
                None => Err(format!("{text:?} is not one of {}", names.join(", "))),
            }
        });
        match found {
            Some((word, _)) => words
                .iter()
                .find(|(name, _)| *name == word)
                .map_or(default, |(_, value)| *value),
            None => {
                if let Some(name) = names.first() {
                    self.show(key, name, Origin::Default);
                }
                default
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, key: &'static str, default: bool) -> bool {
        let Some(given) = self.take(key) else {
            self.show(key, default, Origin::Default);
            return default;
        };
        match given.raw {
            Raw::Switch(on) => {
                self.show(key, on, given.origin);
                on
            }
            other => {
                let message = format!("is {}; write true or false, without quotes", other.kind());
                self.wrong(&given.origin, key, message);
                default
            }
        }
    }

    /// An address to listen on.
    pub(crate) fn address(&mut self, key: &'static str) -> Option<(SocketAddr, Origin)> {
        self.parsed(key, read_address)
    }

    /// A duration such as `10s`, `500ms`, `2m`.
    pub(crate) fn duration(&mut self, key: &'static str, default: Duration) -> Duration {
        let found = self.parsed(key, |text| read_duration(text).map(Shows));
        match found {
            Some((duration, _)) => duration.0,
            None => {
                self.show(key, Shows(default), Origin::Default);
                default
            }
        }
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let found = self.parsed(key, |text| {
            text.parse::<u64>()
                .ok()
                .filter(|n| bounds.contains(n))
                .ok_or_else(|| {
                    format!(
                        "{text:?} is not a whole number from {} to {}",
                        bounds.start(),
                        bounds.end()
                    )
                })
        });
        match found {
            Some((number, _)) => number,
            None => {
                self.show(key, default, Origin::Default);
                default
            }
        }
    }

    /// Networks such as `10.0.0.0/8`; a single address is itself alone.
    pub(crate) fn networks(&mut self, key: &'static str) -> Vec<IpNet> {
        let Some(given) = self.take(key) else {
            self.show(key, "[]", Origin::Default);
            return Vec::new();
        };
        let origin = given.origin.clone();
        let items = match given.raw {
            Raw::List(items) => items,
            Raw::Text(text) => text
                .split([',', ' '])
                .filter(|piece| !piece.is_empty())
                .map(|piece| Given {
                    raw: Raw::Text(piece.to_owned()),
                    origin: origin.clone(),
                })
                .collect(),
            other => {
                self.wrong(
                    &origin,
                    key,
                    format!("is {}; write a list such as [\"10.0.0.0/8\"]", other.kind()),
                );
                return Vec::new();
            }
        };
        let mut networks = Vec::new();
        for item in items {
            match &item.raw {
                Raw::Text(text) => match read_network(text) {
                    Ok(network) => networks.push(network),
                    Err(message) => self.wrong(&item.origin, key, message),
                },
                other => {
                    let message =
                        format!("holds {}; write texts such as \"10.0.0.0/8\"", other.kind());
                    self.wrong(&item.origin, key, message);
                }
            }
        }
        let names: Vec<String> = networks
            .iter()
            .map(|network| format!("\"{network}\""))
            .collect();
        self.show(key, format!("[{}]", names.join(", ")), origin);
        networks
    }

    /// Texts, none of them empty.
    pub(crate) fn words(&mut self, key: &'static str) -> Vec<String> {
        let Some(given) = self.take(key) else {
            self.show(key, "[]", Origin::Default);
            return Vec::new();
        };
        let items = match given.raw {
            Raw::List(items) => items,
            raw => vec![Given {
                raw,
                origin: given.origin.clone(),
            }],
        };
        let mut words = Vec::new();
        for item in items {
            match item.raw {
                Raw::Text(text) if !text.is_empty() => words.push(text),
                other => {
                    let message = format!("holds {}; write texts in quotes", other.kind());
                    self.wrong(&item.origin, key, message);
                }
            }
        }
        let shown: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        self.show(key, format!("[{}]", shown.join(", ")), given.origin);
        words
    }

    /// A file, relative to the folder of the file that names it.
    pub(crate) fn file(&mut self, key: &'static str) -> Option<(PathBuf, Origin)> {
        let (text, origin) = self.text(key)?;
        Some((beside(&origin, Path::new(&text)), origin))
    }

    /// Names of headers; one text holds one or several, separated by commas.
    pub(crate) fn headers(&mut self, key: &'static str) -> Vec<HeaderName> {
        let Some(given) = self.take(key) else {
            self.show(key, "[]", Origin::Default);
            return Vec::new();
        };
        let origin = given.origin.clone();
        let texts: Vec<(String, Origin)> = match given.raw {
            Raw::Text(text) => text
                .split([',', ' '])
                .filter(|piece| !piece.is_empty())
                .map(|piece| (piece.to_owned(), origin.clone()))
                .collect(),
            Raw::List(items) => items
                .into_iter()
                .filter_map(|item| match item.raw {
                    Raw::Text(text) => Some((text, item.origin)),
                    other => {
                        let message = format!("holds {}; write names of headers", other.kind());
                        self.wrong(&item.origin, key, message);
                        None
                    }
                })
                .collect(),
            other => {
                let message = format!("is {}; write a list such as [\"x-api-key\"]", other.kind());
                self.wrong(&origin, key, message);
                return Vec::new();
            }
        };
        let mut headers = Vec::new();
        for (text, origin) in texts {
            match text.parse::<HeaderName>() {
                Ok(name) if [AUTHORIZATION, COOKIE].contains(&name) => {
                    let message = format!("{text:?} is read anyway; leave it out");
                    self.wrong(&origin, key, message);
                }
                Ok(name) => headers.push(name),
                Err(_) => {
                    let message = format!("{text:?} is not the name of a header such as x-api-key");
                    self.wrong(&origin, key, message);
                }
            }
        }
        let names: Vec<String> = headers.iter().map(|name| format!("\"{name}\"")).collect();
        self.show(key, format!("[{}]", names.join(", ")), origin);
        headers
    }

    /// One of several tables of a name.
    pub(crate) fn below(
        &mut self,
        key: &'static str,
        entries: Vec<(String, Given)>,
        origin: Origin,
    ) -> Section<'_> {
        let prefix = self.dotted(key);
        Section::new(&prefix, entries, origin, self.findings)
    }

    /// A table below this one.
    pub(crate) fn table(&mut self, key: &'static str) -> Option<Section<'_>> {
        let given = self.take(key)?;
        match given.raw {
            Raw::Table(entries) => {
                let prefix = self.dotted(key);
                Some(Section::new(&prefix, entries, given.origin, self.findings))
            }
            other => {
                self.wrong(
                    &given.origin,
                    key,
                    format!("is {}; write a table", other.kind()),
                );
                None
            }
        }
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(mut self) {
        for (name, given) in std::mem::take(&mut self.entries) {
            let message = match nearest_of(&name, self.asked.iter().copied()) {
                Some(known) => format!("there is no such key; did you mean {known:?}?"),
                None => {
                    let mut known = self.asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    format!("there is no such key; there are {}", known.join(", "))
                }
            };
            self.wrong(&given.origin, &name, message);
        }
    }
}

/// A path relative to the file that names it; flags and variables are relative to here.
pub(crate) fn beside(origin: &Origin, path: &Path) -> PathBuf {
    match origin {
        Origin::File { path: file, .. } => file
            .parent()
            .map_or_else(|| path.to_owned(), |dir| dir.join(path)),
        _ => path.to_owned(),
    }
}

/// A duration that prints as one writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shows(pub(crate) Duration);

impl Display for Shows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1_000) {
            write!(f, "{}s", millis / 1_000)
        } else {
            write!(f, "{millis}ms")
        }
    }
}

fn read_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write 10s, 500ms or 2m");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).ok_or_else(wrong)?.trim();
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    let millis = millis
        .filter(|millis| (1..=86_400_000).contains(millis))
        .ok_or_else(wrong)?;
    Ok(Duration::from_millis(millis))
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080` (loopback).
pub(crate) fn read_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || {
        format!(
            "{text:?} is not an address; write 127.0.0.1:8080, or 0.0.0.0:8080 to be reached from outside"
        )
    };
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = text
        .strip_prefix("localhost:")
        .or_else(|| text.strip_prefix(':'))
        .ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    Ok(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn read_network(text: &str) -> Result<IpNet, String> {
    if let Ok(network) = text.parse::<IpNet>() {
        return Ok(network.trunc());
    }
    text.parse::<std::net::IpAddr>()
        .map(IpNet::from)
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("7", 7_000),
        ] {
            assert_eq!(read_duration(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "s", "-1s", "10 parsecs", "0s", "99h"] {
            assert!(read_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_without_host_is_loopback() {
        assert_eq!(read_address(":8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(
            read_address("localhost:1").unwrap().to_string(),
            "127.0.0.1:1"
        );
        assert_eq!(read_address("[::1]:1").unwrap().to_string(), "[::1]:1");
        assert!(read_address("8080").is_err());
    }
}
