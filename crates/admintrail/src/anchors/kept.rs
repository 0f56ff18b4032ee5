//! Reading what a place keeps.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file beside a checkpoint that has the older ones: a line of JSON each, the oldest first.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    beside(path, "log")
}

/// `admintrail.checkpoint.log`
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// A line as receivers get it and as files have it.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) checkpoint: String,
}

/// The signed notes of a file: the one that it is, or one a line of JSON, with the number of the
/// line. What is neither comes as it is, so that whoever opens it says what is wrong. A last line
/// that does not end was being written when the power failed; it says nothing.
pub(crate) fn notes(bytes: &[u8]) -> Vec<(Option<usize>, Vec<u8>)> {
    if bytes.first() != Some(&b'{') {
        return vec![(None, bytes.to_vec())];
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    lines
        .filter_map(|(at, line)| {
            let note = match serde_json::from_slice::<Line>(line) {
                Ok(read) => read.checkpoint.into_bytes(),
                Err(_) if line.ends_with(b"\n") => line.to_vec(),
                Err(_) => return None,
            };
            Some((Some(at + 1), note))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_note_or_one_a_line_without_what_was_torn() {
        let note = "origin\n1\nroot\n\n— signature\n";
        assert_eq!(notes(note.as_bytes()), [(None, note.as_bytes().to_vec())]);
        let line = |text: &str| {
            let json = serde_json::json!({"size": 1, "root": "r", "checkpoint": text, "host": "h"});
            format!("{json}\n")
        };
        let two = format!("{}{}", line("one\n"), line("two\n"));
        let torn = two.trim_end_matches(['"', '}', '\n']);
        let first = (Some(1), b"one\n".to_vec());
        assert_eq!(
            notes(two.as_bytes()),
            [first.clone(), (Some(2), b"two\n".to_vec())]
        );
        assert_eq!(notes(torn.as_bytes()), std::slice::from_ref(&first));
        // What was not torn is not passed over.
        let strange = format!("{}strange\n", line("one\n"));
        assert_eq!(
            notes(strange.as_bytes()),
            [first, (Some(2), b"strange\n".to_vec())]
        );
    }
}
