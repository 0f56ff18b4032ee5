//! Many blocks at once are as good as one line after the other.

use std::path::Path;

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{Draft, EventJson, LogId};
use admintrail_store::View;
use futures_util::stream;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};

use super::*;
use crate::control_socket::protocol::Reply;
use crate::control_socket::read;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn import(desk: &Arc<Desk>) -> Import {
    Import {
        desk: Arc::clone(desk),
        panel: Some("billing".parse().unwrap()),
        user: None,
    }
}

/// What is told of blocks that are all there at once.
async fn told_of(import: Import, blocks: Vec<Block>) -> Vec<ImportReport> {
    let (tell, mut told) = mpsc::channel::<Told>(1);
    let hear = async {
        let mut all = Vec::new();
        while let Some(one) = told.recv().await {
            all.push(read(serde_json::from_value(one.unwrap().value)).unwrap());
        }
        all
    };
    let ((), all) = tokio::join!(import.take_over(stream::iter(blocks), tell), hear);
    all
}

/// Lines in blocks of so many, as often as it takes.
fn blocks(lines: &[String], sizes: &[usize]) -> Vec<Block> {
    let mut rest = lines;
    let mut first = 1;
    let mut blocks = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            return blocks;
        }
        let (some, others) = rest.split_at((*size).min(rest.len()));
        rest = others;
        let bytes: Vec<u8> = some
            .iter()
            .flat_map(|l| [l, "\n"].concat().into_bytes())
            .collect();
        blocks.push(Block {
            first,
            bytes: bytes.into(),
        });
        first += some.len() as u64;
    }
    unreachable!("sizes go round")
}

/// What is on record, in the order in which it was accepted, ids included.
fn recorded(desk: &Desk) -> Vec<Draft> {
    let mut events: Vec<_> = desk
        .trail
        .scan(&View::default())
        .flat_map(Result::unwrap)
        .collect();
    events.sort_by_key(|event| event.seq);
    // Whether it is a refresh depends on when it came.
    let draft = |draft| Draft {
        polling: false,
        ..draft
    };
    events.into_iter().map(|event| draft(event.draft)).collect()
}

fn summed(reports: &[ImportReport]) -> (u64, u64, u64, Vec<(u64, String)>) {
    let errors = reports.iter().flat_map(|report| &report.errors);
    (
        reports.iter().map(|report| report.accepted).sum(),
        reports.iter().map(|report| report.duplicates).sum(),
        reports.iter().map(|report| report.own).sum(),
        errors
            .map(|error| (error.line, error.message.clone()))
            .collect(),
    )
}

/// Files of few different lines, so that many are equal or contradict each other.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let exported: Vec<Draft> = workload(7, 12).collect();
    let known = (0..exported.len(), 0..3_u16).prop_map(move |(at, other)| {
        let mut draft = exported[at].clone();
        draft.status = draft.status.map(|status| status + other / 2);
        serde_json::to_string(&EventJson(&accepted(draft, LogId::default(), 1))).unwrap()
    });
    let nameless = (
        0..9_u32,
        prop::option::of("shop|billing|admintrail"),
        "GET|PO ST",
    )
        .prop_map(|(number, panel, method)| {
            let path = format!("/items/{number}?token=secret");
            json!({"time": "2026-11-20T00:00:00Z", "method": method, "path": path, "panel": panel})
                .to_string()
        });
    let strange = prop::sample::select(vec!["", "  \r", "not json", "{}", "[]", "{\"time\":7}"]);
    let line = prop_oneof![4 => known, 4 => nameless, 1 => strange.prop_map(str::to_owned)];
    prop::collection::vec(line, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn blocks_at_once_are_as_good_as_one_line_after_the_other(
        lines in lines(),
        sizes in prop::collection::vec(1..20_usize, 1..6),
    ) {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one_by_one, at_once) = (Desk::for_tests(one.path()), Desk::for_tests(other.path()));
        let (expected, came, again) = runtime().block_on(async {
            let mut expected = Vec::new();
            // One import, of which each block waits for the one before.
            let (tell, mut told) = mpsc::channel::<Told>(1);
            let (next, waiting) = mpsc::channel(1);
            let send = async {
                for block in blocks(&lines, &[1]) {
                    next.send(block).await.unwrap();
                    let one = told.recv().await.unwrap().unwrap();
                    expected.push(read(serde_json::from_value(one.value)).unwrap());
                }
                drop(next);
                told.recv().await.unwrap().unwrap();
            };
            tokio::join!(import(&one_by_one).take_over(Block::stream(waiting), tell), send);
            let came = told_of(import(&at_once), blocks(&lines, &sizes)).await;
            let again = told_of(import(&at_once), blocks(&lines, &[7])).await;
            (expected, came, again)
        });
        prop_assert_eq!(summed(&came), summed(&expected));
        prop_assert_eq!(recorded(&at_once), recorded(&one_by_one));
        // Nothing of it is new the next time, however it is cut.
        let (accepted, duplicates, own, errors) = summed(&came);
        let known = (0, accepted + duplicates, own, errors);
        prop_assert_eq!(summed(&again), known);
        for desk in [one_by_one, at_once] {
            desk.trail.close();
            desk.control.close();
        }
    }
}

