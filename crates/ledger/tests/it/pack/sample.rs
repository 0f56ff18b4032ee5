//! A pack to check: events of every kind in a small ledger. The example `proof_pack` makes the same.

use std::collections::BTreeMap;
use std::io::{Cursor, Seek, Write};

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{CanonicalFields, Event, FirstSet, Ip, LogId, Micros, Seq};
use admintrail_ledger::{
    BlockEntry, BlockKey, Checkpoint, Declaration, ErasedProof, EventHasher, EventProof, Hash,
    InclusionProof, LedgerEntry, LedgerError, OpenBlock, PackAnchor, PackInfo, PackWriter,
    ReasonSeal, SigningKey, Statement, StatementKind, StatementProof, TileReader, TileWriter, Tree,
    TreeHead,
};

/// What the sample's blocks hold. Between the third and the fourth, and behind all, lie statements.
const BLOCKS: [u64; 5] = [5, 1, 16, 3, 15];

/// What was erased, in the order of the statements. The last one is a lie: it speaks of an event that
/// was recorded later, so it is no excuse for anything.
const ERASED: [&[u64]; 3] = [&[15, 18, 19, 20], &[34, 37], &[EARLY]];

/// The event of that lie, which is whole.
pub(crate) const EARLY: u64 = 24;

/// Events that the filter does not find.
pub(crate) const LEFT_OUT: [u64; 4] = [3, 20, 21, 40];

/// The seed of the key that the sample is signed with.
pub(crate) const SEED: [u8; 32] = [9; 32];

/// What a row is proven by.
#[derive(Clone)]
pub(crate) enum Proof {
    Whole(EventProof),
    Erased(ErasedProof),
}

/// Everything that a pack is made of.
pub(crate) struct Sample {
    pub(crate) key: SigningKey,
    /// Every event of the ledger as it reads now.
    pub(crate) events: Vec<(Event, Proof)>,
    /// The proof of an erasure that was told of before its event was recorded.
    pub(crate) early: ErasedProof,
    pub(crate) checkpoint: String,
    pub(crate) anchors: Vec<PackAnchor>,
    /// The note that the first anchor keeps.
    pub(crate) kept: String,
}

/// A block with the place of its entry.
struct Block {
    index: u64,
    key: BlockKey,
    events: Vec<Event>,
    tree: Tree,
    entry: BlockEntry,
}

/// An erasure with the place of its statement, and what it left.
struct Erasure {
    index: u64,
    statement: Statement,
    key: BlockKey,
    left: Vec<Event>,
    after: Tree,
}

impl Erasure {
    fn of(number: u8, events: &[Event]) -> Result<Self, LedgerError> {
        let seqs = ERASED.get(usize::from(number)).copied().unwrap_or(&[]);
        let erased = events.iter().filter(|event| seqs.contains(&event.seq.0));
        let left: Vec<Event> = erased
            .cloned()
            .map(|event| rewritten(event, number))
            .collect();
        let key = BlockKey::new(&[0xe0 + number; 32]);
        let after: Tree = left.iter().map(|event| hash(&key, event)).collect();
        let statement = Statement::new(Declaration {
            kind: StatementKind::Erasure,
            at: Micros(1_795_000_055_000_000 + i64::from(number)),
            // A range may reach further than what it means.
            first: seqs.first().map_or(Seq(0), |seq| Seq(seq - 1)),
            last: seqs.last().map_or(Seq(0), |seq| Seq(seq + 1)),
            events: after.size(),
            cutoff: None,
            panel: None,
            subject: Some(pseudonym(number)),
            by: "olena@example.org".into(),
            approved_by: (number == 0).then(|| "jonas@example.org".into()),
            reason: Some(ReasonSeal([number; 32])),
            after: Some(after.root()),
        })?;
        Ok(Self {
            index: 0,
            statement,
            key,
            left,
            after,
        })
    }
}

