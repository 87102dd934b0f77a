//! An API behind the gateway that records every request which reaches it.
//!
//! | route | what it does |
//! |---|---|
//! | `/api/echo` | JSON of `method`, `target` and `headers` (name → list of values) as received |
//! | `/api/whoami` | the claims of a bearer token that the provider has issued, else a 401 with `error="invalid_token"` |
//! | `/api/stream?chunks=3` | `chunk 1\n` and so on, each when the test [releases](Upstream::release) it |
//! | `/api/sse?chunks=3` | the same as server-sent events, `data: 1` and so on |
//! | `/api/upload` | reads the body and answers `{"bytes": n}`; with `?early=1` answers at once and sends a line with the sum so far for each piece that arrives |
//! | `/api/ws` | WebSocket: echoes frames |
//! | `/api/slow?ms=` | answers after that time |
//! | `/api/set-cookie` | tries to set `__Host-session`, and sets `theme` |
//! | `/api/status/{code}` | that status; with `?invalid_token=1` the challenge of an expired token |
//! | `/api/cut` | closes the connection without an answer |
//! | else | 404 `not found at the upstream` |

mod body;
mod raw;
pub(crate) mod record;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use raw::RawUpstream;
pub use record::Recorded;

use crate::Provider;
use crate::server::{Server, listen};
use body::OpenStreams;
use record::Record;

/// A running API server on 127.0.0.1; dropping it stops it.
pub struct Upstream {
    address: SocketAddr,
    record: Arc<Record>,
    chunks: Arc<Semaphore>,
    open: OpenStreams,
    _server: Server,
}

impl Upstream {
    /// Starts on a free port; `/api/whoami` trusts the tokens of `provider`.
    pub async fn start(provider: &Provider) -> Self {
        let (listener, address) = listen(0).await.expect("a free port");
        let record = Arc::new(Record::default());
        let chunks = Arc::new(Semaphore::new(0));
        let open = OpenStreams::default();
        let api =
            routes::Api { mint: provider.mint(), chunks: Arc::clone(&chunks), open: open.clone() };
        let app = routes::router(api, Arc::clone(&record));
        Self { address, record, chunks, open, _server: Server::start(listener, app) }
    }

    /// A server that records bytes instead of requests.
    pub async fn raw() -> RawUpstream {
        RawUpstream::start().await
    }

    /// Where it listens, for a route's `upstream`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of arrival; one is listed before its body has come.
    pub fn requests(&self) -> Vec<Recorded> {
        self.record.requests()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.record.forget();
    }

    /// Lets the streams send `chunks` more pieces, counted over all of them.
    pub fn release(&self, chunks: usize) {
        self.chunks.add_permits(chunks);
    }

    /// Streams and event streams whose client is still there.
    pub fn open_streams(&self) -> usize {
        self.open.count()
    }
}
