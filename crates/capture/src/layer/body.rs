//! The body wrapper of requests and responses.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use admintrail_event::Ending;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::answer::Answer;
use super::hop;
use super::watch::RequestWatch;
use crate::Recorder;

pin_project! {
    /// The body wrapper, of requests and responses alike: counts bytes, knows a clean end from an
    /// error from a drop, passes trailers and size hints, never buffers.
    pub struct RecordBody<B> {
        #[pin]
        inner: Option<B>,
        watch: Watch,
    }
}

enum Watch {
    /// A request on its way in.
    Request {
        recorder: Recorder,
        watch: Option<Arc<RequestWatch>>,
    },
    /// A response on its way out. Dropping it finishes the event.
    Response(Option<Box<Answer>>),
    /// Our own words in place of the panel's.
    Own(Option<Bytes>),
}

impl<B: Body<Data = Bytes>> RecordBody<B> {
    pub(super) fn request(inner: B, recorder: &Recorder, watch: Option<Arc<RequestWatch>>) -> Self {
        if let Some(watch) = &watch
            && inner.is_end_stream()
        {
            watch.end();
        }
        Self {
            inner: Some(inner),
            watch: Watch::Request {
                recorder: recorder.clone(),
                watch,
            },
        }
    }

    pub(super) fn response(inner: B, answer: Box<Answer>, empty: bool) -> Self {
        let mut answer = Some(answer);
        // Nothing will be polled of a body that has ended already.
        if (empty || inner.is_end_stream())
            && let Some(mut answer) = answer.take()
        {
            answer.finish(Ending::Complete);
        }
        Self {
            inner: Some(inner),
            watch: Watch::Response(answer),
        }
    }

    pub(super) const fn own(text: Bytes) -> Self {
        Self {
            inner: None,
            watch: Watch::Own(Some(text)),
        }
    }
}

impl<B: Body<Data = Bytes>> Body for RecordBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            let Watch::Own(text) = this.watch else {
                return Poll::Ready(None);
            };
            return Poll::Ready(text.take().map(|text| Ok(Frame::data(text))));
        };
        match this.watch {
            Watch::Request { recorder, watch } => {
                let mut frame = ready!(inner.poll_frame(cx));
                if let Some(Ok(frame)) = &mut frame
                    && let Some(trailers) = frame.trailers_mut()
                {
                    hop::strip_trailers(trailers, recorder.rules().identity_header.as_ref());
                }
                if let Some(watch) = watch {
                    match &frame {
                        Some(Ok(frame)) => {
                            if let Some(data) = frame.data_ref() {
                                watch.add(data);
                            }
                            if this
                                .inner
                                .as_pin_mut()
                                .is_some_and(|body| body.is_end_stream())
                            {
                                watch.end();
                            }
                        }
                        None => watch.end(),
                        Some(Err(_)) => {}
                    }
                }
                Poll::Ready(frame)
            }
            Watch::Response(slot) => {
                let Some(answer) = slot else {
                    return inner.poll_frame(cx);
                };
                if !answer.is_holding() {
                    let polled = ready!(inner.poll_frame(cx)).transpose();
                    if answer.is_ended() {
                        end(slot, Ending::Dropped);
                        this.inner.set(None);
                        return Poll::Ready(None);
                    }
                    let mut frame = match polled {
                        Ok(frame) => frame,
                        Err(error) => {
                            end(slot, Ending::Failed);
                            return Poll::Ready(Some(Err(error)));
                        }
                    };
                    let last = frame.is_none()
                        || this
                            .inner
                            .as_pin_mut()
                            .is_some_and(|body| body.is_end_stream());
                    if !answer.see(&mut frame, last) {
                        if last {
                            end(slot, Ending::Complete);
                        }
                        return Poll::Ready(frame.map(Ok));
                    }
                }
                let (frame, last) = ready!(answer.poll_held(cx));
                if last {
                    end(slot, Ending::Complete);
                }
                Poll::Ready(frame.map(Ok))
            }
            Watch::Own(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match (&self.watch, &self.inner) {
            (Watch::Own(text), _) => text.is_none(),
            (Watch::Response(Some(answer)), _) if answer.is_holding() => false,
            (_, Some(inner)) => inner.is_end_stream(),
            (_, None) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.watch, &self.inner) {
            (Watch::Own(text), _) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            (Watch::Response(Some(answer)), Some(inner)) => {
                with_held(inner.size_hint(), answer.held_bytes())
            }
            (_, Some(inner)) => inner.size_hint(),
            (_, None) => SizeHint::with_exact(0),
        }
    }
}

fn end(slot: &mut Option<Box<Answer>>, ending: Ending) {
    if let Some(mut answer) = slot.take() {
        answer.finish(ending);
    }
}

fn with_held(rest: SizeHint, held: u64) -> SizeHint {
    let mut hint = SizeHint::new();
    if let Some(upper) = rest.upper() {
        hint.set_upper(upper + held);
    }
    hint.set_lower(rest.lower() + held);
    hint
}
