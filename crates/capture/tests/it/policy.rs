//! What happens to requests while nothing can be recorded.

use std::sync::atomic::Ordering;
use std::time::Duration;

use admintrail_capture::OnFailure;
use admintrail_event::{Kind, Outcome};

use crate::stand::*;

async fn failing(reason: &str, policy: OnFailure) -> (Stand, tower_service_of::Recorded) {
    let stand = Stand::new().await;
    stand.events(Kind::Start, 1).await;
    let service = wrap(
        stand.recorder(|rules| rules.on_failure = policy),
        panel(|_| html("x")),
    );
    *stand.sink.fails.lock() = Some(reason.to_owned());
    // Somebody has to notice.
    get(&service, "/notices", "").await;
    until(|| stand.recorders.state().failing.is_some()).await;
    (stand, service)
}

mod tower_service_of {
    pub type Recorded = admintrail_capture::RecordService<crate::stand::Panel>;
}

#[tokio::test]
async fn degrade_refuses_changes_and_lets_reading_through() {
    let (stand, service) = failing("disk full", OnFailure::Degrade).await;
    assert_eq!(stand.recorders.state().failing.unwrap().1, "disk full");
    for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
        let got = send(&service, request(method, "/clients", &[], full("x"))).await;
        assert_eq!(got.status, 503, "{method}");
        assert_eq!(got.headers["retry-after"], "5");
        assert_eq!(
            got.body,
            "Change not made: it could not be recorded (disk full). Reading still works.\n"
        );
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        let got = send(&service, request(method, "/clients", &[], empty())).await;
        assert_eq!(got.status, 200, "{method}");
    }
    let upgrade = [("connection", "Upgrade"), ("upgrade", "websocket")];
    assert_eq!(
        send(&service, request("GET", "/ws", &upgrade, empty()))
            .await
            .status,
        503
    );

    *stand.sink.fails.lock() = None;
    until(|| stand.recorders.state().failing.is_none()).await;
    assert_eq!(post_form(&service, "/clients", "", "a=b").await.status, 200);
    // Nothing was lost: what was let through and what was refused are on record.
    let events = stand.requests(11).await;
    let refused = events.iter().filter(|event| event.status == Some(503));
    assert_eq!(
        refused
            .filter(|event| event.outcome == Outcome::Error)
            .count(),
        6
    );
    assert_eq!(stand.recorders.state().unrecorded, 0);
}

#[tokio::test]
async fn closed_refuses_everything() {
    let (stand, service) = failing("no space left on device", OnFailure::Closed).await;
    let got = get(&service, "/", "").await;
    assert_eq!(got.status, 503);
    assert_eq!(
        got.body,
        "Not answered: it could not be recorded (disk full).\n"
    );
    *stand.sink.fails.lock() = None;
    until(|| stand.recorders.state().failing.is_none()).await;
    assert_eq!(get(&service, "/", "").await.status, 200);
}

#[tokio::test]
async fn open_refuses_nothing() {
    let (stand, service) = failing("disk full", OnFailure::Open).await;
    assert_eq!(post_form(&service, "/clients", "", "a=b").await.status, 200);
    *stand.sink.fails.lock() = None;
    assert_eq!(stand.requests(2).await[1].method, "POST");
}

#[tokio::test]
async fn the_reason_told_to_visitors_holds_no_detail() {
    let (_stand, service) = failing("/srv/secret/trail.db: malformed", OnFailure::Degrade).await;
    let got = post_form(&service, "/clients", "", "a=b").await;
    let text = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(
        text.contains("(the record cannot be written)") && !text.contains("secret"),
        "{text}"
    );
}

#[tokio::test]
async fn what_the_ring_cannot_hold_becomes_one_counted_gap() {
    let (stand, service) = failing("disk full", OnFailure::Degrade).await;
    let total = 20_000_u64;
    for _ in 1..total {
        get(&service, "/", "").await;
    }
    let lost = stand.recorders.state().unrecorded;
    assert!(lost > 0 && stand.recorders.state().waiting + lost == total);
    *stand.sink.fails.lock() = None;
    let gap = stand.events(Kind::Gap, 1).await.remove(0);
    assert_eq!(gap.count, Some(lost));
    assert_eq!(gap.panel.as_str(), "billing");
    assert_eq!(
        gap.action,
        format!("{lost} requests passed without a record")
    );
    stand.requests(usize::try_from(total - lost).unwrap()).await;
    until(|| stand.recorders.state().unrecorded == 0).await;
}

#[tokio::test]
async fn a_gap_that_was_still_counted_survives_a_crash_and_counts_nothing_twice() {
    let (stand, service) = failing("disk full", OnFailure::Degrade).await;
    let total = 17_500_u64;
    for n in 1..total {
        get(&service, &format!("/{n}"), "").await;
    }
    let lost = stand.recorders.state().unrecorded;
    assert!(lost > 0);
    drop(service);
    *stand.sink.fails.lock() = None;
    let stand = stand.crash().await;
    let gap = stand.events(Kind::Gap, 1).await.remove(0);
    assert_eq!(gap.count, Some(lost));
    stand.requests(usize::try_from(total - lost).unwrap()).await;
}

#[tokio::test]
async fn a_sink_that_hangs_does_not_fill_memory() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    stand.sink.hangs.store(true, Ordering::SeqCst);
    let mut sent = 0;
    while stand.recorders.state().failing.is_none() {
        get(&service, "/", "").await;
        sent += 1;
        assert!(sent < 20_000, "noticed before the ring is full");
    }
    assert_eq!(post_form(&service, "/clients", "", "a=b").await.status, 503);
    stand.sink.hangs.store(false, Ordering::SeqCst);
    until(|| stand.recorders.state().failing.is_none()).await;
    assert_eq!(post_form(&service, "/clients", "", "a=b").await.status, 200);
    stand.requests(sent + 2).await;
}

#[tokio::test]
async fn after_stop_changes_are_refused_and_stop_waits_no_longer_than_told() {
    let stand = Stand::new().await;
    stand.events(Kind::Start, 1).await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    stand.sink.hangs.store(true, Ordering::SeqCst);
    get(&service, "/kept-by-the-journal", "").await;
    stand.recorders.stop(Duration::from_millis(50)).await;
    assert_eq!(post_form(&service, "/", "", "a=b").await.status, 503);
    drop(service);
    let stand = stand.crash().await;
    stand.sink.hangs.store(false, Ordering::SeqCst);
    assert_eq!(stand.last(1).await.path, "/kept-by-the-journal");
}
