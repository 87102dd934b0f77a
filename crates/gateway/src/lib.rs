//! The gateway: the binary `cloakroom`.

pub mod config;
