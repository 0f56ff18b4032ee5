//! Readers of foreign bytes, fed with damaged examples.

use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::testing::{Effort, fuzz};
use admintrail_event::{CanonicalFields, Micros, Seq};
use admintrail_ledger::{
    Checkpoint, ConsistencyProof, Declaration, ErasedProof, EventProof, Hash, InclusionProof,
    LedgerEntry, Note, SigningKey, Statement, StatementKind, TileId, TreeHead, VerifierKey,
    bundle_entries, verify_erased, verify_event,
};

use crate::erased::Erasure;
use crate::samples::{blocks, leaf, tree};

/// As much as `cargo xtask fuzz` asks for.
fn effort() -> Effort {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Effort::new(
        std::env::var("ADMINTRAIL_FUZZ_SECONDS").ok().as_deref(),
        clock,
    )
}

#[test]
fn a_note_is_refused_or_says_what_was_signed() {
    let key = SigningKey::new("ledger.example.org", &[7; 32]).unwrap();
    let head = TreeHead {
        size: 70_000,
        root: leaf(1),
    };
    let checkpoint = Checkpoint::new(key.name(), head);
    let note = checkpoint.sign(&key).unwrap();
    let examples: [&[u8]; 3] = [
        note.as_bytes(),
        "\n\n\u{2014} a AAAAAAAA\n".as_bytes(),
        b"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ];
    let words: [&[u8]; 8] = [
        b"\n",
        b"\n\n",
        "\u{2014} ".as_bytes(),
        b" ",
        b"+",
        b"=",
        b"ledger.example.org",
        b"\xff",
    ];
    let keys = [key.public().clone()];
    fuzz(&effort(), &examples, &words, |bytes| {
        let _ = Note::parse(bytes);
        if let Ok(opened) = Checkpoint::open(bytes, &keys) {
            assert_eq!(opened, checkpoint);
        }
        let text = String::from_utf8_lossy(bytes);
        if let Ok(read) = Checkpoint::parse(&text) {
            assert_eq!(read.text(), text);
        }
    });
}

#[test]
fn a_key_is_refused_or_reads_back_the_same() {
    let examples: [&[u8]; 2] = [
        b"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        b"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ];
    let words: [&[u8]; 4] = [b"+", b"AQ==", b"530d903a", b"\n"];
    fuzz(&effort(), &examples, &words, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(key) = text.parse::<VerifierKey>() {
            assert_eq!(key.to_string(), text);
        }
    });
}

#[test]
fn an_entry_is_refused_or_has_just_these_bytes() {
    let statement = Statement::new(Declaration {
        kind: StatementKind::Erasure,
        at: Micros(5),
        first: Seq(1),
        last: Seq(9),
        events: 3,
        cutoff: Some(Micros(4)),
        panel: Some("billing".into()),
        subject: None,
        by: "olena".into(),
        approved_by: Some("jonas".into()),
        reason: None,
        after: None,
    });
    let entries = [
        LedgerEntry::from(blocks(&[3])[0].entry).to_bytes(),
        LedgerEntry::from(statement.unwrap()).to_bytes(),
    ];
    let examples: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let words: [&[u8]; 4] = [&[0xff; 4], &[0; 8], &[0, 0, 0, 1], &[2, 1, 1]];
    fuzz(&effort(), &examples, &words, |bytes| {
        if let Ok(entry) = LedgerEntry::parse(bytes) {
            assert_eq!(entry.to_bytes(), bytes);
        }
    });
}

#[test]
fn a_path_and_a_bundle_are_refused_or_read_back_the_same() {
    let examples: [&[u8]; 4] = [
        b"tile/0/x001/x234/067",
        b"tile/entries/x018/x446/x744/x073/x709/x551/615.p/255",
        b"\0\x03abc\0\0\0\x01x",
        b"\xff\xff",
    ];
    let words: [&[u8]; 6] = [b"/x000", b".p/", b"256", b"entries", b"tile/", b"\0\0"];
    fuzz(&effort(), &examples, &words, |bytes| {
        let path = String::from_utf8_lossy(bytes);
        if let Ok(tile) = path.parse::<TileId>() {
            assert_eq!(tile.to_string(), path);
        }
        if let Some(entries) = bundle_entries(bytes) {
            let length: usize = entries.iter().map(|entry| entry.len() + 2).sum();
            assert_eq!(length, bytes.len());
        }
    });
}

#[test]
fn a_proof_from_json_is_refused_or_verified_without_harm() {
    let tree = tree(9);
    let inclusion = serde_json::to_string(&tree.inclusion(4).unwrap()).unwrap();
    let consistency = serde_json::to_string(&tree.consistency(6).unwrap()).unwrap();
    let hash = leaf(0);
    let proof = format!(
        "{{\"version\":1,\"seq\":3,\"salt\":\"00112233445566778899aabbccddeeff\",\"block\":{{\
         \"first\":1,\"count\":4,\"min_received\":1,\"max_received\":2,\"root\":\"{hash}\",\
         \"path\":[\"{hash}\"]}},\"ledger\":{inclusion}}}"
    );
    let erasure = Erasure::new();
    let (left, of_left) = erasure.proof(1);
    let erased = serde_json::to_string(&of_left).unwrap();
    let examples = [&inclusion, &consistency, &proof, &erased].map(|json| json.as_bytes());
    let words: [&[u8]; 6] = [b"18446744073709551615", b"0", b"[]", b"null", b"-1", b"{"];
    let event = blocks(&[3])[0].events[2].clone();
    let fields = CanonicalFields::from(&event);
    fuzz(&effort(), &examples, &words, |bytes| {
        if let Ok(proof) = serde_json::from_slice::<InclusionProof>(bytes) {
            let _ = proof.verify(leaf(4), tree.head());
        }
        if let Ok(proof) = serde_json::from_slice::<ConsistencyProof>(bytes) {
            let old = TreeHead {
                size: proof.old,
                root: Hash::EMPTY_TREE,
            };
            let _ = proof.verify(old, tree.head());
        }
        if let Ok(proof) = serde_json::from_slice::<EventProof>(bytes) {
            assert!(verify_event(&fields, &proof, tree.head()).is_err());
        }
        if let Ok(proof) = serde_json::from_slice::<ErasedProof>(bytes) {
            let holds = verify_erased(&(&left).into(), &proof, erasure.head).is_ok();
            assert_eq!(holds, proof == of_left);
        }
    });
}
