//! The gateway from outside: the built binary between a scripted provider and a recording upstream.
//!
//! One binary with a module per theme, so that linking is cheap. Each test names the requirements
//! that it is about.

mod bearer;
mod callback;
mod canned;
mod connections;
mod cookies;
mod cors;
mod csrf;
mod data;
mod events;
mod example_api;
mod flights;
mod forged;
mod framing;
mod guard;
mod h2;
mod headers;
mod id_tokens;
mod limits;
mod login;
mod logout;
mod modes;
mod paths;
mod plain;
mod refresh;
mod rejected;
mod relay;
mod restart;
mod rotation;
mod secrets;
mod start;
mod stop;
mod subdomains;
mod timeouts;
mod tls;
mod token_api;
mod upstream_answers;
mod world;