/// The sample of an owner with a key of this seed.
pub(crate) fn sample(seed: &[u8; 32]) -> Result<Sample, LedgerError> {
    let key = SigningKey::new("ledger.example.org/billing", seed)?;
    let mut writer = TileWriter::new();
    let mut blocks = Vec::new();
    let all = events();
    let mut events = all.iter().cloned();
    let mut erasures = Vec::new();
    let mut erase = |number, writer: &mut TileWriter| {
        let mut erasure = Erasure::of(number, &all)?;
        erasure.index = writer.head().size;
        let entry = LedgerEntry::from(erasure.statement.clone()).to_bytes();
        erasures.push(erasure);
        writer.append(&entry)
    };
    let mut at_two = TreeHead::EMPTY;
    for (number, size) in (0_u8..).zip(BLOCKS) {
        if number == 3 {
            writer.append(&statement()?)?;
            erase(0, &mut writer)?;
            erase(2, &mut writer)?;
        }
        let key = BlockKey::new(&[number; 32]);
        let events: Vec<Event> = events
            .by_ref()
            .take(usize::try_from(size).unwrap_or(0))
            .collect();
        let first = events.first().map_or(Seq(0), |event| event.seq);
        let mut open = OpenBlock::new(first);
        let mut tree = Tree::new();
        for event in &events {
            let hash = hash(&key, event);
            open.push(event.seq, event.received, hash)?;
            tree.push(hash);
        }
        let entry = open.close()?;
        let index = writer.head().size;
        writer.append(&LedgerEntry::from(entry).to_bytes())?;
        blocks.push(Block {
            index,
            key,
            events,
            tree,
            entry,
        });
        if number == 1 {
            at_two = writer.head();
        }
    }
    erase(1, &mut writer)?;
    // Nothing that a row needs.
    writer.append(&statement()?)?;
    let mut tiles = BTreeMap::new();
    writer.write_to(&mut tiles)?;
    let head = writer.head();
    let mut reader = TileReader::new(&tiles, head);
    let (mut proven, mut early) = (Vec::new(), None);
    for block in &blocks {
        let (_, in_ledger) = reader.inclusion(block.index)?;
        for event in &block.events {
            let found = erasures.iter().find_map(|erasure| {
                let place = erasure.left.iter().position(|left| left.seq == event.seq)?;
                Some((erasure, place, erasure.left.get(place)?))
            });
            if let Some((erasure, place, left)) = found {
                let (_, at) = reader.inclusion(erasure.index)?;
                let proof = erased(block, erasure, place, in_ledger.clone(), at)?;
                if left.seq.0 != EARLY {
                    proven.push((left.clone(), Proof::Erased(proof)));
                    continue;
                }
                early = Some(proof);
            }
            let (seq, salt) = (event.seq, block.key.salt(event.seq));
            let proof = EventProof::new(seq, salt, &block.entry, &block.tree, in_ledger.clone())?;
            proven.push((event.clone(), Proof::Whole(proof)));
        }
    }
    let mut anchors = Vec::new();
    for (place, size) in [
        ("backup-host", 2),
        ("marek@hosting.example", 5),
        ("backup-host", 9),
    ] {
        let (head, consistency) = reader.consistency(size)?;
        anchors.push(PackAnchor {
            place: place.to_owned(),
            at: Micros(1_795_000_060_000_000),
            head,
            consistency,
        });
    }
    let kept = Checkpoint::new(key.name(), at_two).sign(&key)?;
    let checkpoint = Checkpoint::new(key.name(), head).sign(&key)?;
    Ok(Sample {
        key,
        events: proven,
        early: early.ok_or(LedgerError::NotHex { digits: 0 })?,
        checkpoint,
        anchors,
        kept,
    })
}

/// The proof of one event that an erasure rewrote, as the place among those says.
fn erased(
    block: &Block,
    erasure: &Erasure,
    place: usize,
    in_ledger: InclusionProof,
    statement: InclusionProof,
) -> Result<ErasedProof, LedgerError> {
    let seq = erasure.left.get(place).map_or(Seq(0), |event| event.seq);
    ErasedProof::new(
        seq,
        erasure.key.salt(seq),
        &block.entry,
        &block.tree,
        in_ledger,
        StatementProof::new(&erasure.statement, statement),
        erasure.after.inclusion(place as u64)?,
    )
}

fn pseudonym(number: u8) -> String {
    format!("erased-7f3{number}")
}

/// What an erasure leaves of an event.
fn rewritten(mut event: Event, number: u8) -> Event {
    let draft = &mut event.draft;
    draft.admin = Some(pseudonym(number));
    (draft.admin_name, draft.ip, draft.user_agent) = (None, None, None);
    event
}

