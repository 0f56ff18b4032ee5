//! The proof of one event, from its fields to a checkpoint.

use admintrail_event::{CanonicalFields, Event, Seq};
use admintrail_ledger::{
    BlockEntry, EventProof, LedgerEntry, LedgerError, TileReader, Tree, TreeHead, verify_event,
};
use serde_json::Value;

use crate::samples::{Block, blocks, damaged, published};

/// Some blocks, and the proofs of all of their events with the head they lead to.
fn proven(sizes: &[usize]) -> (Vec<(Event, EventProof)>, TreeHead) {
    let blocks = blocks(sizes);
    let entries: Vec<Vec<u8>> = blocks
        .iter()
        .map(|block| LedgerEntry::from(block.entry).to_bytes())
        .collect();
    let (tiles, head) = published(entries.iter().map(Vec::as_slice));
    let mut reader = TileReader::new(&tiles, head);
    let mut proofs = Vec::new();
    for (index, block) in (0..).zip(&blocks) {
        let (_, in_ledger) = reader.inclusion(index).unwrap();
        let tree: Tree = block.hashes.iter().copied().collect();
        for event in &block.events {
            let salt = block.salt(event.seq);
            let proof = EventProof::new(event.seq, salt, &block.entry, &tree, in_ledger.clone());
            proofs.push((event.clone(), proof.unwrap()));
        }
    }
    (proofs, head)
}

fn verified(event: &Event, proof: &EventProof, head: TreeHead) -> Result<(), &'static str> {
    verify_event(&CanonicalFields::from(event), proof, head).map_err(|error| error.code())
}

#[test]
fn every_event_is_proven_also_after_a_way_through_json() {
    let (proofs, head) = proven(&[1, 5, 64, 3, 200]);
    for (event, proof) in &proofs {
        assert_eq!(verified(event, proof, head), Ok(()), "{}", event.seq);
        let json = serde_json::to_string(proof).unwrap();
        let read: EventProof = serde_json::from_str(&json).unwrap();
        assert_eq!((read.seq(), read.size()), (event.seq, 5));
        assert_eq!(&read, proof);
    }
}

#[test]
fn a_proof_is_for_its_own_event_alone() {
    let (proofs, head) = proven(&[3, 4]);
    for (event, _) in &proofs {
        for (other, proof) in &proofs {
            let own = event == other;
            let expected = if own { Ok(()) } else { Err("LEDGER-023") };
            assert_eq!(verified(event, proof, head), expected);
        }
    }
}

#[test]
fn a_changed_event_is_not_the_one_that_was_recorded() {
    let (proofs, head) = proven(&[8, 8]);
    let (event, proof) = &proofs[3];
    let refused = |change: &dyn Fn(&mut Event)| {
        let mut event = event.clone();
        change(&mut event);
        assert_eq!(verified(&event, proof, head), Err("LEDGER-023"));
    };
    refused(&|event| event.draft.admin = None);
    refused(&|event| event.draft.path.push('/'));
    refused(&|event| event.draft.polling ^= true);
    refused(&|event| event.first.0 ^= 1);
    refused(&|event| event.received.0 += 1);
    refused(&|event| event.received.0 -= 1_000);
    refused(&|event| event.log.0[0] ^= 1);
    refused(&|event| event.seq = Seq(0));
}

#[test]
fn another_checkpoint_does_not_do() {
    let (proofs, head) = proven(&[2, 2, 2]);
    let (event, proof) = &proofs[0];
    let root = damaged(head.root, 5);
    let others = [TreeHead { root, ..head }, TreeHead { size: 4, ..head }];
    let (_, later) = proven(&[2, 2, 2, 2]);
    for other in others.into_iter().chain([later]) {
        assert_eq!(verified(event, proof, other), Err("LEDGER-004"));
    }
}

