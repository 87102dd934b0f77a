//! The back channel to providers: small answers, bounded in size and time, no redirects (R53).

use std::time::Duration;

use bytes::Bytes;
use cloakroom_oauth::MAX_ANSWER_BYTES;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

/// From the first byte sent to the last one received, where a token is at stake: a provider that was slow
/// may still have rotated it, so that giving up early loses it.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(60);
/// The same for what the provider says of itself: somebody waits for it to log in.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(30);

/// A connection pool to the providers.
#[derive(Clone, Debug)]
pub(crate) struct BackChannel(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// A provider's whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackChannelError {
    #[error("no connection to the provider: {0}")]
    Connect(String),
    #[error("the provider broke off its answer, or it is too long")]
    Broken,
    #[error("the provider did not answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
}

impl BackChannel {
    /// # Errors
    /// When the platform's certificate verifier cannot be set up.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .try_with_platform_verifier()?
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request that carries or revokes tokens.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, BackChannelError> {
        self.exchange(request, TOKEN_TIMEOUT).await
    }

    /// Fetches metadata or keys.
    pub(crate) async fn fetch(&self, request: Request<Bytes>) -> Result<Answer, BackChannelError> {
        self.exchange(request, FETCH_TIMEOUT).await
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Answer, BackChannelError> {
        let exchange = async {
            let answer = self
                .0
                .request(request.map(Full::new))
                .await
                .map_err(|error| BackChannelError::Connect(describe(&error)))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES)
                .collect()
                .await
                .map_err(|_| BackChannelError::Broken)?
                .to_bytes();
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        };
        tokio::time::timeout(limit, exchange).await.map_err(|_| BackChannelError::Timeout(limit))?
    }
}

/// The innermost cause, which names the address or the certificate's fault.
fn describe(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
