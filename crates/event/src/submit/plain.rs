//! The quick way through the JSON of an event as programs write it: an object of texts without
//! escapes, whole numbers, true, false and null.
//!
//! Whatever else it meets, it gives up, and the general reader looks from the beginning. So it has no
//! messages of its own, and must only never take what that one takes for something else.

use std::borrow::Cow;

use super::fields::{Field, Fields, Given};

/// The fields of an object, if it is a plain one and names each field once.
pub(super) fn read(json: &str) -> Option<Fields<'_>> {
    let mut reader = Reader { json, at: 0 };
    let mut fields = Fields::default();
    let mut last = None;
    reader.skip(b'{')?;
    loop {
        let field = reader.name(last)?;
        reader.skip(b':')?;
        let value = reader.value(field)?;
        if !fields.set_new(field, value) {
            return None;
        }
        last = Some(field);
        match reader.token()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    reader.is_at_end().then_some(fields)
}

/// Reads tokens off the front.
struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        self.skip_white_space();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn skip(&mut self, token: u8) -> Option<()> {
        (self.token()? == token).then_some(())
    }

    fn skip_word(&mut self, word: &str) -> Option<()> {
        let rest = self.json.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
        })
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_white_space();
        self.at == self.json.len()
    }

    /// The field that is named here; most likely the one after the last.
    fn name(&mut self, last: Option<Field>) -> Option<Field> {
        self.skip(b'"')?;
        if let Some(next) = Field::after(last) {
            let rest = self.json.as_bytes().get(self.at..)?;
            let name = next.name().as_bytes();
            if rest.starts_with(name) && rest.get(name.len()) == Some(&b'"') {
                self.at += name.len() + 1;
                return Some(next);
            }
        }
        Field::named(self.text()?)
    }

    /// The value of a field.
    fn value(&mut self, field: Field) -> Option<Given<'a>> {
        let value = match self.token()? {
            b'"' => Given::Text(Cow::Borrowed(self.text()?)),
            b'n' => {
                self.skip_word("ull")?;
                Given::Null
            }
            b't' => {
                self.skip_word("rue")?;
                Given::Truth(true)
            }
            b'f' => {
                self.skip_word("alse")?;
                Given::Truth(false)
            }
            first @ b'0'..=b'9' => Given::Number(self.number(first)?),
            // The one list of an event is the trail's own word, which nobody looks at.
            b'[' if field == Field::First => {
                self.skip_list()?;
                Given::Null
            }
            _ => return None,
        };
        Some(value)
    }

    /// A text whose quotation mark was read.
    fn text(&mut self) -> Option<&'a str> {
        let start = self.at;
        let end = start + plain_length(self.json.as_bytes().get(start..)?)?;
        self.at = end + 1;
        self.json.get(start..end)
    }

    /// A number whose first digit was read, of at most 19 digits and without zeros before it. What
    /// another kind of number goes on with is no end of a value.
    fn number(&mut self, first: u8) -> Option<u64> {
        let mut number = u64::from(first - b'0');
        let mut digits = 1;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            if digits == 19 || number == 0 {
                return None;
            }
            number = number * 10 + u64::from(digit - b'0');
            digits += 1;
            self.at += 1;
        }
        Some(number)
    }

    fn skip_list(&mut self) -> Option<()> {
        let mut token = self.token()?;
        if token == b']' {
            return Some(());
        }
        loop {
            if token != b'"' {
                return None;
            }
            self.text()?;
            match self.token()? {
                b',' => token = self.token()?,
                b']' => return Some(()),
                _ => return None,
            }
        }
    }
}

/// How many bytes are before the quotation mark; nothing if an escape or a control byte is.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // A bit for each byte that is 0; after the first one others may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut before = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let ends = quotes | escapes | controls;
        if ends != 0 {
            let at = ends.trailing_zeros();
            return (quotes >> at & 1 == 1).then_some(before + at as usize / 8);
        }
        before += 8;
    }
    for &byte in rest {
        match byte {
            b'"' => return Some(before),
            b'\\' | 0..0x20 => return None,
            _ => before += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_quotation_mark_wherever_that_stands() {
        for before in 0..40 {
            let text = "x".repeat(before);
            for after in ["", "y", "\"", "\\\u{1}\"", "0123456789"] {
                let json = format!("{text}\"{after}");
                assert_eq!(plain_length(json.as_bytes()), Some(before), "{json}");
            }
            for bad in ["", "\\\"", "\u{1f}\"", "\0\"", "\n\""] {
                let json = format!("{text}{bad}");
                assert_eq!(plain_length(json.as_bytes()), None, "{json:?}");
            }
            // Neighbours of what is looked for, and bytes with the highest bit.
            let json = format!("{text}!#[]\u{7f}\u{80}\u{ff}\u{20ac}\"");
            assert_eq!(plain_length(json.as_bytes()), Some(json.len() - 1));
        }
    }

    #[test]
    fn numbers_are_taken_as_json_writes_them_or_not_at_all() {
        for (json, number) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("1795000000000000", Some(1_795_000_000_000_000)),
            ("9999999999999999999", Some(9_999_999_999_999_999_999)),
            ("00", None),
            ("01", None),
            ("10000000000000000000", None),
            ("99999999999999999999", None),
            ("1.5", None),
            ("1e3", None),
            ("-1", None),
        ] {
            let object = format!("{{\"count\":{json}}}");
            let read = read(&object);
            assert_eq!(read.is_some(), number.is_some(), "{json}");
            if let Some(mut fields) = read
                && number.is_some_and(|number| i64::try_from(number).is_ok())
            {
                assert_eq!(fields.number(Field::Count).unwrap(), number);
            }
        }
    }
}
