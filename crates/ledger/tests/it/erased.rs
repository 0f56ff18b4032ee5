//! The proof of an event that an erasure rewrote.

use admintrail_event::{CanonicalFields, Event, Micros, Seq};
use admintrail_ledger::{
    BlockKey, Declaration, ErasedProof, EventHasher, EventProof, LedgerEntry, LedgerError, Salt,
    Statement, StatementKind, StatementProof, TileReader, Tree, TreeHead, verify_erased,
    verify_event,
};
use serde_json::{Value, json};

use crate::proofs::altered;
use crate::samples::{Block, Tiles, blocks, damaged, published};
use crate::trail::declared;

/// The events that are erased, of the first two blocks: 1 to 4 and 5 to 10.
const ERASED: [u64; 3] = [2, 3, 7];

/// A ledger with an erasure in it.
pub(crate) struct Erasure {
    blocks: Vec<Block>,
    left: Vec<Event>,
    after: Tree,
    statement: Statement,
    /// The place of the statement.
    index: u64,
    tiles: Tiles,
    pub(crate) head: TreeHead,
}

fn salt(seq: Seq) -> Salt {
    BlockKey::new(&[0xee; 32]).salt(seq)
}

/// What an erasure leaves of an event.
fn rewritten(mut event: Event) -> Event {
    event.draft.admin = Some("erased-7f3a".into());
    (event.draft.admin_name, event.draft.ip) = (None, None);
    event
}

impl Erasure {
    /// Between the second block and the third.
    pub(crate) fn new() -> Self {
        Self::saying(2, |_| {})
    }

    /// At this place of the ledger, and changed before it came there.
    fn saying(index: u64, change: impl FnOnce(&mut Declaration)) -> Self {
        let blocks = blocks(&[4, 6, 3]);
        let all = blocks.iter().flat_map(|block| &block.events);
        let erased = all.filter(|event| ERASED.contains(&event.seq.0));
        let left: Vec<Event> = erased.cloned().map(rewritten).collect();
        let hash =
            |event: &Event| EventHasher::new().hash(salt(event.seq), &CanonicalFields::from(event));
        let after: Tree = left.iter().map(hash).collect();
        let mut said = declared(StatementKind::Erasure, 1, 10, after.size());
        said.after = Some(after.root());
        change(&mut said);
        let statement = Statement::new(said).unwrap();
        let mut entries: Vec<Vec<u8>> = blocks
            .iter()
            .map(|block| LedgerEntry::from(block.entry).to_bytes())
            .collect();
        let place = usize::try_from(index).unwrap();
        entries.insert(place, LedgerEntry::from(statement.clone()).to_bytes());
        let (tiles, head) = published(entries.iter().map(Vec::as_slice));
        Self {
            blocks,
            left,
            after,
            statement,
            index,
            tiles,
            head,
        }
    }

    /// Of one of the events that were left, by its place among them.
    pub(crate) fn proof(&self, place: u64) -> (Event, ErasedProof) {
        let event = self.left[usize::try_from(place).unwrap()].clone();
        let at = usize::from(event.seq.0 > 4);
        let block = &self.blocks[at];
        let index = (at as u64) + u64::from(self.index <= at as u64);
        let mut reader = TileReader::new(&self.tiles, self.head);
        let (_, in_ledger) = reader.inclusion(index).unwrap();
        let (_, said) = reader.inclusion(self.index).unwrap();
        let proof = ErasedProof::new(
            event.seq,
            salt(event.seq),
            &block.entry,
            &block.hashes.iter().copied().collect(),
            in_ledger,
            StatementProof::new(&self.statement, said),
            self.after.inclusion(place).unwrap(),
        );
        (event, proof.unwrap())
    }

    fn verified(&self, event: &Event, proof: &ErasedProof) -> Result<(), LedgerError> {
        verify_erased(&CanonicalFields::from(event), proof, self.head)
    }

    /// What is wrong with the first.
    fn refused(&self) -> String {
        let (event, proof) = self.proof(0);
        self.verified(&event, &proof).unwrap_err().to_string()
    }
}

