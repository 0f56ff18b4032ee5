//! Whether a text names a person.

use percent_encoding::percent_decode_str;

use crate::{fold, is_common_name};

/// Whether a text is this id (folded already) or has it as a whole segment of a path, written out or
/// percent-encoded; of an address what stands before the @ is enough, unless many are called that.
#[must_use]
pub fn names_person(text: &str, folded: &str) -> bool {
    let local = folded.split_once('@').map(|(local, _)| local);
    let local = local.filter(|local| !is_common_name(local));
    let names = |part: &str| part == folded || Some(part) == local;
    let is = |part: &str| {
        names(&fold(part))
            || part.contains('%') && names(&fold(&percent_decode_str(part).decode_utf8_lossy()))
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
            "/users/tom",
        ] {
            assert!(names_person(text, person), "{text}");
        }
        for text in ["/users/tomas", "/users/atom@hosting.example", "", "/"] {
            assert!(!names_person(text, person), "{text}");
        }
        assert!(!names_person("/admin/users", "admin@hosting.example"));
    }
}
