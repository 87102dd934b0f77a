//! `GET events`: tells the page at once what becomes of its session (Server-Sent Events).
//!
//! | event | data | when |
//! |---|---|---|
//! | `refreshed` | `{"expiresIn": seconds}` | the access token was renewed |
//! | `expiring` | `{"sessionExpiresIn": seconds}` | the session ends soon unless somebody uses it |
//! | `ended` | `{"reason": …}`, a word of [`End::text`] | the session is over; the last one |
//!
//! To listen is no use of the session. A stream without `ended` has told all that can be known here: where
//! the cookies hold the session, only a request that brings the newest ones can tell whether it timed out.
//! So the stream ends when that may be so, the browser connects again, and a 401 is the answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cloakroom_core::{
    guard::SameOrigin,
    random,
    session::{End, RecordId},
    time::Timestamp,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{Content, Reply};
use crate::{
    Shared,
    clock::Clock,
    reason::Reason,
    refusal::Refusal,
    sessions::{Listening, News, Presented, Sessions, Stored},
};

/// How often something is sent at least: a peer that is gone without a word is noticed by it, and no proxy
/// takes the connection for idle.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long before its end a session is about to end; a quarter of a short idle timeout.
const SOON: Duration = Duration::from_secs(300);

/// Opens the stream of the caller's session.
pub(super) async fn listen(
    shared: &Shared,
    headers: &HeaderMap,
    _ours: SameOrigin,
) -> Result<Reply, Refusal> {
    let login = || Refusal::new(Reason::LoginRequired, "no session to listen for");
    let (sessions, clock) = (Arc::clone(&shared.sessions), Arc::clone(&shared.clock));
    let presented = sessions.present(headers).ok_or_else(login)?;
    // First, so that nothing happens unheard between the look at the session and this.
    let listening = sessions.listen(presented.id());
    let now = clock.now();
    let stored = sessions.load(&presented, now).await?.ok_or_else(login)?;
    if stored.ends_at() <= now {
        return Err(login());
    }
    let knows = if sessions.are_split() {
        Knows::Token
    } else if sessions.are_stored() {
        Knows::Store(Box::new(presented.clone()))
    } else {
        Knows::Cookies
    };
    // Thousands that one restart sends away do not come back in one moment.
    let [spread] = random::bytes::<1>(&*shared.random);
    let retry = 2000 + 16 * u64::from(spread);
    let mut stream = EventStream {
        heard: listening.known(),
        listening,
        sessions,
        clock,
        name: presented.name(),
        knows,
        look_at: now,
        announced: None,
        opened: Instant::now(),
    };
    let announced = stream.plan(&stored, now).unwrap_or_default();
    let first = format!("retry: {retry}\n\n{announced}").into();
    let body = EventBody { first: Some(first), next: Some(Box::pin(stream.next())) };
    let mut reply = Reply::new(StatusCode::OK);
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        // Compressed, an event would wait for the next ones.
        (CACHE_CONTROL, "no-store, no-transform"),
        // nginx holds answers back unless it is told not to.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        reply.headers.insert(name, HeaderValue::from_static(value));
    }
    reply.content = Content::Events(body);
    Ok(reply)
}

/// Listens for one session.
struct EventStream {
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    listening: Listening,
    /// What was told.
    heard: News,
    name: RecordId,
    knows: Knows,
    /// When to see what is left of the session.
    look_at: Timestamp,
    /// The end that was announced last.
    announced: Option<Timestamp>,
    opened: Instant,
}

/// Who knows when the session ends.
enum Knows {
    /// The store; what opens the record there.
    Store(Box<Presented>),
    /// The browser's cookies, which get newer ones with each use.
    Cookies,
    /// Here nobody: only that it ends when no refresh comes.
    Token,
}

/// What the stream does next.
enum Step {
    Say(String),
    SayLast(String),
    Close,
    Wait,
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Option<EventStream>)>> + Send>>;

