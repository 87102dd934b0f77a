//! What the attack lab needs beside the page and the API: two pages on other origins.

mod foreign;
mod information;
mod pages;
mod storage;

pub(crate) use foreign::routes as foreign_site;
pub(crate) use information::routes as information;
pub(crate) use pages::Pages;
pub(crate) use storage::routes as storage_site;

use serde::Serialize;

/// Where the parts of the lab live, as origins.
#[derive(Clone, Serialize)]
pub(crate) struct Addresses {
    /// The page that the gateway serves.
    pub(crate) app: String,
    /// The page that keeps its token in localStorage.
    pub(crate) storage: String,
    /// The foreign site and the thief's server.
    pub(crate) foreign: String,
}

/// Somebody who can log in.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}