#[test]
fn what_was_left_is_proven_also_after_a_way_through_json() {
    let erasure = Erasure::new();
    for place in 0..3 {
        let (event, proof) = erasure.proof(place);
        assert_eq!(erasure.verified(&event, &proof), Ok(()));
        let json = serde_json::to_string(&proof).unwrap();
        let read: ErasedProof = serde_json::from_str(&json).unwrap();
        assert_eq!(read, proof);
        assert_eq!((read.seq(), read.size()), (event.seq, 4));
        assert_eq!(read.statement().index(), 2);
        assert_eq!(read.statement().statement(), Ok(erasure.statement.clone()));
        let block = &erasure.blocks[usize::from(place == 2)];
        assert_eq!(read.block(), Ok(block.entry));
        let at = usize::try_from(event.seq.0 - block.entry.first().0).unwrap();
        assert_eq!(read.was(), block.hashes[at]);
    }
}

#[test]
fn a_proof_reads_as_it_is_described() {
    let (_, proof) = Erasure::new().proof(2);
    let text = serde_json::to_string(&proof).unwrap();
    let shape = text.replace(|c: char| c.is_ascii_digit(), "");
    let order = [
        "version",
        "seq",
        "salt",
        "was",
        "block",
        "first",
        "count",
        "min_received",
        "max_received",
        "root",
        "path",
        "ledger",
        "index",
        "size",
        "path",
        "statement",
        "entry",
        "ledger",
        "index",
        "size",
        "path",
        "after",
        "index",
        "size",
        "path",
    ];
    let mut rest = shape.as_str();
    for name in order {
        let at = rest
            .find(&format!("\"{name}\":"))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        rest = &rest[at + name.len()..];
    }
    assert!(text.contains("\"statement\":{\"entry\":\"020102"), "{text}");
}

#[test]
fn no_altered_proof_holds() {
    let erasure = Erasure::new();
    let (event, proof) = erasure.proof(1);
    let json = serde_json::to_value(&proof).unwrap();
    let mut tried = 0;
    for altered in altered(&json) {
        if altered == json {
            continue;
        }
        tried += 1;
        if let Ok(read) = serde_json::from_value::<ErasedProof>(altered.clone()) {
            assert!(erasure.verified(&event, &read).is_err(), "{altered}");
        }
    }
    assert!(tried > 60, "{tried}");
    let mut newer = json.clone();
    newer["version"] = 2.into();
    let newer: ErasedProof = serde_json::from_value(newer).unwrap();
    let refused = erasure.verified(&event, &newer).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-024");
    for (name, value) in [
        ("comment", json!("x")),
        ("was", Value::Null),
        ("after", json!({})),
    ] {
        let mut other = json.clone();
        other[name] = value;
        assert!(
            serde_json::from_value::<ErasedProof>(other).is_err(),
            "{name}"
        );
    }
    for entry in ["0", "0G", "0A", " 02"] {
        let mut other = json.clone();
        other["statement"]["entry"] = entry.into();
        assert!(
            serde_json::from_value::<ErasedProof>(other).is_err(),
            "{entry}"
        );
    }
    let mut other = json;
    other["statement"]["entry"] = "".into();
    let other: ErasedProof = serde_json::from_value(other).unwrap();
    let refused = erasure.verified(&event, &other).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-020");
}

#[test]
fn nothing_but_what_was_left_is_proven() {
    let erasure = Erasure::new();
    let (event, proof) = erasure.proof(1);
    let refused = |change: &dyn Fn(&mut Event)| {
        let mut event = event.clone();
        change(&mut event);
        erasure.verified(&event, &proof).unwrap_err().to_string()
    };
    let left = "it is not what the erasure left";
    assert!(refused(&|event| event.draft.admin = None).contains(left));
    assert!(refused(&|event| event.draft.path.push('/')).contains(left));
    assert!(refused(&|event| event.draft.time.0 += 1).contains(left));
    assert!(refused(&|event| event.received.0 -= 1).contains(left));
    assert!(refused(&|event| event.received.0 += 1_000).contains("block's time"));
    assert!(refused(&|event| event.seq = Seq(2)).contains("for another event"));
    // Not even the event that it was.
    let before = &erasure.blocks[0].events[2];
    assert_eq!(before.seq, event.seq);
    assert!(refused(&|event| *event = before.clone()).contains(left));
    let (_, other) = erasure.proof(0);
    let refused = erasure.verified(&event, &other).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-023");
    let root = damaged(erasure.head.root, 9);
    let head = TreeHead {
        root,
        ..erasure.head
    };
    let refused = verify_erased(&CanonicalFields::from(&event), &proof, head).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-004");
}

