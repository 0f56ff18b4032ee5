//! The same trees and notes by other people's libraries.

use admintrail_ledger::{
    ConsistencyProof, Hash, InclusionProof, SigningKey, Tree, TreeHead, VerifierKey, sign,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{RootHash, digest};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

type Peer = MemoryBackedTree<Sha256, Vec<u8>>;

fn data(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn both(size: u64) -> (Tree, Peer) {
    let mut peer = Peer::new();
    (0..size).for_each(|number| peer.push(data(number)));
    let ours = (0..size).map(|number| Hash::of_leaf(&data(number)));
    (ours.collect(), peer)
}

/// Theirs as one run of bytes, ours hash by hash.
fn path(bytes: &[u8]) -> Vec<Hash> {
    let hashes = bytes.as_chunks::<32>().0;
    hashes.iter().copied().map(Hash).collect()
}

fn peer_root(head: TreeHead) -> RootHash<Sha256> {
    let digest: digest::Output<Sha256> = head.root.0.into();
    RootHash::new(digest, head.size)
}

#[test]
fn ct_merkle_makes_the_same_roots_and_proofs() {
    for size in 1..=70 {
        let (ours, peer) = both(size);
        assert_eq!(ours.root().0[..], peer.root().as_bytes()[..]);
        for index in 0..size {
            let proof = peer.prove_inclusion(usize::try_from(index).unwrap());
            let path = path(proof.as_bytes());
            let expected = InclusionProof { index, size, path };
            assert_eq!(ours.inclusion(index).unwrap(), expected);
        }
        for old in 1..=size {
            // Theirs says how many were added.
            let proof = peer.prove_consistency(usize::try_from(size - old).unwrap());
            let path = path(proof.as_bytes());
            let new = size;
            let expected = ConsistencyProof { old, new, path };
            assert_eq!(ours.consistency(old).unwrap(), expected, "{old} {size}");
        }
    }
}

#[test]
fn ct_merkle_accepts_our_proofs() {
    let (ours, _) = both(1_000);
    for index in (0..1_000).step_by(37) {
        let proof = ours.inclusion(index).unwrap();
        let bytes: Vec<u8> = proof.path.iter().flat_map(|hash| hash.0).collect();
        let theirs = ct_merkle::InclusionProof::<Sha256>::try_from_bytes(bytes).unwrap();
        let root = peer_root(ours.head());
        assert!(root.verify_inclusion(&data(index), index, &theirs).is_ok());
        let other = data(index + 1);
        assert!(root.verify_inclusion(&other, index, &theirs).is_err());
    }
}

/// A private key as Go's `sumdb/note` writes it.
pub(crate) fn secret(name: &str, key: &SigningKey, seed: &[u8; 32]) -> String {
    let secret = BASE64_STANDARD.encode([&[1], seed.as_slice()].concat());
    format!("PRIVATE+KEY+{name}+{}+{secret}", key.id())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signed_note_reads_and_writes_the_same(
        text in "(\\PC|\n){0,40}\n", seed: [u8; 32], name in "[^\\s+\\pC]{1,12}",
    ) {
        let key = SigningKey::new(&name, &seed).unwrap();
        let note = sign(&text, &[&key]).unwrap();
        let verifier = StandardVerifier::new(&key.public().to_string()).unwrap();
        let peer = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        prop_assert_eq!(peer.text(), text.as_bytes());
        let known = VerifierList::new(vec![Box::new(verifier)]);
        let (verified, others) = peer.verify(&known).unwrap();
        prop_assert_eq!((verified.len(), others.len()), (1, 0));
        let mut written = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        let signer = StandardSigner::new(&secret(&name, &key, &seed)).unwrap();
        written.add_sigs(&[&signer]).unwrap();
        prop_assert_eq!(written.to_bytes(), note.as_bytes());
    }

    #[test]
    fn a_key_that_we_take_signed_note_takes_too(
        seed: [u8; 32], at: prop::sample::Index, byte in b' '..b'~',
    ) {
        let key = SigningKey::new("ledger.example.org", &seed).unwrap();
        let mut text = key.public().to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        if let Ok(ours) = text.parse::<VerifierKey>() {
            prop_assert_eq!(ours.to_string(), text.clone());
            prop_assert!(StandardVerifier::new(&text).is_ok());
        }
    }
}
