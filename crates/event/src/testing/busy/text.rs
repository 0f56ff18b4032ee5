//! Texts with a place for an id, filled without formatting.

/// Characters that the presets' `|short` keeps of a long id.
const SHORT: usize = 8;

/// A text, and where an id stands in it.
#[derive(Debug)]
pub(super) struct Text {
    parts: Vec<Part>,
    length: usize,
}

#[derive(Debug)]
enum Part {
    Words(Box<str>),
    Whole,
    /// The beginning, and `…`.
    Short,
}

impl Text {
    /// A text in which `sample` stands for whatever id; none where it is empty.
    pub(super) fn of(text: &str, sample: &str) -> Self {
        let mut parts = Vec::new();
        if sample.is_empty() {
            parts.push(Part::Words(Box::from(text)));
        } else {
            for (at, piece) in text.split(sample).enumerate() {
                if at > 0 {
                    parts.push(Part::Whole);
                }
                push_shortened(&mut parts, piece, sample);
            }
        }
        Self {
            parts,
            length: text.len(),
        }
    }

    pub(super) fn fill(&self, id: &str) -> String {
        let mut out = String::with_capacity(self.length + 8);
        for part in &self.parts {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Whole => out.push_str(id),
                Part::Short => {
                    out.push_str(id.get(..SHORT).unwrap_or(id));
                    out.push('…');
                }
            }
        }
        out
    }
}

fn push_shortened(parts: &mut Vec<Part>, text: &str, sample: &str) {
    let beginning = sample.get(..SHORT).map(|short| format!("{short}…"));
    let pieces = match &beginning {
        Some(short) => text.split(short.as_str()).collect(),
        None => vec![text],
    };
    for (at, piece) in pieces.into_iter().enumerate() {
        if at > 0 {
            parts.push(Part::Short);
        }
        if !piece.is_empty() {
            parts.push(Part::Words(Box::from(piece)));
        }
    }
}