#[test]
fn a_whole_event_is_none_that_an_erasure_left_and_the_other_way_round() {
    let erasure = Erasure::new();
    let (event, proof) = erasure.proof(1);
    let json = serde_json::to_value(&proof).unwrap();
    let mut whole = json!({"version": 1, "seq": 3});
    for name in ["salt", "block", "ledger"] {
        whole[name] = json[name].clone();
    }
    let whole: EventProof = serde_json::from_value(whole).unwrap();
    let fields = CanonicalFields::from(&event);
    let refused = verify_event(&fields, &whole, erasure.head).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-023");
    // Event 4 as it was recorded, in the place of the last that was erased of its block.
    let block = &erasure.blocks[0];
    let mut reader = TileReader::new(&erasure.tiles, erasure.head);
    let proof = ErasedProof::new(
        Seq(4),
        block.salt(Seq(4)),
        &block.entry,
        &block.hashes.iter().copied().collect(),
        reader.inclusion(0).unwrap().1,
        StatementProof::new(&erasure.statement, reader.inclusion(2).unwrap().1),
        erasure.after.inclusion(1).unwrap(),
    );
    let refused = erasure
        .verified(&block.events[3], &proof.unwrap())
        .unwrap_err();
    assert!(
        refused.to_string().contains("not what the erasure left"),
        "{refused}"
    );
}

#[test]
fn a_statement_has_to_be_an_erasure_of_this_event() {
    let of = |change: &dyn Fn(&mut Declaration)| Erasure::saying(2, change).refused();
    let tells = "does not say what an erasure left";
    assert!(of(&|said| said.kind = StatementKind::Retention).contains(tells));
    assert!(of(&|said| said.after = None).contains(tells));
    let speaks = "the statement does not speak of it";
    assert!(of(&|said| said.first = Seq(3)).contains(speaks));
    assert!(of(&|said| (said.last, said.events) = (Seq(1), 1)).contains(speaks));
    assert!(of(&|said| said.panel = Some("another".into())).contains(speaks));
    assert!(of(&|said| said.cutoff = Some(Micros(0))).contains(speaks));
    let place = "its place among the events of the erasure cannot be that";
    assert!(of(&|said| said.events = 4).contains(place));
    assert!(of(&|said| said.events = 2).contains(place));
    // Two more of them would have to come after it, and one fits.
    let narrow = of(&|said| (said.first, said.last) = (Seq(1), Seq(3)));
    assert!(narrow.contains(place), "{narrow}");
    let other = of(&|said| said.after = Some(damaged(said.after.unwrap(), 3)));
    assert!(other.contains("not what the erasure left"), "{other}");
    // What is told before an event is recorded is no excuse for what became of it.
    let early = Erasure::saying(0, |_| {}).refused();
    assert!(early.contains("stands before it in the ledger"), "{early}");
    let held = Erasure::saying(2, |said| {
        (said.cutoff, said.panel) = (Some(Micros(i64::MAX)), None);
    });
    let (event, proof) = held.proof(0);
    assert_eq!(held.verified(&event, &proof), Ok(()));
}

#[test]
fn a_block_is_no_statement() {
    let erasure = Erasure::new();
    let (event, proof) = erasure.proof(0);
    let mut json = serde_json::to_value(&proof).unwrap();
    let entry = LedgerEntry::from(erasure.blocks[2].entry).to_bytes();
    let hex: String = entry.iter().map(|byte| format!("{byte:02x}")).collect();
    json["statement"] = json!({
        "entry": hex,
        "ledger": TileReader::new(&erasure.tiles, erasure.head).inclusion(3).unwrap().1,
    });
    let proof: ErasedProof = serde_json::from_value(json).unwrap();
    assert_eq!(
        erasure.verified(&event, &proof).unwrap_err().code(),
        "LEDGER-022"
    );
}
