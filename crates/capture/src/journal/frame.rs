//! Records of a segment: length, checksum, payload.

/// What every segment begins with; the last two characters are the version.
pub(super) const MAGIC: &[u8; 8] = b"ATJRNL01";

/// Longest payload that is believed; a longer length is damage. The longest opening (all texts at
/// their limits) has about 28 KiB.
const MAX_PAYLOAD: usize = 64 * 1024;

/// Bytes before a payload: its length and checksum.
pub(super) const HEADER: usize = 4 + 8;

/// Begins a frame at the end of `out`; the returned mark closes it.
pub(super) fn begin(out: &mut Vec<u8>) -> usize {
    let mark = out.len();
    out.extend_from_slice(&[0; HEADER]);
    mark
}

/// Writes length and checksum of the frame that began at `mark`.
pub(super) fn end(out: &mut [u8], mark: usize) {
    let Some((header, payload)) = out
        .get_mut(mark..)
        .and_then(|f| f.split_at_mut_checked(HEADER))
    else {
        return;
    };
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    let sum = checksum(length, payload).to_le_bytes();
    for (to, from) in header.iter_mut().zip(length.into_iter().chain(sum)) {
        *to = from;
    }
}

/// 64 bits over length and payload, eight bytes a step (FNV-1a takes one, and would cost more than
/// the write itself). Each step is a bijection, so no single damaged word goes unnoticed. It has to
/// tell a torn or damaged record from a whole one, not to resist anybody: who can write here can
/// write anything.
pub(super) fn checksum(length: [u8; 4], payload: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    };
    let (words, rest) = payload.as_chunks::<8>();
    let begin = mix(0xcbf2_9ce4_8422_2325, u64::from(u32::from_le_bytes(length)));
    let hash = words
        .iter()
        .fold(begin, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter()
        .fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

/// The segment is written as another version does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OtherVersion;

/// The whole records of a segment. Damage is passed over: what follows it is searched for the next
/// whole record. Text cannot be taken for one, because it holds no zero bytes and lengths do.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    rest: &'a [u8],
    damaged: usize,
}

impl<'a> Frames<'a> {
    /// A beginning that is no segment's is damage like any other: it was torn while it was made, or
    /// it rotted, and whole records may follow.
    ///
    /// # Errors
    /// The file says that another version wrote it.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, OtherVersion> {
        if let Some(rest) = bytes.strip_prefix(MAGIC) {
            return Ok(Self { rest, damaged: 0 });
        }
        let (name, _) = MAGIC.split_at(MAGIC.len() - 2);
        match bytes.strip_prefix(name).and_then(<[u8]>::first_chunk::<2>) {
            Some(version) if version.iter().all(u8::is_ascii_digit) => Err(OtherVersion),
            _ => Ok(Self {
                rest: bytes,
                damaged: 0,
            }),
        }
    }

    /// How many bytes belonged to no whole record: a torn tail, or damage.
    pub(super) const fn damaged(&self) -> usize {
        self.damaged
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            if let Some((payload, rest)) = split_frame(self.rest) {
                self.rest = rest;
                return Some(payload);
            }
            self.damaged += 1;
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        None
    }
}

/// The whole record at the beginning, and what follows it.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let payload_len = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if payload_len == 0 || payload_len > MAX_PAYLOAD {
        return None;
    }
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let (payload, rest) = rest.split_at_checked(payload_len)?;
    (checksum(*length, payload) == u64::from_le_bytes(*sum)).then_some((payload, rest))
}
