//! Signed notes, keys and checkpoints.

use admintrail_ledger::{
    Checkpoint, Hash, LedgerError, MAX_SIGNATURES, Note, SigningKey, TreeHead, VerifierKey, sign,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;

use crate::samples::leaf;

/// The example of C2SP signed-note, section "Verifier keys".
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The key of the documentation of Go's `sumdb/note`.
const GO_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const GO_SIGNATURE: &str =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

const ORIGIN: &str = "ledger.example.org/billing";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::new(name, &[seed; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    let head = TreeHead {
        size: 70_000,
        root: leaf(1),
    };
    Checkpoint::new(ORIGIN, head)
}

fn code(error: LedgerError) -> &'static str {
    error.code()
}

#[test]
fn the_example_of_the_specification_is_signed() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!(key.name(), "example.com/foo");
    assert_eq!(key.id().to_string(), "530d903a");
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE_NOTE.as_bytes()).unwrap();
    let keys = [key];
    let (text, signers) = note.open(&keys).unwrap();
    assert_eq!(text, "This is an example message.\n");
    assert_eq!(signers, [&keys[0]]);
}

#[test]
fn a_note_is_signed_as_go_signs_it() {
    let seed: [u8; 32] = BASE64_STANDARD.decode(GO_SEED).unwrap().try_into().unwrap();
    let key = SigningKey::new("PeterNeumann", &seed).unwrap();
    assert_eq!(key.public().to_string(), GO_KEY);
    let note = sign(GO_TEXT, &[&key]).unwrap();
    let line = format!("\u{2014} PeterNeumann {GO_SIGNATURE}\n");
    assert_eq!(note, format!("{GO_TEXT}\n{line}"));
}

#[test]
fn a_key_is_read_in_one_spelling() {
    let (name, rest) = EXAMPLE_KEY.split_once('+').unwrap();
    let (id, base64) = rest.split_once('+').unwrap();
    let public = BASE64_STANDARD.decode(base64).unwrap();
    let with = |bytes: &[u8]| format!("{name}+{id}+{}", BASE64_STANDARD.encode(bytes));
    let mut other_kind = public.clone();
    other_kind[0] = 4;
    for wrong in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("{name}+{id}+"),
        format!("+{id}+{base64}"),
        format!("a b+{id}+{base64}"),
        format!("a\u{2003}b+{id}+{base64}"),
        format!("other+{id}+{base64}"),
        format!("{name}+530d903b+{base64}"),
        format!("{name}+530D903A+{base64}"),
        format!("{name}+530d903+{base64}"),
        format!("{name}+0530d903a+{base64}"),
        format!("{name}++{base64}"),
        format!("{name}+{id}+{base64}+"),
        format!("{name}+{id}+{base64} "),
        format!("{EXAMPLE_KEY}\n"),
        with(&public[..32]),
        with(&[&public[..], &[0]].concat()),
        with(&other_kind),
        with(&public[..1]),
    ] {
        let read = wrong.parse::<VerifierKey>();
        assert_eq!(read.map_err(code), Err("LEDGER-016"), "{wrong}");
    }
}

#[test]
fn a_key_that_signs_anything_or_has_another_spelling_is_none() {
    // The neutral point, for which one signature fits every text; no point; a point whose number is
    // above the field's.
    let mut bytes = [[0; 32], [0; 32], [0xff; 32]];
    (bytes[0][0], bytes[1][0]) = (1, 2);
    for bytes in bytes {
        let refused = VerifierKey::new("a", &bytes).map_err(code);
        assert_eq!(refused, Err("LEDGER-016"), "{bytes:?}");
    }
}

#[test]
fn a_private_key_is_not_shown() {
    let seed = [0xa7; 32];
    let shown = format!("{:?}", SigningKey::new("a", &seed).unwrap());
    assert!(
        shown.starts_with("SigningKey(a+") && shown.ends_with(", secret)"),
        "{shown}"
    );
    assert!(SigningKey::new("a b", &seed).is_err());
}

