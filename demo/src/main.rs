//! `cloakroom-demo`: everything that `cargo demo` shows, on one machine.
//!
//! | part | address | where |
//! |---|---|---|
//! | the page and the gateway | `http://localhost:PORT` | the gateway, a process of its own |
//! | the provider | `http://127.0.0.1:PORT+1`, another site | this process |
//! | the page that keeps its token in localStorage | `http://localhost:PORT+2` | this process |
//! | the foreign site and the thief's server | `http://127.0.0.1:PORT+3`, another site | this process |
//! | the API | a free port of 127.0.0.1, behind the gateway | this process |
//!
//! With `--https` the two pages on `localhost` are served by https, with a certificate by
//! `cloakroom dev-cert`. The parts beside the gateway take any free port when theirs is taken.

mod api;
mod arrivals;
mod browser;
mod clock;
mod demo;
mod failure;
mod fetch;
mod gateway;
mod lab;
mod options;
mod ports;
mod signals;
#[cfg(test)]
mod tests;
mod tls;

use std::process::ExitCode;

use clap::Parser as _;

use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match demo::run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
