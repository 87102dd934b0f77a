//! A GET over loopback, as a server makes it: for the provider's keys and for the thief.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

const LIMIT: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// Status and body of `uri`, asked for with a bearer token if there is one; the error in words.
pub(crate) async fn get(uri: &str, bearer: Option<&str>) -> Result<(StatusCode, Bytes), String> {
    let uri: Uri = uri.parse().map_err(|_| format!("{uri} is no address"))?;
    let mut request = Request::get(uri);
    if let Some(token) = bearer {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| "that is no token".to_owned())?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;

    let exchange = async {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.map_err(|e| e.to_string())?.into_parts();
        let body = Limited::new(body, LIMIT).collect().await.map_err(|e| e.to_string())?;
        Ok((head.status, body.to_bytes()))
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer".to_owned()))
}