#[test]
fn anything_but_a_note_is_refused() {
    let line = EXAMPLE_NOTE.lines().last().unwrap();
    let with = |line: &str| format!("text\n\n{line}\n").into_bytes();
    assert!(Note::parse(&with(line)).is_ok());
    let mut many = "text\n\n".to_owned();
    many.extend(std::iter::repeat_n(format!("{line}\n"), MAX_SIGNATURES));
    assert!(Note::parse(many.as_bytes()).is_ok());
    let cut = |from: &str, to: &str| with(&line.replacen(from, to, 1));
    for wrong in [
        Vec::new(),
        b"\n".to_vec(),
        b"\n\n".to_vec(),
        b"text\n".to_vec(),
        b"text\n\n".to_vec(),
        b"text\n\n\n".to_vec(),
        // No text at all, no empty line, no end, something behind the end.
        format!("\n{line}\n").into_bytes(),
        format!("text\n{line}\n").into_bytes(),
        format!("text\n\n{line}").into_bytes(),
        format!("text\n\n{line}\n\n").into_bytes(),
        format!("text\n\n{line}\ngarbage\n").into_bytes(),
        format!("text\n\n{line}\n\n{line}\n\n").into_bytes(),
        format!("text\n\ngarbage\n{line}\n").into_bytes(),
        // Lines that are nearly signatures.
        cut("\u{2014}", "-"),
        cut("\u{2014} ", "\u{2014}"),
        cut("\u{2014} example.com/foo", "\u{2014} "),
        cut("foo", "f+o"),
        cut("foo", "foo "),
        cut("foo", "f\u{a0}o"),
        cut("=", ""),
        cut("=", "=="),
        cut("=", "= "),
        cut("Uw2Q", "Uw-Q"),
        cut("eyaQM=", "eyaQN="),
        cut(line, "\u{2014} a "),
        // An id and no signature.
        with("\u{2014} a AAAAAA=="),
        // Bytes that no note has.
        format!("te\rxt\n\n{line}\n").into_bytes(),
        format!("te\0xt\n\n{line}\n").into_bytes(),
        [b"te\xffxt\n\n", line.as_bytes(), b"\n"].concat(),
        format!("{many}{line}\n").into_bytes(),
        format!("{}\n\n{line}\n", "x".repeat(1_000_000)).into_bytes(),
    ] {
        let read = Note::parse(&wrong).map(|_| ()).map_err(code);
        let shown = String::from_utf8_lossy(&wrong);
        assert_eq!(read, Err("LEDGER-013"), "{shown}");
    }
}

#[test]
fn a_text_may_have_empty_lines_and_lines_like_signatures() {
    let line = EXAMPLE_NOTE.lines().last().unwrap();
    let key = key("a", 1);
    for text in ["\n", "a\n\nb\n", "a\n\n", &format!("a\n\n{line}\n")] {
        let note = sign(text, &[&key]).unwrap();
        let keys = [key.public().clone()];
        let read = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(read.open(&keys).unwrap().0, text);
    }
    for text in ["", "a", "a\n\nb", "a\r\n", "a\0\n"] {
        assert!(sign(text, &[&key]).is_err(), "{text:?}");
    }
    assert!(sign("a\n", &[]).is_err());
}