impl EventStream {
    /// The next piece, and the stream unless that was the last.
    async fn next(mut self) -> Option<(Bytes, Option<Self>)> {
        loop {
            let now = self.clock.now();
            let step = if self.look_at <= now {
                // In a box of its own: it is rare, and large.
                Box::pin(self.look(now)).await
            } else {
                let left = self.look_at.since(now);
                tokio::select! {
                    news = self.listening.changed() => self.tell(news),
                    // Nobody reads the time from the clock that tests move; so the loop looks again.
                    () = tokio::time::sleep(left.min(HEARTBEAT)) => match left < HEARTBEAT {
                        true => Step::Wait,
                        false => Step::Say(":\n\n".to_owned()),
                    },
                }
            };
            match step {
                Step::Say(text) => return Some((text.into(), Some(self))),
                Step::SayLast(text) => return Some((text.into(), None)),
                Step::Close => return None,
                Step::Wait => {}
            }
        }
    }

    /// What there is to say of news.
    fn tell(&mut self, news: Option<News>) -> Step {
        let Some(news) = news else { return Step::Close };
        if let Some(end) = news.ended {
            return Step::SayLast(ended(end));
        }
        let refreshed = std::mem::replace(&mut self.heard, news).refreshes != news.refreshes;
        if !refreshed {
            return Step::Wait;
        }
        let now = self.clock.now();
        if let (Knows::Token, Some(ends_at)) = (&self.knows, news.token_ends_at) {
            self.look_at = ends_at.plus(self.sessions.timeouts().idle);
        }
        match self.sessions.listen_on(&self.listening, now) {
            Ok(None) => {}
            Ok(Some(listening)) => {
                self.heard = listening.known();
                self.listening = listening;
            }
            Err(end) => return Step::SayLast(ended(end)),
        }
        let expires_in = news.token_ends_at.map(|at| at.since(now).as_secs());
        Step::Say(event("refreshed", &json!({ "expiresIn": expires_in })))
    }

    /// Sees what is left of the session.
    async fn look(&mut self, now: Timestamp) -> Step {
        let Knows::Store(presented) = &self.knows else { return Step::Close };
        match self.sessions.load(presented, now).await {
            Ok(Some(stored)) if now < stored.ends_at() => {
                self.plan(&stored, now).map_or(Step::Wait, Step::Say)
            }
            Ok(_) => Step::SayLast(ended(End::Expired)),
            Err(error) => {
                tracing::warn!(sid = self.name.handle(), %error, "a listener's session could not be looked at");
                self.look_at = now.plus(HEARTBEAT);
                Step::Wait
            }
        }
    }

    /// Says when to look next, and announces the session's end where it is near.
    fn plan(&mut self, stored: &Stored, now: Timestamp) -> Option<String> {
        let (ends_at, idle) = (stored.ends_at(), self.sessions.timeouts().idle);
        if matches!(self.knows, Knows::Token) {
            // The idle timeout begins where the last access token ends.
            self.look_at = ends_at.plus(idle);
            return None;
        }
        let soon = ends_at.minus(SOON.min(idle / 4));
        if now < soon {
            self.look_at = soon;
            return None;
        }
        self.look_at = ends_at;
        let left = ends_at.since(now).as_secs();
        // Who uses the session moves its end on; then there is another one to announce.
        let is_news = self.announced.replace(ends_at) != Some(ends_at);
        is_news.then(|| event("expiring", &json!({ "sessionExpiresIn": left })))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let seconds = self.opened.elapsed().as_secs();
        tracing::debug!(sid = self.name.handle(), seconds, "an event stream has ended");
    }
}

fn ended(end: End) -> String {
    event("ended", &json!({ "reason": end.text() }))
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// The stream as the body of an answer.
pub(crate) struct EventBody {
    first: Option<Bytes>,
    next: Option<Next>,
}

impl EventBody {
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let piece = ready!(next.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(piece.map(|(piece, stream)| {
            self.next = stream.map(|stream| Box::pin(stream.next()) as Next);
            piece
        }))
    }
}

impl fmt::Debug for EventBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody").finish_non_exhaustive()
    }
}