/// Every value of a proof, replaced by others of its kind.
pub(crate) fn altered(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![
                (number + 1).into(),
                (number - 1).into(),
                (number ^ 64).into(),
            ]
        }
        Value::String(hex) => {
            let flip = |at: usize| {
                let mut digits = hex.clone().into_bytes();
                digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
                String::from_utf8(digits).unwrap().into()
            };
            vec![flip(0), flip(hex.len() - 1), hex.to_uppercase().into()]
        }
        Value::Array(items) => {
            let mut all: Vec<Value> = (0..items.len())
                .flat_map(|at| {
                    let with = move |item| {
                        let mut items = items.clone();
                        items[at] = item;
                        items
                    };
                    altered(&items[at]).into_iter().map(with)
                })
                .map(Value::Array)
                .collect();
            all.push(Value::Array([&items[..], &items[..1]].concat()));
            all.push(Value::Array(items[1..].to_vec()));
            all
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                altered(value).into_iter().map(move |value| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), value);
                    Value::Object(fields)
                })
            })
            .collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn no_altered_proof_holds() {
    let (proofs, head) = proven(&[5, 7, 6]);
    let (event, proof) = &proofs[8];
    let json = serde_json::to_value(proof).unwrap();
    let mut tried = 0;
    for altered in altered(&json) {
        if altered == json {
            continue;
        }
        tried += 1;
        if let Ok(read) = serde_json::from_value::<EventProof>(altered.clone()) {
            assert!(verified(event, &read, head).is_err(), "{altered}");
        }
    }
    assert!(tried > 40, "{tried}");
    let mut newer = json.clone();
    newer["version"] = 2.into();
    let newer: EventProof = serde_json::from_value(newer).unwrap();
    assert_eq!(verified(event, &newer, head), Err("LEDGER-024"));
    let mut more = json;
    more["comment"] = "x".into();
    assert!(serde_json::from_value::<EventProof>(more).is_err());
}

#[test]
fn a_proof_reads_as_it_is_described() {
    let (proofs, _) = proven(&[1, 2]);
    let json = serde_json::to_value(&proofs[2].1).unwrap();
    let names = |value: &Value| -> Vec<String> {
        let object = value.as_object().unwrap();
        object.keys().cloned().collect()
    };
    assert_eq!(names(&json), ["block", "ledger", "salt", "seq", "version"]);
    let block = [
        "count",
        "first",
        "max_received",
        "min_received",
        "path",
        "root",
    ];
    assert_eq!(names(&json["block"]), block);
    assert_eq!(names(&json["ledger"]), ["index", "path", "size"]);
    assert_eq!(json["salt"].as_str().unwrap().len(), 32);
    assert_eq!(json["block"]["path"][0].as_str().unwrap().len(), 64);
}

#[test]
fn no_proof_is_made_of_what_does_not_fit_together() {
    let made: Vec<Block> = blocks(&[4, 4]);
    let tree: Tree = made[0].hashes.iter().copied().collect();
    let entries: Vec<Vec<u8>> = made
        .iter()
        .map(|block| LedgerEntry::from(block.entry).to_bytes())
        .collect();
    let (tiles, head) = published(entries.iter().map(Vec::as_slice));
    let (_, in_ledger) = TileReader::new(&tiles, head).inclusion(0).unwrap();
    let make = |seq: u64, block: &Block| {
        let salt = block.salt(Seq(seq));
        EventProof::new(Seq(seq), salt, &block.entry, &tree, in_ledger.clone())
    };
    assert!(make(1, &made[0]).is_ok());
    for (seq, block) in [(0, 0), (5, 0), (u64::MAX, 0), (5, 1)] {
        let refused = make(seq, &made[block]);
        assert!(
            matches!(refused, Err(LedgerError::NotProof { .. })),
            "{seq}"
        );
    }
}

#[test]
fn a_block_that_lies_about_its_time_proves_nothing() {
    let block = &blocks(&[3])[0];
    let tree: Tree = block.hashes.iter().copied().collect();
    let (_, latest) = block.entry.received();
    let received = (latest, latest);
    let entry = BlockEntry::new(Seq(1), 3, received, block.entry.root()).unwrap();
    let bytes = LedgerEntry::from(entry).to_bytes();
    let (tiles, head) = published([bytes.as_slice()]);
    let (_, in_ledger) = TileReader::new(&tiles, head).inclusion(0).unwrap();
    let proof = |seq| {
        let salt = block.salt(Seq(seq));
        EventProof::new(Seq(seq), salt, &entry, &tree, in_ledger.clone()).unwrap()
    };
    let early = verified(&block.events[0], &proof(1), head);
    assert_eq!(early, Err("LEDGER-023"));
    assert_eq!(verified(&block.events[2], &proof(3), head), Ok(()));
}
