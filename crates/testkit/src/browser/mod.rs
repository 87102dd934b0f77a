//! A user agent for tests: it keeps cookies, and says of each request where it comes from, as
//! browsers do.
//!
//! It follows the rules that a token handler's safety rests on: SameSite, cookie name prefixes, the
//! size limit, `Clear-Site-Data`, Fetch Metadata, `Origin`. It does not follow redirects by itself,
//! runs no scripts and caches nothing. Cookies ignore ports; every name leads to 127.0.0.1, and
//! loopback over http counts as secure. Each request has a connection of its own, which closes when
//! the request's future is dropped: that is how a test aborts a fetch.

mod cookie;
mod events;
mod form;
mod relation;
mod request;
mod response;

mod websocket;

use std::sync::Arc;

use http::Method;
use tokio_rustls::TlsConnector;
use url::Url;

pub use cookie::{Cookie, Jar, SameSite};
pub use events::Events;
pub use request::Request;
pub use response::{Opened, Response};
pub use websocket::WebSocket;

use crate::tls::Authority;

/// Redirects in a row before a browser calls it a loop.
const MAX_REDIRECTS: usize = 20;

/// A browser with one profile. Clones share it; [`copy`](Self::copy) does not.
#[derive(Clone, Default)]
pub struct Browser {
    jar: Arc<Jar>,
    /// How it speaks https, where it may.
    tls: Option<TlsConnector>,
}

impl Browser {
    /// A fresh profile.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fresh profile that trusts one authority's certificates. Without it, https is out of reach.
    pub fn trusting(authority: &Authority) -> Self {
        let config = authority.client_config(&[b"http/1.1"]);
        Self { tls: Some(TlsConnector::from(config)), ..Self::default() }
    }

    /// The cookies.
    pub fn jar(&self) -> &Jar {
        &self.jar
    }

    /// Another browser with the same cookies: the thief who copied them.
    pub fn copy(&self) -> Self {
        Self { jar: Arc::new(self.jar.duplicate()), tls: self.tls.clone() }
    }

    /// Any request; see [`Request`] for what can be said about it. By itself it is a fetch by a
    /// page of the same origin.
    pub fn request(&self, method: &str, url: &str) -> Request {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Request::new(self.clone(), method, parse(url))
    }

    /// Opens an address as if typed into the address bar.
    pub async fn navigate(&self, url: &str) -> Response {
        self.request("GET", url).navigation().typed().send().await
    }

    /// `fetch(url, {method})` by a page of the same origin.
    pub async fn fetch(&self, method: &str, url: &str) -> Response {
        self.request(method, url).send().await
    }

    /// A form POST from a page of another site. Every cookie goes along, as in a browser without
    /// SameSite: the server has to refuse by itself.
    pub async fn cross_site_post(&self, url: &str) -> Response {
        let request = self.request("POST", url).navigation().from_page("https://evil.example");
        request.ignoring_same_site().form(&[("amount", "1000")]).send().await
    }

    /// Goes where a response redirects to; one step.
    ///
    /// # Panics
    /// If it is no redirect, or one that would send a body again (307, 308).
    pub async fn follow(&self, response: &Response) -> Response {
        Request::following(self.clone(), response).send().await
    }

    /// Follows redirects and pages that navigate (`<meta http-equiv="refresh">`) to the end.
    pub async fn settle(&self, mut response: Response) -> Response {
        for _ in 0..MAX_REDIRECTS {
            if response.is_redirect() {
                response = self.follow(&response).await;
            } else if let Some(target) = form::refresh_target(&response.text()) {
                let target = response.url.join(&target).expect("a URL in the page");
                let page = response.url.to_string();
                let request = self.request("GET", target.as_str()).navigation();
                response = request.from_page(&page).send().await;
            } else {
                return response;
            }
        }
        panic!("a redirect loop at {}", response.url);
    }

    /// Sends the first form of a page, with these fields beside the hidden ones; one step.
    ///
    /// # Panics
    /// If the page has no form.
    pub async fn submit(&self, page: &Response, fields: &[(&str, &str)]) -> Response {
        let form = form::first(&page.text()).expect("a page with a form");
        let url = page.url.join(&form.action).expect("a form with an address");
        let hidden = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        let request = self.request(&form.method, url.as_str()).navigation();
        request.from_page(page.url.as_str()).form(&fields).send().await
    }

    /// Logs in: from the gateway to the provider, through its form unless the provider remembers
    /// the user, back, and on to `return_to`. Returns the last response, whatever it is.
    pub async fn login(
        &self,
        gateway: &str,
        username: &str,
        password: &str,
        return_to: &str,
    ) -> Response {
        let mut start = parse(gateway).join("/auth/login").expect("a path");
        start.query_pairs_mut().append_pair("return_to", return_to);
        let page = self.settle(self.navigate(start.as_str()).await).await;
        if form::first(&page.text()).is_none() {
            return page;
        }
        let fields = [("username", username), ("password", password)];
        self.settle(self.submit(&page, &fields).await).await
    }
}

fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("{url} is a URL: {error}"))
}
