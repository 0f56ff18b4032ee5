use admintrail_event::Seq;
use admintrail_store::Position;

use crate::support::{Fixture, draft};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_tail_gets_what_comes_and_nothing_that_was() {
    let fixture = Fixture::new();
    fixture.append([draft(1)]);
    let mut tail = fixture.trail.tail(None);
    fixture.append([draft(2), draft(3)]);
    let events = runtime().block_on(tail.next(10)).unwrap();
    assert_eq!(
        events.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [Seq(2), Seq(3)]
    );
}

#[test]
fn a_tail_resumes_after_a_position_across_a_restart_and_ends_with_the_trail() {
    let mut fixture = Fixture::new();
    fixture.append((0..10_000).map(draft));
    let at = fixture.trail.event(draft(9).id).unwrap().unwrap();
    fixture.reopen();
    let (time, log, seq) = at.order();
    let mut tail = fixture.trail.tail(Some(Position { time, log, seq }));
    let mut next = seq.0 + 1;
    while next <= 10_000 {
        for event in runtime().block_on(tail.next(999)).unwrap() {
            assert_eq!(event.seq, Seq(next));
            next += 1;
        }
    }
    fixture.trail.close();
    assert!(runtime().block_on(tail.next(1)).is_none());
}
