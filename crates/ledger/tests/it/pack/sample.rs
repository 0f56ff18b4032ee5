//! A pack to check: events of every kind in a small ledger. The example `proof_pack` makes the same.

use std::collections::BTreeMap;
use std::io::Cursor;

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{CanonicalFields, Event, FirstSet, Ip, LogId, Micros, Seq};
use admintrail_ledger::{
    BlockKey, Checkpoint, Declaration, EventHasher, EventProof, Hash, LedgerEntry, LedgerError,
    OpenBlock, PackAnchor, PackInfo, PackWriter, SigningKey, Statement, StatementKind, TileReader,
    TileWriter, Tree, TreeHead,
};

/// What the sample's blocks hold. Between the third and the fourth lies a statement.
const BLOCKS: [u64; 5] = [5, 1, 16, 3, 15];

/// Events that the filter does not find.
pub(crate) const LEFT_OUT: [u64; 4] = [3, 20, 21, 40];

/// The seed of the key that the sample is signed with.
pub(crate) const SEED: [u8; 32] = [9; 32];

/// Everything that a pack is made of.
pub(crate) struct Sample {
    pub(crate) key: SigningKey,
    /// Every event of the ledger.
    pub(crate) events: Vec<(Event, EventProof)>,
    pub(crate) checkpoint: String,
    pub(crate) anchors: Vec<PackAnchor>,
    /// The note that the first anchor keeps.
    pub(crate) kept: String,
}

/// The sample of an owner with a key of this seed.
pub(crate) fn sample(seed: &[u8; 32]) -> Result<Sample, LedgerError> {
    let key = SigningKey::new("ledger.example.org/billing", seed)?;
    let mut tiles = BTreeMap::new();
    let mut writer = TileWriter::new();
    let mut blocks = Vec::new();
    let mut events = events().into_iter();
    let mut at_two = TreeHead::EMPTY;
    for (number, size) in (0_u8..).zip(BLOCKS) {
        if number == 3 {
            writer.append(&statement()?)?;
        }
        let block_key = BlockKey::new(&[number; 32]);
        let events: Vec<Event> = events
            .by_ref()
            .take(usize::try_from(size).unwrap_or(0))
            .collect();
        let first = events.first().map_or(Seq(0), |event| event.seq);
        let mut open = OpenBlock::new(first);
        let mut tree = Tree::new();
        for event in &events {
            let hash = hash(&block_key, event);
            open.push(event.seq, event.received, hash)?;
            tree.push(hash);
        }
        let entry = open.close()?;
        let index = writer.head().size;
        writer.append(&LedgerEntry::from(entry).to_bytes())?;
        blocks.push((index, block_key, events, tree, entry));
        if number == 1 {
            at_two = writer.head();
        }
    }
    writer.write_to(&mut tiles)?;
    let head = writer.head();
    let mut reader = TileReader::new(&tiles, head);
    let mut proven = Vec::new();
    for (index, block_key, events, tree, entry) in blocks {
        let (_, in_ledger) = reader.inclusion(index)?;
        for event in events {
            let salt = block_key.salt(event.seq);
            let proof = EventProof::new(event.seq, salt, &entry, &tree, in_ledger.clone())?;
            proven.push((event, proof));
        }
    }
    let mut anchors = Vec::new();
    for (place, size) in [("backup-host", 2), ("marek@hosting.example", 5)] {
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
        checkpoint,
        anchors,
        kept,
    })
}

impl Sample {
    pub(crate) fn info(&self) -> PackInfo<'_> {
        PackInfo {
            checkpoint: &self.checkpoint,
            key: self.key.public(),
            anchors: self.anchors.clone(),
            filter: "panel:billing -method:HEAD",
            from: Some(Micros(1_794_900_000_000_000)),
            to: None,
            made: Micros(1_795_000_100_000_000),
            made_by: "olena@example.org",
            program: "admintrail 0.1.0",
        }
    }

    /// What the filter finds.
    pub(crate) fn found(&self) -> impl Iterator<Item = &(Event, EventProof)> {
        let found = |(event, _): &&(Event, EventProof)| !LEFT_OUT.contains(&event.seq.0);
        self.events.iter().filter(found)
    }

    pub(crate) fn pack(&self) -> Result<Vec<u8>, LedgerError> {
        let mut pack = PackWriter::new(Cursor::new(Vec::new()), self.info())?;
        for (event, proof) in self.found() {
            pack.add(&CanonicalFields::from(event), proof)?;
        }
        pack.finish().map(Cursor::into_inner)
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
