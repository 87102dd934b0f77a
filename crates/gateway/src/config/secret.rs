//! Secrets, which come from the environment or from a file of their own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cloakroom_core::secret::Token;
use schemars::JsonSchema;
use serde::Deserialize;

use super::environment::Environment;
use super::report::Report;
use super::written::Written;

/// Where a secret comes from: `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct RawSecret {
    /// The name of the environment variable that holds the secret.
    #[schemars(example = &"OIDC_CLIENT_SECRET")]
    env: Option<Written<String>>,
    /// The file that holds the secret, and nothing else. A line break at its end does not count.
    #[schemars(example = &"secret.txt")]
    file: Option<Written<String>>,
}

impl Written<RawSecret> {
    /// The secret's file, and where it is named.
    pub(super) fn file(&self, folder: &Path) -> Option<(PathBuf, &Written<String>)> {
        self.value.file.as_ref().map(|file| (folder.join(&file.value), file))
    }

    /// Reads the secret of the key `key`.
    pub(super) fn read(
        &self,
        key: &str,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<Token> {
        match (&self.value.env, &self.value.file) {
            (Some(name), None) => from_environment(key, name, environment, report),
            (None, Some(file)) => from_file(key, file, folder, report),
            (both, _) => {
                let what = if both.is_some() { "has two sources" } else { "has no source" };
                report
                    .wrong(self.at(), format!("`{key}` {what}"))
                    .why("a secret comes from one place")
                    .write(format!(
                        "{key} = {{ env = \"{}\" }}  # or {{ file = \"secret.txt\" }}",
                        variable_of(key)
                    ));
                None
            }
        }
    }
}

fn from_environment(
    key: &str,
    name: &Written<String>,
    environment: &Environment,
    report: &mut Report,
) -> Option<Token> {
    let variable = &name.value;
    // What does not look like a variable's name may be the secret itself: it is not shown.
    let plain = variable.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let shown = if plain && !variable.is_empty() { variable.as_str() } else { "named there" };
    if !plain {
        report.hide(name.at());
    }
    let (what, write) = match environment.get(variable).map(|value| value.into_string()) {
        Some(Ok(secret)) if !secret.trim().is_empty() => return Some(Token::new(secret)),
        Some(Ok(_)) => ("is empty", "a value"),
        Some(Err(_)) => ("is not UTF-8", "a value in UTF-8"),
        None => ("is not set", "a value"),
    };
    let found = report.wrong(name.at(), format!("the environment variable {shown} {what}"));
    found.why(format!(
        "`{key}` comes from there; it holds the secret, the configuration only its name"
    ));
    if plain {
        found.write(format!(
            "{variable}=… cloakroom run  ({write}, in the environment of the gateway)"
        ));
    } else {
        found.write(format!(
            "{key} = {{ env = \"{}\" }}, with the secret in that variable",
            variable_of(key)
        ));
    }
    None
}

fn from_file(
    key: &str,
    file: &Written<String>,
    folder: &Path,
    report: &mut Report,
) -> Option<Token> {
    let path = folder.join(&file.value);
    let (what, why) = match fs::read(&path).map(String::from_utf8) {
        Ok(Ok(mut secret)) => {
            let end = secret.trim_end_matches(['\r', '\n']).len();
            secret.truncate(end);
            if secret.trim().is_empty() {
                ("is empty".to_owned(), "the file holds the secret and nothing else")
            } else if secret.contains(['\n', '\r', '\0']) {
                ("has several lines".to_owned(), "the file holds the secret and nothing else")
            } else {
                if others_may(&path, 0o006) {
                    report.warn(
                        format!(
                            "{key} file `{}` is open to every user of this machine",
                            file.value
                        ),
                        format!("whoever reads it can {}; chmod 600 {}", power_of(key), file.value),
                    );
                }
                return Some(Token::new(secret));
            }
        }
        Ok(Err(_)) => {
            ("is not UTF-8 text".to_owned(), "the file holds the secret and nothing else")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            ("does not exist".to_owned(), "relative paths start at the folder of this file")
        }
        Err(error) => (
            format!("cannot be read ({})", error.kind()),
            "the gateway reads it as the user it runs as",
        ),
    };
    report.wrong(file.at(), format!("the file of `{key}` {what}")).why(why).write(format!(
        "the secret into that file, or {key} = {{ env = \"{}\" }}",
        variable_of(key)
    ));
    None
}

/// A name for the environment variable of the secret `key`, in examples.
pub(super) fn variable_of(key: &str) -> &'static str {
    match key {
        "shared_secret" => "JWT_SECRET",
        _ => "OIDC_CLIENT_SECRET",
    }
}

/// What the secret `key` lets people do.
fn power_of(key: &str) -> &'static str {
    match key {
        "shared_secret" => "sign tokens that the gateway believes",
        _ => "act as this client at the provider",
    }
}

/// Whether users other than the owner and its group have one of the permissions in `mode`.
#[cfg(unix)]
pub(super) fn others_may(path: &Path, mode: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & mode != 0)
}

/// Only Unix permissions are understood.
#[cfg(not(unix))]
pub(super) fn others_may(_: &Path, _: u32) -> bool {
    false
}