fn exported(count: usize) -> Vec<String> {
    workload(3, count)
        .map(|draft| {
            serde_json::to_string(&EventJson(&accepted(draft, LogId::default(), 1))).unwrap()
        })
        .collect()
}

/// The long way of a big block must not let a small one overtake it.
#[test]
fn answers_and_events_keep_the_order_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::for_tests(dir.path());
    let sizes = [1_900, 1, 3, 700, 2];
    let lines = exported(6_000);
    let blocks = blocks(&lines, &sizes);
    let many: Vec<u64> = blocks.iter().map(|block| block.count() as u64).collect();
    let came = runtime().block_on(told_of(import(&desk), blocks));
    let (end, came) = came.split_last().unwrap();
    assert!(end.ended && came.iter().all(|report| !report.ended));
    let accepted: Vec<u64> = came.iter().map(|report| report.accepted).collect();
    assert_eq!(accepted, many);
    let ids: Vec<String> = recorded(&desk)
        .iter()
        .map(|draft| draft.id.to_string())
        .collect();
    let sent: Vec<&str> = lines.iter().map(|line| &line[7..43]).collect();
    assert_eq!(ids, sent);
    desk.trail.close();
}

/// A conversation with the server's side.
async fn converse(dir: &Path, said: &[u8]) -> (std::io::Result<bool>, Vec<ImportReport>) {
    let desk = Desk::for_tests(dir);
    let (asker, server) = duplex(1 << 20);
    let (read_half, mut write_half) = split(server);
    let (answers, mut say) = split(asker);
    let answered = async {
        let mut read_half = BufReader::new(read_half);
        let stop = std::future::pending();
        let answered = answer_import(import(&desk), &mut read_half, &mut write_half, stop).await;
        write_half.shutdown().await.unwrap();
        answered
    };
    let talk = async {
        say.write_all(said).await.unwrap();
        say.shutdown().await.unwrap();
        let mut reports = Vec::new();
        let mut lines = BufReader::new(answers).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            let Reply::Done(value) = serde_json::from_str(&line).unwrap() else {
                panic!("{line}");
            };
            reports.push(serde_json::from_value(value).unwrap());
        }
        reports
    };
    let done = tokio::join!(answered, talk);
    desk.trail.close();
    desk.control.close();
    done
}

fn block(first: u64, bytes: &str) -> String {
    format!("{{\"first\":{first},\"bytes\":{}}}\n{bytes}", bytes.len())
}

#[test]
fn what_came_before_a_broken_conversation_is_in() {
    let line = r#"{"time":"2026-11-20T00:00:00Z","method":"GET","path":"/x"}"#;
    let whole = format!("{}{}", block(1, line), block(7, "no\n"));
    let end = "{\"first\":0,\"bytes\":0}\n";
    let too_big = format!("{{\"first\":9,\"bytes\":{}}}\n", BLOCK_BYTES + 1);
    let cut_off = block(9, line);
    for (after, ends_well) in [
        (end, true),
        ("", false),
        ("no head\n", false),
        (&too_big, false),
        (&cut_off[..cut_off.len() - 1], false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let said = format!("{whole}{after}");
        let (answered, reports) = runtime().block_on(converse(dir.path(), said.as_bytes()));
        assert_eq!(answered.is_ok_and(|on| on), ends_well, "{after:?}");
        let [good, bad, end] = reports.as_slice() else {
            panic!("{reports:?}");
        };
        assert_eq!((good.accepted, bad.errors[0].line, end.ended), (1, 7, true));
    }
}
