//! Bodies pass unchanged, unbuffered, and are known for how they ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use admintrail_capture::RecordBody;
use admintrail_event::Ending;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::sync::mpsc;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::stand::*;

/// Frames from a channel; the sender's end is the body's end.
struct Frames {
    frames: mpsc::UnboundedReceiver<Result<Frame<Bytes>, std::io::Error>>,
    exact: Option<u64>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let frame = self.frames.poll_recv(cx);
        if let (Some(exact), Poll::Ready(Some(Ok(frame)))) = (&mut self.exact, &frame)
            && let Some(data) = frame.data_ref()
        {
            *exact -= data.len() as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.exact == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.exact
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, std::io::Error>>;

async fn streaming(stand: &Stand, exact: Option<u64>) -> (Sender, RecordBody<TestBody>) {
    let (sender, frames) = mpsc::unbounded_channel();
    let slot = std::sync::Arc::new(parking_lot::Mutex::new(Some(Frames { frames, exact })));
    let service = wrap(
        stand.recorder(|_| {}),
        panel(move |_| Response::new(slot.lock().take().unwrap().boxed_unsync())),
    );
    let response = service
        .oneshot(request("GET", "/stream", &[], empty()))
        .await
        .unwrap();
    (sender, response.into_body())
}

fn data(text: &'static str) -> Result<Frame<Bytes>, std::io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[tokio::test]
async fn frames_pass_one_by_one_and_trailers_too() {
    let stand = Stand::new().await;
    let (sender, mut body) = streaming(&stand, None).await;
    for text in ["one", "two"] {
        sender.send(data(text)).unwrap();
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            text
        );
        assert_eq!(
            stand.recorders.state().open,
            1,
            "not finished while it streams"
        );
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    sender.send(Ok(Frame::trailers(trailers.clone()))).unwrap();
    assert_eq!(
        body.frame()
            .await
            .unwrap()
            .unwrap()
            .into_trailers()
            .unwrap(),
        trailers
    );
    drop(sender);
    assert!(body.frame().await.is_none());
    let event = stand.last(1).await;
    assert_eq!(
        (event.ending, event.response_bytes),
        (Ending::Complete, Some(6))
    );
}

#[tokio::test]
async fn a_body_of_known_length_is_complete_with_its_last_byte() {
    let stand = Stand::new().await;
    let (sender, mut body) = streaming(&stand, Some(6)).await;
    assert_eq!(body.size_hint().exact(), Some(6));
    assert!(!body.is_end_stream());
    sender.send(data("123")).unwrap();
    sender.send(data("456")).unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!(body.size_hint().exact(), Some(3));
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    // A server polls no further: it drops the body here.
    drop(body);
    let event = stand.last(1).await;
    assert_eq!(
        (event.ending, event.response_bytes),
        (Ending::Complete, Some(6))
    );
}

#[tokio::test]
async fn a_panel_that_breaks_off_is_recorded_with_what_was_sent() {
    let stand = Stand::new().await;
    let (sender, mut body) = streaming(&stand, Some(100)).await;
    sender.send(data("123")).unwrap();
    sender.send(Err(std::io::Error::other("reset"))).unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(body.frame().await.unwrap().is_err());
    let event = stand.last(1).await;
    assert_eq!(
        (event.ending, event.response_bytes),
        (Ending::Failed, Some(3))
    );
    assert!(
        event.action.ends_with(" (response broke off)"),
        "{}",
        event.action
    );
    assert_eq!(event.outcome, admintrail_event::Outcome::Success);
}

#[tokio::test]
async fn a_client_that_leaves_an_endless_response_is_recorded_with_what_was_sent() {
    let stand = Stand::new().await;
    let (sender, mut body) = streaming(&stand, None).await;
    for _ in 0..10 {
        sender.send(data("tick")).unwrap();
        body.frame().await.unwrap().unwrap();
    }
    drop(body);
    let event = stand.last(1).await;
    assert_eq!(
        (event.ending, event.response_bytes),
        (Ending::Dropped, Some(40))
    );
    assert_eq!(event.status, Some(200));
}

#[tokio::test]
async fn responses_without_a_body_are_complete() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| match asked.path.as_str() {
            // As a client gives it for HEAD: a length, and a body that never comes.
            "/head" => {
                let (sender, frames) = mpsc::unbounded_channel();
                std::mem::forget(sender);
                Response::new(
                    Frames {
                        frames,
                        exact: Some(500),
                    }
                    .boxed_unsync(),
                )
            }
            path => answer(path[1..].parse().unwrap(), &[], ""),
        }),
    );
    for (count, (method, path)) in [("HEAD", "/head"), ("GET", "/204"), ("GET", "/304")]
        .into_iter()
        .enumerate()
    {
        let response = service
            .clone()
            .oneshot(request(method, path, &[], empty()))
            .await
            .unwrap();
        drop(response);
        let event = stand.last(count + 1).await;
        assert_eq!(
            (event.ending, event.response_bytes),
            (Ending::Complete, Some(0)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_body_streams_to_the_panel_before_it_has_ended() {
    let stand = Stand::new().await;
    let (seen, mut first) = mpsc::unbounded_channel();
    let reading = tower::service_fn(move |request: Request<RecordBody<TestBody>>| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body();
            let mut total = 0;
            while let Some(frame) = body.frame().await {
                total += frame.unwrap().into_data().unwrap().len();
                seen.send(total).unwrap();
            }
            Ok::<_, std::convert::Infallible>(html(&total.to_string()))
        }
    });
    let service = admintrail_capture::RecordLayer::new(stand.recorder(|_| {})).layer(reading);
    for path in ["/upload", "/login"] {
        let (sender, frames) = mpsc::unbounded_channel();
        let body = Frames {
            frames,
            exact: None,
        }
        .boxed_unsync();
        let answering = tokio::spawn(
            service
                .clone()
                .oneshot(request("POST", path, &[FORM], body)),
        );
        sender.send(data("username=olena&")).unwrap();
        assert_eq!(first.recv().await, Some(15), "{path}: held back");
        sender.send(data("password=x")).unwrap();
        assert_eq!(first.recv().await, Some(25));
        drop(sender);
        let response = answering.await.unwrap().unwrap();
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "25"
        );
    }
    let events = stand.requests(2).await;
    assert!(events.iter().all(|event| event.request_bytes == Some(25)));
}

#[tokio::test]
async fn a_sign_in_body_beyond_the_copy_still_arrives_whole() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| answer(401, &[], &asked.body.len().to_string())),
    );
    let form = format!("username=root&note={}", "x".repeat(200_000));
    let got = post_form(&service, "/login", "", &form).await;
    assert_eq!(got.body, form.len().to_string());
    let event = stand.last(1).await;
    assert_eq!(event.attempted, None);
    assert_eq!(event.request_bytes, Some(form.len() as u64));
}

