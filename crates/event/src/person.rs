//! Whether a text names a person.

use percent_encoding::percent_decode_str;

use crate::fold;

/// Whether a text is this id (folded already) or has it as a whole segment of a path, written out or
/// percent-encoded.
#[must_use]
pub fn names_person(text: &str, folded: &str) -> bool {
    let is = |part: &str| {
        fold(part) == *folded
            || part.contains('%') && fold(&percent_decode_str(part).decode_utf8_lossy()) == *folded
    };
    is(text) || text.contains('/') && text.split('/').any(is)
}

#[cfg(test)]
mod tests {
    use super::names_person;

    #[test]
    fn a_name_is_a_whole_text_or_a_whole_segment() {
        let person = "tom@hosting.example";
        for text in [
            "Tom@hosting.example",
            "/users/tom@hosting.example/edit",
            "/users/TOM%40hosting.example",
            "/tom@hosting.example",
        ] {
            assert!(names_person(text, person), "{text}");
        }
        for text in ["tom", "/users/tom", "/users/atom@hosting.example", "", "/"] {
            assert!(!names_person(text, person), "{text}");
        }
    }
}
