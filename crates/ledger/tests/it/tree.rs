//! Roots and proofs of RFC 6962.

use admintrail_ledger::{
    ConsistencyProof, Frontier, Hash, InclusionProof, LedgerError, Tree, TreeHead,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::samples::{damaged, leaf, tree};

/// The leaves that implementations of Certificate Transparency are tested with.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots over the first of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_known_leaves_have_the_known_roots() {
    let mut frontier = Frontier::new();
    let mut tree = Tree::new();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(frontier.root().to_string(), *root);
        assert_eq!(tree.root().to_string(), *root);
        if let Some(data) = LEAVES.get(size) {
            frontier.push(Hash::of_leaf(data));
            tree.push(Hash::of_leaf(data));
        }
    }
    for (size, root) in (0..).zip(ROOTS) {
        assert_eq!(tree.root_at(size).unwrap().to_string(), root);
    }
}

/// The definition of section 2.1, word for word.
fn defined(leaves: &[Hash]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => leaf.0,
        more => {
            let mut k = 1;
            while 2 * k < more.len() {
                k *= 2;
            }
            let hasher = Sha256::new().chain_update([1]);
            let hasher = hasher.chain_update(defined(&more[..k]));
            hasher.chain_update(defined(&more[k..])).finalize().into()
        }
    }
}

#[test]
fn growing_leaf_by_leaf_gives_the_roots_of_the_definition() {
    let whole = tree(300);
    let mut frontier = Frontier::new();
    for size in 0..=300 {
        let root = Hash(defined(&whole.leaves()[..size as usize]));
        assert_eq!(frontier.root(), root, "{size}");
        assert_eq!(whole.root_at(size), Ok(root), "{size}");
        let again = Frontier::resume(size, frontier.peaks().to_vec()).unwrap();
        assert_eq!(again, frontier);
        frontier.push(leaf(size));
    }
}

fn head(tree: &Tree, size: u64) -> TreeHead {
    let root = tree.root_at(size).unwrap();
    TreeHead { size, root }
}

#[test]
fn every_inclusion_proof_up_to_300_holds() {
    let tree = tree(300);
    for size in 1..=300 {
        let head = head(&tree, size);
        for index in 0..size {
            let proof = tree.inclusion_at(index, size).unwrap();
            assert_eq!(proof.verify(leaf(index), head), Ok(()), "{index} of {size}");
        }
    }
}

#[test]
fn every_consistency_proof_up_to_300_holds() {
    let tree = tree(300);
    let heads: Vec<TreeHead> = (0..=300).map(|size| head(&tree, size)).collect();
    for new in &heads {
        for old in &heads[..=new.size as usize] {
            let proof = tree.consistency_at(old.size, new.size).unwrap();
            assert_eq!(proof.verify(*old, *new), Ok(()), "{old:?} {new:?}");
        }
    }
}

/// Everything one could change about a path.
fn forged(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..path.len() {
        for bit in [0, 7, 100, 255] {
            let mut changed = path.to_vec();
            changed[at] = damaged(changed[at], bit);
            all.push(changed);
        }
        let mut fewer = path.to_vec();
        fewer.remove(at);
        all.push(fewer);
        let mut twice = path.to_vec();
        twice.insert(at, path[at]);
        all.push(twice);
        let mut swapped = path.to_vec();
        swapped.rotate_left(at);
        all.push(swapped);
    }
    all.push([path, &[Hash([0; 32])]].concat());
    all.push([&[Hash([0; 32])], path].concat());
    all.push(Vec::new());
    all.retain(|other| other != path);
    all
}

#[test]
fn no_forged_inclusion_proof_up_to_40_holds() {
    let tree = tree(40);
    for size in 1..=40 {
        let head = head(&tree, size);
        for index in 0..size {
            let proof = tree.inclusion_at(index, size).unwrap();
            let mut forgeries: Vec<InclusionProof> = forged(&proof.path)
                .into_iter()
                .map(|path| InclusionProof { path, ..proof })
                .collect();
            let others = (0..=41).filter(|other| *other != index);
            forgeries.extend(others.map(|index| InclusionProof {
                index,
                ..proof.clone()
            }));
            let others = (0..=41).filter(|other| *other != size);
            forgeries.extend(others.map(|size| InclusionProof {
                size,
                ..proof.clone()
            }));
            for forged in forgeries {
                let refused = Err(LedgerError::NotIncluded {
                    index: forged.index,
                    size,
                });
                assert_eq!(forged.verify(leaf(index), head), refused, "{forged:?}");
            }
            assert!(proof.verify(leaf(index + 1), head).is_err());
            let root = damaged(head.root, 3);
            let other = TreeHead { root, ..head };
            assert!(proof.verify(leaf(index), other).is_err());
        }
    }
}

#[test]
fn no_forged_consistency_proof_up_to_40_holds() {
    let tree = tree(40);
    for new in 0..=40 {
        for old in 0..=new {
            let proof = tree.consistency_at(old, new).unwrap();
            let (old, new) = (head(&tree, old), head(&tree, new));
            for path in forged(&proof.path) {
                let forged = ConsistencyProof { path, ..proof };
                assert!(forged.verify(old, new).is_err(), "{forged:?}");
            }
            let root = |head: TreeHead| TreeHead {
                root: damaged(head.root, 9),
                ..head
            };
            assert!(proof.verify(root(old), new).is_err());
            // From nothing every tree grows, and nothing is said about which.
            if old.size > 0 || new.size == 0 {
                assert!(proof.verify(old, root(new)).is_err());
            }
            for other in (0..=40).map(|size| head(&tree, size)) {
                assert_eq!(proof.verify(other, new).is_ok(), other == old);
                assert_eq!(proof.verify(old, other).is_ok(), other == new);
            }
        }
    }
}

#[test]
fn what_is_not_in_the_tree_has_no_proof() {
    let tree = tree(5);
    let (most, many) = (u64::MAX, u64::MAX);
    for (index, size) in [(5, 5), (0, 0), (0, 6), (5, 6), (4, most), (most, many)] {
        assert!(tree.inclusion_at(index, size).is_err(), "{index} {size}");
    }
    for (old, new) in [(6, 5), (0, 6), (5, 6), (1, most), (most, many)] {
        assert!(tree.consistency_at(old, new).is_err(), "{old} {new}");
    }
    for size in [6, 1 << 40, most] {
        assert!(tree.root_at(size).is_err());
    }
    assert!(Frontier::resume(5, vec![leaf(1)]).is_err());
}

proptest! {
    #[test]
    fn no_proof_of_any_size_panics(
        index: u64, size: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let path: Vec<Hash> = path.into_iter().map(Hash).collect();
        let head = TreeHead { size, root: leaf(0) };
        let proof = InclusionProof { index, size, path: path.clone() };
        prop_assert!(proof.verify(leaf(0), head).is_err() || size == 1);
        let proof = ConsistencyProof { old: index, new: size, path };
        let old = TreeHead { size: index, root: leaf(1) };
        prop_assert!(proof.verify(old, head).is_err());
    }

    #[test]
    fn proofs_come_back_from_json(index in 0..300_u64, old in 0..=300_u64) {
        let tree = tree(300);
        let proof = tree.inclusion(index).unwrap();
        let json = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(serde_json::from_str::<InclusionProof>(&json).unwrap(), proof);
        let proof = tree.consistency(old).unwrap();
        let json = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(serde_json::from_str::<ConsistencyProof>(&json).unwrap(), proof);
    }
}