#[derive(Debug, Clone)]
enum Step {
    Data(Vec<u8>),
    Trailers,
    Fails,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a body does, the client sees the same, and the event counts it right.
    #[test]
    fn bodies_are_transparent(
        steps in prop::collection::vec(prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Step::Data),
            1 => Just(Step::Trailers),
            1 => Just(Step::Fails),
        ], 0..12),
        reads in 0_usize..14,
        path in prop::sample::select(vec!["/page", "/login"]),
        kind in prop::sample::select(vec!["text/html", "application/json", "text/plain"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stand = Stand::new().await;
            let (sender, frames) = mpsc::unbounded_channel();
            for step in &steps {
                let _ = sender.send(match step {
                    Step::Data(bytes) => Ok(Frame::data(Bytes::from(bytes.clone()))),
                    Step::Trailers => Ok(Frame::trailers(HeaderMap::new())),
                    Step::Fails => Err(std::io::Error::other("broken")),
                });
            }
            drop(sender);
            let slot = std::sync::Arc::new(parking_lot::Mutex::new(Some(Frames { frames, exact: None })));
            let service = wrap(stand.recorder(|_| {}), panel(move |_| {
                Response::builder()
                    .header("content-type", kind)
                    .header("set-cookie", "sessionid=s3cr3ts3cr3ts3cr3t")
                    .body(slot.lock().take().unwrap().boxed_unsync())
                    .unwrap()
            }));
            let request = request("POST", path, &[FORM], full("username=olena"));
            let mut body = service.oneshot(request).await.unwrap().into_body();
            let (mut sent, mut ending) = (0, Ending::Dropped);
            for step in steps.iter().map(Some).chain([None]).take(reads) {
                match (step, body.frame().await) {
                    (Some(Step::Data(bytes)), Some(Ok(frame))) => {
                        assert_eq!(frame.into_data().unwrap(), bytes);
                        sent += bytes.len() as u64;
                    }
                    (Some(Step::Trailers), Some(Ok(frame))) => assert!(frame.is_trailers()),
                    (Some(Step::Fails), Some(Err(_))) => {
                        ending = Ending::Failed;
                        break;
                    }
                    (None, None) => ending = Ending::Complete,
                    (step, frame) => panic!("{step:?} became {frame:?}"),
                }
            }
            drop(body);
            let event = stand.last(1).await;
            assert_eq!((event.ending, event.response_bytes), (ending, Some(sent)));
        });
    }
}
