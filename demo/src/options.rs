//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Starts a provider, an API and the gateway, and shows a page that is logged in without a token.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The gateway's binary.
    #[arg(long, value_name = "PATH")]
    pub(crate) gateway: PathBuf,

    /// The folder of the built page.
    #[arg(long, value_name = "DIR")]
    pub(crate) site: PathBuf,

    /// The port of the page.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,

    /// Serves the page by https, with a certificate of the demo's own.
    #[arg(long)]
    pub(crate) https: bool,

    /// Does not open the browser.
    #[arg(long)]
    pub(crate) no_open: bool,

    /// How long an access token lives; short, so that refreshes can be watched.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(2..)
    )]
    pub(crate) token_lifetime: u32,
}
