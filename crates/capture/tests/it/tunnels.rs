//! Connections that leave HTTP.

use std::sync::Arc;

use admintrail_capture::{RecordBody, RecordLayer, UpgradeGuard};
use admintrail_event::{Draft, Ending, Outcome};
use http::{Request, Response};
use parking_lot::Mutex;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::stand::*;

const UPGRADE: [(&str, &str); 2] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
];

/// A forwarder that keeps the guard it finds in the request, as the proxy does.
async fn switch(
    stand: &Stand,
    status: u16,
) -> (Response<RecordBody<TestBody>>, Option<UpgradeGuard>) {
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let forwarder = tower::service_fn(move |mut request: Request<RecordBody<TestBody>>| {
        *keeps.lock() = request.extensions_mut().remove::<UpgradeGuard>();
        async move { Ok::<_, std::convert::Infallible>(answer(status, &[], "")) }
    });
    let service = RecordLayer::new(stand.recorder(|_| {})).layer(forwarder);
    let response = service
        .oneshot(request("GET", "/live", &UPGRADE, empty()))
        .await
        .unwrap();
    let guard = kept.lock().take();
    (response, guard)
}

fn is_closing(event: &Draft) -> bool {
    event.action.ends_with("(connection closed)")
}

#[tokio::test]
async fn opening_and_closing_are_two_events() {
    let stand = Stand::new().await;
    let (response, guard) = switch(&stand, 101).await;
    let opened = stand.last(1).await;
    assert_eq!(
        (opened.status, opened.outcome),
        (Some(101), Outcome::Success)
    );
    assert_eq!(opened.ending, Ending::Complete);
    assert!(!is_closing(&opened));
    drop(response);
    let guard = guard.unwrap();
    guard.received(10);
    guard.sent(2_000);
    guard.received(5);
    assert_eq!(stand.recorders.state().open, 1);
    guard.end(Ending::Complete);
    let closed = stand.last(2).await;
    assert!(is_closing(&closed));
    assert_eq!(
        (closed.request_bytes, closed.response_bytes),
        (Some(15), Some(2_000))
    );
    assert_eq!(
        (closed.status, closed.ending),
        (Some(101), Ending::Complete)
    );
    assert!(closed.id != opened.id && closed.time > opened.time);
    assert_eq!(stand.recorders.state().open, 0);
}

#[tokio::test]
async fn the_guard_is_in_the_response_too() {
    let stand = Stand::new().await;
    let (mut response, inside) = switch(&stand, 101).await;
    drop(inside);
    let guard = response.extensions_mut().remove::<UpgradeGuard>().unwrap();
    guard.sent(7);
    guard.end(Ending::Failed);
    let closed = stand.last(2).await;
    assert_eq!(
        (closed.response_bytes, closed.ending),
        (Some(7), Ending::Failed)
    );
}

#[tokio::test]
async fn a_tunnel_dropped_without_a_word_is_recorded_with_what_passed() {
    let stand = Stand::new().await;
    let (response, guard) = switch(&stand, 101).await;
    let guard = guard.unwrap();
    guard.sent(3);
    drop((guard, response));
    let closed = stand.last(2).await;
    assert_eq!(
        (closed.ending, closed.response_bytes),
        (Ending::Dropped, Some(3))
    );
}

#[tokio::test]
async fn a_refused_upgrade_is_one_ordinary_event() {
    let stand = Stand::new().await;
    let (response, guard) = switch(&stand, 403).await;
    assert!(response.extensions().get::<UpgradeGuard>().is_none());
    guard.unwrap().end(Ending::Complete);
    drop(response);
    assert_eq!(stand.last(1).await.outcome, Outcome::Denied);
    assert_eq!(stand.recorders.state().open, 0);
}

#[tokio::test]
async fn a_tunnel_open_at_a_crash_comes_back_as_unknown() {
    let stand = Stand::new().await;
    let tunnel = switch(&stand, 101).await;
    stand.requests(1).await;
    until(|| stand.recorders.state().waiting == 0).await;
    let stand = stand.crash().await;
    drop(tunnel);
    let closed = stand.last(2).await;
    assert!(is_closing(&closed));
    assert_eq!(
        (closed.outcome, closed.ending),
        (Outcome::Unknown, Ending::Dropped)
    );
}
