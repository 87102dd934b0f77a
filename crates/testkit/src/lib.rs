//! Test parts for Cloakroom: each runs in this process or under its control, and goes when dropped.
//!
//! | part | what it is |
//! |---|---|
//! | [`Provider`] | an OpenID provider with scripted [faults](Fault), counters and a record of its secrets |
//! | [`LoginService`] | a JSON login service without OAuth, with an API of its own |
//! | [`Upstream`] | an API that records what reaches it; [`Upstream::raw`] records bytes |
//! | [`Gateway`] | the gateway as a process: spawn, kill, restart, read its log |
//! | [`GatewayConfig`] | the TOML for a gateway between a provider and an upstream |
//! | [`Browser`] | a user agent with a cookie jar, Fetch Metadata and SameSite rules |
//! | [`raw::send`] | bytes as they are, for requests that no client would send |
//! | [`eventually`] | waits for what happens elsewhere, instead of a sleep |
//!
//! ```no_run
//! use cloakroom_testkit::{Browser, Gateway, GatewayConfig, Provider, Upstream};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let provider = Provider::builder().user("anna", "secret").start().await;
//! let upstream = Upstream::start(&provider).await;
//! let config = GatewayConfig::new(&provider, &upstream.url()).set("session", "idle_timeout = '5m'");
//! let gateway = Gateway::spawn("target/debug/cloakroom", config).await;
//!
//! let browser = Browser::new();
//! browser.login(gateway.url(), "anna", "secret", "/").await;
//! let answer = browser.fetch("GET", &gateway.at("/api/whoami")).await;
//! assert_eq!(answer.json()["sub"], "anna");
//! # }
//! ```
//!
//! Everything is HTTP/1.1 without TLS on loopback.

pub mod browser;
mod clock;
pub mod gateway;
pub mod login_service;
mod net;
mod pieces;
pub mod provider;
mod random;
pub mod raw;
mod server;
pub mod tls;
pub mod upstream;
mod websocket;

pub use browser::Browser;
pub use gateway::{Gateway, GatewayConfig};
pub use login_service::LoginService;
pub use net::{eventually, free_port};
pub use provider::{Client, Fault, Provider, ReusePolicy};
pub use tls::Authority;
pub use upstream::Upstream;