impl Sample {
    pub(crate) fn info(&self) -> PackInfo<'_> {
        PackInfo {
            checkpoint: &self.checkpoint,
            key: self.key.public(),
            filter: "panel:billing -method:HEAD",
            from: Some(Micros(1_794_900_000_000_000)),
            to: None,
            made: Micros(1_795_000_100_000_000),
            made_by: "olena@example.org",
            program: "admintrail 0.1.0",
        }
    }

    /// What the filter finds.
    pub(crate) fn found(&self) -> impl Iterator<Item = &(Event, Proof)> {
        let found = |(event, _): &&(Event, Proof)| !LEFT_OUT.contains(&event.seq.0);
        self.events.iter().filter(found)
    }

    /// Begins a pack with its anchors.
    pub(crate) fn begin<W: Write + Seek>(&self, out: W) -> Result<PackWriter<'_, W>, LedgerError> {
        let mut pack = PackWriter::new(out, self.info())?;
        let mut anchors = self.anchors.iter().cloned();
        anchors.try_for_each(|anchor| pack.anchor(anchor))?;
        Ok(pack)
    }

    pub(crate) fn pack(&self) -> Result<Vec<u8>, LedgerError> {
        let mut pack = self.begin(Cursor::new(Vec::new()))?;
        for (event, proof) in self.found() {
            add(&mut pack, event, proof)?;
        }
        pack.finish().map(Cursor::into_inner)
    }
}

/// Adds a row to a pack.
pub(crate) fn add<W: Write + Seek>(
    pack: &mut PackWriter<'_, W>,
    event: &Event,
    proof: &Proof,
) -> Result<(), LedgerError> {
    let fields = CanonicalFields::from(event);
    match proof {
        Proof::Whole(proof) => pack.add(&fields, proof),
        Proof::Erased(proof) => pack.add_erased(&fields, proof),
    }
}

fn hash(key: &BlockKey, event: &Event) -> Hash {
    EventHasher::new().hash(key.salt(event.seq), &CanonicalFields::from(event))
}

fn statement() -> Result<Vec<u8>, LedgerError> {
    let statement = Statement::new(Declaration {
        kind: StatementKind::Retention,
        at: Micros(1_795_000_050_000_000),
        first: Seq(1),
        last: Seq(2),
        events: 1,
        cutoff: None,
        panel: None,
        subject: None,
        by: "retention".into(),
        approved_by: None,
        reason: None,
        after: None,
    })?;
    Ok(LedgerEntry::from(statement).to_bytes())
}

/// Usual ones, and from number 7 on some that no recorder makes: what is hashed may be any text.
fn events() -> Vec<Event> {
    let count = BLOCKS.iter().sum::<u64>();
    let drafts = workload(7, usize::try_from(count).unwrap_or(0));
    let mut events: Vec<Event> = drafts
        .zip(1..)
        .map(|(draft, seq)| accepted(draft, LogId([0xab; 16]), seq))
        .collect();
    for (event, at) in events.iter_mut().zip(0..) {
        event.received = Micros(1_795_000_000_000_000 + at * 40_000);
    }
    for event in &mut events {
        let draft = &mut event.draft;
        match event.seq.0 {
            7 => {
                draft.action = "Змінено налаштування 日本語 🔑 e\u{301} \u{e9}".into();
                draft.admin_name = Some("Олена \u{202e}evil\u{2028}".into());
            }
            8 => {
                draft.path = "/nul/\0/\u{1}\u{1f}\u{7f}\u{85}\t\r\n\u{8}\u{c}".into();
                draft.query = Some("a=\"b\"\\&c='d'</script><!--".into());
            }
            9 => draft.query = Some("long=".to_owned() + &"äx\"".repeat(1_500)),
            10 => (draft.admin, draft.admin_name) = (None, Some(String::new())),
            11 => (draft.admin, draft.admin_name) = (Some(String::new()), None),
            12 => {
                draft.action = "=HYPERLINK(\"http://x\")".into();
                draft.object = Some("-1".into());
                draft.user_agent = Some("\u{ff1d}1".into());
            }
            13 => {
                draft.ip = Some(Ip([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
                event.first = FirstSet::EVERYTHING;
                draft.polling = true;
            }
            14 => (draft.recorder_epoch, draft.duration_us) = (u64::MAX, Some(u64::MAX)),
            15 => draft.time = Micros(i64::MIN),
            16 => draft.time = Micros(-1),
            _ => {}
        }
    }
    events
}
