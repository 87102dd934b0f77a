//! `cloakroom keys`.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use cloakroom::{Clock as _, SystemClock};
use cloakroom_core::key::Keyring;
use cloakroom_core::random::OsRandom;

use crate::cli::{GenerateKeys, RotateKeys};
use crate::commands::Failure;
use crate::config::{Config, Environment, KeysConfig, LONGEST_SESSION, show_duration};
use crate::keyring::{self, Lock};

/// Makes a keyring of one fresh key.
///
/// # Errors
/// If there is a file already, or the keyring cannot be written.
pub(crate) fn generate(options: &GenerateKeys, out: &mut dyn Write) -> Result<(), Failure> {
    let keyring = Keyring::generate(&OsRandom::default());
    let Some(path) = &options.output else {
        out.write_all(keyring.to_text().as_bytes())?;
        return Ok(());
    };
    let shown = path.display();
    keyring::create(path, &keyring).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::KeyringExists { path: path.clone() },
        _ => Failure::Write { path: path.clone(), source },
    })?;
    write!(
        out,
        "\
Wrote {shown}, which only you may read. The gateway uses it with

  [keys]
  file = \"{shown}\"

Keep a copy in a safe place: without it everybody is logged out.
"
    )?;
    Ok(())
}

/// Lets another key seal, or prepares one that will.
///
/// # Errors
/// If the configuration or the keyring is wrong, or the keyring cannot be replaced.
pub(crate) fn rotate(
    options: &RotateKeys,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if let Some(file) = &options.file {
        return in_file(file, options, LONGEST_SESSION, out);
    }
    let config = Config::load(&options.config.config, environment)?;
    let longest = config.session.absolute_timeout;
    match (&config.keys, keyring::path(&config)) {
        (KeysConfig::Environment { variable, keyring }, _) => {
            let (keyring, done) = change(keyring, options, longest)?;
            out.write_all(keyring.to_line().as_bytes())?;
            out.write_all(b"\n")?;
            // The output is the keyring alone, so that a script can take it.
            let _ = writeln!(
                io::stderr(),
                "{done}\nThis is the new value of {variable}: put it there, and start the gateway anew."
            );
            Ok(())
        }
        (_, Some(file)) => in_file(&file, options, longest, out),
        (_, None) => unreachable!("a keyring is in a file or in the environment"),
    }
}

fn in_file(
    path: &Path,
    options: &RotateKeys,
    longest: Duration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let replaced = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Failure::NoKeyring { path: path.to_owned() },
        _ => Failure::Replace { path: path.to_owned(), source },
    };
    let lock = Lock::of(path).map_err(replaced)?;
    let (keyring, done) = change(&keyring::read(path)?, options, longest)?;
    keyring::replace(path, &keyring, &lock).map_err(replaced)?;
    writeln!(out, "{}: {done}", path.display())?;
    writeln!(out, "A running gateway takes it over within two seconds; SIGHUP makes it at once.")?;
    Ok(())
}

/// The keyring as it is to be, and what was done to it.
fn change(
    keyring: &Keyring,
    options: &RotateKeys,
    longest: Duration,
) -> Result<(Keyring, String), Failure> {
    let random = OsRandom::default();
    if options.prepare {
        let keyring = keyring.prepared(&random).ok_or(Failure::PreparedAlready)?;
        let done = "a key is prepared: it opens, and seals after the next `cloakroom keys rotate`.\n\
                    Give the keyring to every gateway before that.";
        return Ok((keyring, done.to_owned()));
    }
    let keep = options.keep.unwrap_or(longest);
    let rotated = keyring.rotate(&random, SystemClock.now(), keep);
    let which = if rotated.was_prepared { "the prepared" } else { "a new" };
    let older = rotated.keyring.count() - 1;
    let mut done =
        format!("{which} key seals from now on. Older ones that go on opening: {older}.");
    if rotated.dropped > 0 {
        let (dropped, keep) = (rotated.dropped, show_duration(keep));
        done.push_str(&format!("\n{dropped} that sealed nothing for {keep} are dropped."));
    }
    Ok((rotated.keyring, done))
}
