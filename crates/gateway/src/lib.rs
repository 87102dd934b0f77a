//! The gateway: the binary `cloakroom`, a reverse proxy on the cloakroom layer.

mod assemble;
pub mod cli;
mod commands;
pub mod config;
mod data_dir;
mod holder;
mod keyring;
pub mod logging;
pub mod network;
mod proxy;
mod serve;
mod server;
mod site;
mod watch;