#[test]
fn unknown_keys_mean_nothing_and_known_ones_must_be_right() {
    let [log, witness, stranger] = [key(ORIGIN, 1), key("witness.example", 2), key(ORIGIN, 3)];
    let publics = [&log, &witness, &stranger].map(|key| key.public().clone());
    let open = |note: &str, keys: &[usize]| {
        let keys: Vec<VerifierKey> = keys.iter().map(|at| publics[*at].clone()).collect();
        let note = Note::parse(note.as_bytes()).unwrap();
        let opened = note.open(&keys);
        opened.map(|(_, signers)| signers.len()).map_err(code)
    };
    let note = sign("a\n", &[&stranger, &log, &witness, &log]).unwrap();
    assert_eq!(open(&note, &[]), Err("LEDGER-015"));
    assert_eq!(open(&note, &[0]), Ok(1));
    assert_eq!(open(&note, &[0, 1]), Ok(2));
    assert_eq!(open(&note, &[2, 1, 0]), Ok(3));
    let only = sign("a\n", &[&log]).unwrap();
    assert_eq!(open(&only, &[1, 2]), Err("LEDGER-015"));
    // The text of one note over the signatures of another.
    let changed = note.replacen("a\n", "b\n", 1);
    for keys in [&[0][..], &[1], &[1, 2], &[0, 1, 2]] {
        assert_eq!(open(&changed, keys), Err("LEDGER-014"));
    }
    // One wrong signature of a known key refuses the note, right ones beside it or not.
    let other = sign("b\n", &[&witness]).unwrap();
    let wrong = format!("{only}{}\n", other.lines().last().unwrap());
    assert_eq!(open(&wrong, &[0]), Ok(1));
    assert_eq!(open(&wrong, &[0, 1]), Err("LEDGER-014"));
    // A signature that is no Ed25519 signature, under the name and id of a known key.
    let id = log.id().0;
    let short = BASE64_STANDARD.encode([&id[..], &[1, 2, 3]].concat());
    let wrong = format!("{only}\u{2014} {ORIGIN} {short}\n");
    assert_eq!(open(&wrong, &[0]), Err("LEDGER-014"));
    assert_eq!(open(&wrong, &[1, 2]), Err("LEDGER-015"));
    // The same id under another name is another key.
    let renamed = note.replace(ORIGIN, "elsewhere");
    assert_eq!(open(&renamed, &[0, 2]), Err("LEDGER-015"));
}

