//! The command line.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::commands::{self, Failure};
use crate::config::{Environment, parse_duration};

/// The configuration when none is named.
const CONFIG: &str = "cloakroom.toml";

/// Keeps a web application's tokens out of the page.
///
/// Cloakroom stands between browsers and an API. People log in through an OpenID provider; the tokens
/// stay with Cloakroom, the browser holds one cookie, and the API gets its bearer token.
#[derive(Parser)]
#[command(name = "cloakroom", version, disable_help_subcommand = true)]
#[command(after_help = "First steps:
  cloakroom init     writes a commented cloakroom.toml
  cloakroom check    says what it does and what is wrong with it
  cloakroom run      starts the gateway")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the gateway.
    ///
    /// It logs to stderr, serves until SIGINT or SIGTERM, and lets running requests finish.
    #[command(after_help = "Examples:
  cloakroom run
  OIDC_CLIENT_SECRET=… cloakroom run --config /etc/cloakroom/cloakroom.toml")]
    Run(ConfigFile),
    /// Check the configuration and say in words what it does.
    ///
    /// Every mistake is shown with its line, the reason and what to write instead. Secrets are looked
    /// up as `run` would, so use the same environment. Nothing is started, no provider is asked.
    /// Exit status: 0 if all is right, 1 if not.
    #[command(after_help = "Examples:
  cloakroom check
  cloakroom check --config staging.toml && systemctl restart cloakroom")]
    Check(ConfigFile),
    /// Write a commented first configuration.
    #[command(after_help = "Examples:
  cloakroom init
  cloakroom init --output staging.toml")]
    Init(Init),
    /// Print the JSON Schema of the configuration, with which editors complete and check it.
    #[command(after_help = "Example:
  cloakroom schema > cloakroom.schema.json

With this first line in cloakroom.toml, editors with the TOML plug-in Taplo use it:
  #:schema ./cloakroom.schema.json")]
    Schema,
    /// Make a certificate for development, and say how to trust it.
    ///
    /// Writes ca.pem, cert.pem and key.pem. The authority behind ca.pem is made for this alone: its key is
    /// not kept, and it stands for these hosts and no others. For the real world get a certificate from
    /// an authority that browsers know, such as Let's Encrypt.
    #[command(after_help = "Examples:
  cloakroom dev-cert
  cloakroom dev-cert --output tls shop.test admin.shop.test 127.0.0.1")]
    DevCert(DevCert),
    /// Make and rotate the keys that seal sessions.
    ///
    /// The keyring holds one key a line: the first seals, all of them open. A gateway of its own makes
    /// one at its first start, so `rotate` is all that it ever needs.
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Subcommand)]
enum Keys {
    /// Make a keyring of one fresh key.
    ///
    /// Without --output it is printed, for an environment variable or a secret store. There is never
    /// a reason to make up a key: one that is not random is refused.
    #[command(after_help = "Examples:
  cloakroom keys generate --output /etc/cloakroom/keyring
  export CLOAKROOM_KEYS=\"$(cloakroom keys generate)\"")]
    Generate(GenerateKeys),
    /// Let a new key seal from now on; the keys before it go on opening, so nobody is logged out.
    ///
    /// An old key is dropped once it has sealed nothing for longer than a session can last. A running
    /// gateway takes the changed file over without a restart. A keyring in an environment variable is
    /// printed with the new key: put it there and start the gateway anew.
    ///
    /// Several gateways that share a keyring: first `rotate --prepare`, give the file to every gateway,
    /// then `rotate`, and give them the file again. So no gateway ever meets a key that it does not know.
    #[command(after_help = "Examples:
  cloakroom keys rotate
  cloakroom keys rotate --file /etc/cloakroom/keyring
  cloakroom keys rotate --keep 0s    drops every old key at once: all sessions that they sealed end")]
    Rotate(RotateKeys),
}

/// Which configuration.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration file. Relative paths in it start at its folder.
    #[arg(long, short, value_name = "PATH", env = "CLOAKROOM_CONFIG", default_value = CONFIG)]
    pub(crate) config: PathBuf,
}

/// Where a new keyring goes.
#[derive(Args)]
pub(crate) struct GenerateKeys {
    /// The file to write, for your own user alone; one that exists is never overwritten.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

/// Which keyring is rotated, and how.
#[derive(Args)]
pub(crate) struct RotateKeys {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The keyring's file; the configuration is not read then.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// How long an old key stays after it ceased to seal, such as 7d [default: `absolute_timeout` of the
    /// configuration; with --file 400d, the longest that a session can last]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) keep: Option<Duration>,
    /// Add a key that opens, and seals only after the next `rotate`.
    #[arg(long, conflicts_with = "keep")]
    pub(crate) prepare: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|_| "a duration is such as 30s, 5m, 24h or 7d".to_owned())
}

/// Where the first configuration goes.
#[derive(Args)]
pub(crate) struct Init {
    /// The file to write.
    #[arg(long, short, value_name = "PATH", default_value = CONFIG)]
    pub(crate) output: PathBuf,
    /// Overwrite the file if there is one.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a certificate for development is for, and where it goes.
#[derive(Args)]
pub(crate) struct DevCert {
    /// The host names and IP addresses that it is for.
    #[arg(value_name = "HOST", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub(crate) hosts: Vec<String>,
    /// The folder to write to.
    #[arg(long, short, visible_alias = "out", value_name = "FOLDER", default_value = ".")]
    pub(crate) output: PathBuf,
    /// Overwrite what is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Runs the command in `arguments` (the first is the program's name). Exit status: 0, 1 if the command
/// failed, 2 if the arguments are wrong.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match dispatch(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough: `cloakroom schema | head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &Command) -> Result<(), Failure> {
    let environment = Environment::process();
    let mut out = io::stdout().lock();
    match command {
        Command::Run(options) => commands::run(options, &environment),
        Command::Check(options) => commands::check(options, &environment, &mut out),
        Command::Init(options) => commands::init(options, &mut out),
        Command::Schema => commands::schema(&mut out),
        Command::DevCert(options) => commands::dev_cert(options, &mut out),
        Command::Keys(Keys::Generate(options)) => commands::generate_keys(options, &mut out),
        Command::Keys(Keys::Rotate(options)) => {
            commands::rotate_keys(options, &environment, &mut out)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
