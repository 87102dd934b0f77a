//! What has reached the upstream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method};

use super::body::Counted;

/// A request as the upstream received it. No `Debug`: it carries a token.
#[derive(Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// Bytes of the body that had arrived when [`Upstream::requests`](super::Upstream::requests)
    /// was called.
    pub body_length: u64,
}

impl Recorded {
    /// The value of a header that came once, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The bearer token that came along.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

#[derive(Default)]
pub(crate) struct Record(Mutex<Vec<(Recorded, Arc<AtomicU64>)>>);

impl Record {
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        let requests = self.0.lock().expect("no panic while the record was held");
        let requests = requests.iter();
        requests
            .map(|(request, bytes)| Recorded {
                body_length: bytes.load(Ordering::Relaxed),
                ..request.clone()
            })
            .collect()
    }

    pub(crate) fn forget(&self) {
        self.0.lock().expect("no panic while the record was held").clear();
    }

    fn push(&self, request: Recorded, bytes: Arc<AtomicU64>) {
        self.0.lock().expect("no panic while the record was held").push((request, bytes));
    }
}

/// Middleware that notes each request before anything is done with it.
pub(crate) async fn note(
    State(record): State<Arc<Record>>,
    request: Request,
    next: Next,
) -> Response {
    let bytes = Arc::new(AtomicU64::new(0));
    let recorded = Recorded {
        method: request.method().clone(),
        target: request.uri().to_string(),
        headers: request.headers().clone(),
        body_length: 0,
    };
    record.push(recorded, Arc::clone(&bytes));
    next.run(request.map(|body| Body::new(Counted { body, bytes }))).await
}