#[test]
fn a_checkpoint_has_the_text_of_the_specification() {
    let root = Hash::from_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap();
    let head = TreeHead {
        size: 20_852_163,
        root,
    };
    let text = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::new("example.com/behind-the-sofa", head);
    assert_eq!(checkpoint.text(), text);
    assert_eq!(Checkpoint::parse(text), Ok(checkpoint));
    // The whole example is a note; whose key signed it is not said there.
    let note = format!(
        "{text}\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe\
         4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    );
    let opened = Checkpoint::open(note.as_bytes(), &[EXAMPLE_KEY.parse().unwrap()]);
    assert_eq!(opened, Err(LedgerError::NotSigned));
}

#[test]
fn a_text_that_is_no_checkpoint_is_refused() {
    let root = leaf(1).to_base64();
    let good = format!("{ORIGIN}\n70000\n{root}\n");
    assert_eq!(Checkpoint::parse(&good), Ok(checkpoint()));
    for size in ["0", "1", "18446744073709551615"] {
        assert!(Checkpoint::parse(&format!("a\n{size}\n{root}\n")).is_ok());
    }
    let mut short = leaf(1).0.to_vec();
    short.pop();
    for wrong in [
        String::new(),
        "\n".to_owned(),
        format!("{ORIGIN}\n"),
        format!("{ORIGIN}\n70000\n"),
        good.trim_end().to_owned(),
        // Lines in another order, or empty.
        format!("70000\n{ORIGIN}\n{root}\n"),
        format!("{ORIGIN}\n{root}\n70000\n"),
        format!("\n70000\n{root}\n"),
        format!("{ORIGIN}\n\n{root}\n"),
        format!("{ORIGIN}\n70000\n\n"),
        format!("{good}\n"),
        format!("{good}extension\n\nanother\n"),
        // Other spellings of the number.
        format!("{ORIGIN}\n070000\n{root}\n"),
        format!("{ORIGIN}\n+70000\n{root}\n"),
        format!("{ORIGIN}\n-1\n{root}\n"),
        format!("{ORIGIN}\n70 000\n{root}\n"),
        format!("{ORIGIN}\n70000 \n{root}\n"),
        format!("{ORIGIN}\n7e4\n{root}\n"),
        format!("{ORIGIN}\n\u{667}\n{root}\n"),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
        // Other spellings of the root.
        format!("{ORIGIN}\n70000\n{}\n", leaf(1)),
        format!("{ORIGIN}\n70000\n{}\n", BASE64_STANDARD.encode(&short)),
        format!("{ORIGIN}\n70000\n{}\n", root.trim_end_matches('=')),
        format!("{ORIGIN}\n70000\n{root}=\n"),
        format!("{ORIGIN}\n70000\n{root} \n"),
        format!("{ORIGIN}\r\n70000\r\n{root}\r\n"),
    ] {
        let read = Checkpoint::parse(&wrong).map(|_| ()).map_err(code);
        assert_eq!(read, Err("LEDGER-017"), "{wrong:?}");
    }
}

#[test]
fn extension_lines_are_kept() {
    let mut extended = checkpoint();
    extended.extensions = vec!["one more".into(), "\u{2014} and another".into()];
    let key = key(ORIGIN, 1);
    let note = extended.sign(&key).unwrap();
    let opened = Checkpoint::open(note.as_bytes(), &[key.public().clone()]);
    assert_eq!(opened, Ok(extended.clone()));
    extended.extensions = vec!["a\nb".into()];
    assert!(extended.sign(&key).is_err());
    extended.extensions = vec![String::new()];
    assert!(extended.sign(&key).is_err());
}

#[test]
fn a_ledger_signs_under_its_own_name_alone() {
    let [log, witness] = [key(ORIGIN, 1), key("witness.example", 2)];
    let publics = [&log, &witness].map(|key| key.public().clone());
    let other = LedgerError::OtherOrigin {
        origin: ORIGIN.into(),
    };
    assert_eq!(checkpoint().sign(&witness), Err(other.clone()));
    let text = checkpoint().text();
    let open = |signers: &[&SigningKey]| {
        let note = sign(&text, signers).unwrap();
        Checkpoint::open(note.as_bytes(), &publics)
    };
    assert_eq!(open(&[&log]), Ok(checkpoint()));
    assert_eq!(open(&[&witness, &log]), Ok(checkpoint()));
    assert_eq!(open(&[&witness]), Err(other));
    let mut nameless = checkpoint();
    nameless.origin = "a b".into();
    assert!(nameless.sign(&log).is_err());
}

proptest! {
    #[test]
    fn notes_come_back(
        text in "(\\PC|\n){0,40}\n", seeds in prop::collection::vec(any::<[u8; 32]>(), 1..4),
        name in "[^\\s+\\pC]{1,12}",
    ) {
        let keys: Vec<SigningKey> = seeds
            .iter()
            .map(|seed| SigningKey::new(&name, seed).unwrap())
            .collect();
        let note = sign(&text, &keys.iter().collect::<Vec<_>>()).unwrap();
        let publics: Vec<VerifierKey> = keys
            .iter()
            .map(|key| key.public().to_string().parse().unwrap())
            .collect();
        let read = Note::parse(note.as_bytes()).unwrap();
        let (opened, signers) = read.open(&publics).unwrap();
        prop_assert_eq!(opened, text);
        prop_assert!(!signers.is_empty());
    }

    #[test]
    fn checkpoints_come_back_and_no_byte_of_them_may_change(
        size: u64, root: [u8; 32], seed: [u8; 32], at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let head = TreeHead { size, root: Hash(root) };
        let key = SigningKey::new(ORIGIN, &seed).unwrap();
        let note = Checkpoint::new(ORIGIN, head).sign(&key).unwrap();
        let keys = [key.public().clone()];
        prop_assert_eq!(Checkpoint::open(note.as_bytes(), &keys).unwrap().head, head);
        let mut changed = note.into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= 1_u8 << bit;
        prop_assert!(Checkpoint::open(&changed, &keys).is_err());
    }
}
