//! What holds for every template, read as text.

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn templates() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() > 10);
    let read = |path: PathBuf| {
        (
            path.display().to_string(),
            fs::read_to_string(path).unwrap(),
        )
    };
    found.into_iter().map(read).collect()
}

/// Places where a value may pass unescaped: none. Whoever needs one argues it here.
const SAFE: &[(&str, &str)] = &[];

#[test]
fn no_value_passes_unescaped() {
    for (path, text) in templates() {
        assert!(
            path.ends_with(".html"),
            "{path}: askama escapes by the ending of the name"
        );
        for word in ["|safe", "| safe", "|escape(\"none\")", "{% autoescape"] {
            let allowed = SAFE.iter().any(|(file, _)| path.ends_with(file));
            assert!(allowed || !text.contains(word), "{path} has {word}");
        }
    }
}

/// The content security policy forbids it, so it would be dead anyway.
#[test]
fn nothing_is_inline() {
    for (path, text) in templates() {
        assert!(!text.contains(" style="), "{path}");
        assert!(!text.contains("<style"), "{path}");
        for script in text.split("<script").skip(1) {
            assert!(
                script.split('>').next().unwrap().contains(" src="),
                "{path}"
            );
        }
        for (at, _) in text.match_indices(" on") {
            let rest: String = text[at + 3..]
                .chars()
                .take_while(char::is_ascii_alphabetic)
                .collect();
            let next = text[at + 3 + rest.len()..].chars().next();
            assert!(rest.is_empty() || next != Some('='), "{path}: on{rest}=");
        }
    }
}

#[test]
fn every_icon_is_drawn() {
    let css = include_str!("../../../static/css/icon.css");
    for (path, text) in templates() {
        for rest in text.split("icon-").skip(1) {
            let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            let other = rest.starts_with("button") || name.is_empty();
            assert!(
                other || css.contains(&format!(".icon-{name} ")),
                "{path}: icon-{name}"
            );
        }
    }
}
