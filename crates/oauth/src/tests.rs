//! Two peers without a wire: our client, and a provider that follows the standards to the letter and
//! checks what we send.

mod callback;
mod id_token;
mod jwks;
mod login;
mod logout_token;
mod metadata;
mod peer;
mod requests;
mod secrets;
mod token;

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use cloakroom_core::{random::Random, return_to::ReturnTo, secret::Token, time::Timestamp};

use crate::{Client, ClientAuth, Metadata, Transaction, begin};
use peer::Peer;

const ISSUER: &str = "https://login.example.org/realms/shop";
const CLIENT_ID: &str = "shop-web";
const REDIRECT_URI: &str = "https://shop.example.com/auth/callback/default";
const LOGGED_OUT_URI: &str = "https://shop.example.com/auth/logged-out";
const CLIENT_SECRET: &str = "s3cret: mit Ümlaut & +%";

/// 2027-01-15T08:00:00Z
const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn client() -> Client {
    Client {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        auth: ClientAuth::Basic(Token::new(CLIENT_SECRET)),
        scopes: ["openid", "profile", "offline_access"].map(str::to_owned).to_vec(),
        resource: None,
        authorize_params: Vec::new(),
        allow_missing_pkce_metadata: false,
    }
}

fn metadata() -> Metadata {
    Metadata::parse(&client(), &Peer::new().discovery()).unwrap()
}

fn start() -> (Transaction, String) {
    begin(
        &client(),
        "default",
        REDIRECT_URI,
        &metadata(),
        ReturnTo::root(),
        NOW,
        &Counting::default(),
    )
}

/// Different bytes each time, the same in every run.
#[derive(Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, into: &mut [u8]) {
        for chunk in into.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&digest::digest(&digest::SHA256, &count).as_ref()[..chunk.len()]);
        }
    }
}

/// The parameters of a URL's query or of a form.
fn parameters(encoded: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = parameters.iter().filter(|(key, _)| key == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} came twice");
    value
}

fn query_of(url: &str) -> Vec<(String, String)> {
    parameters(url.split_once('?').unwrap().1)
}
