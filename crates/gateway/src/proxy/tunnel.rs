//! Upgraded connections: after the handshake the bytes belong to the two ends (RFC 6455).

use cloakroom_core::guard::is_websocket_upgrade;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, on},
};
use hyper_util::rt::TokioIo;

/// Takes the browser's half of an upgrade off a request that asks for one.
pub(super) fn prepare(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    is_websocket_upgrade(request.method(), request.headers()).then(|| on(request))
}

/// Joins the two halves once both have switched; ends when either does.
pub(super) fn open(browser: OnUpgrade, mut answer: Response<Incoming>) -> Response<Incoming> {
    let upstream = on(&mut answer);
    tokio::spawn(async move {
        let (browser, upstream) = match tokio::try_join!(browser, upstream) {
            Ok(halves) => halves,
            Err(error) => {
                tracing::debug!(%error, "an upgrade was not completed");
                return;
            }
        };
        let (mut browser, mut upstream) = (TokioIo::new(browser), TokioIo::new(upstream));
        if let Err(error) = tokio::io::copy_bidirectional(&mut browser, &mut upstream).await {
            tracing::debug!(%error, "an upgraded connection broke");
        }
    });
    answer
}
