//! `[keys]`: where the keyring is.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cloakroom_core::key::Keyring;
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::environment::Environment;
use super::report::{Found, Report};
use super::written::Written;

/// Where the keyring is.
#[derive(Clone, Debug)]
pub enum KeysConfig {
    /// `keyring` in the data folder, which the first start makes.
    DataDir,
    /// This file, which was there and right when the configuration was read.
    File(PathBuf),
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
        /// Its value.
        keyring: Keyring,
    },
}

/// Where the keyring is, which seals sessions and everything else that leaves the gateway.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("maxProperties" = 1))]
pub(super) struct RawKeys {
    /// The file that holds the keyring; `cloakroom keys generate` makes one. A gateway of its own needs
    /// none: its keyring is made in `data_dir`.
    #[schemars(example = &"keyring")]
    file: Option<Written<String>>,
    /// The name of the environment variable that holds the keyring.
    #[schemars(example = &"CLOAKROOM_KEYS")]
    env: Option<Written<String>>,
}

impl RawKeys {
    /// The keyring's file, if one is named, and where.
    pub(super) fn file(&self, folder: &Path) -> Option<(PathBuf, &Written<String>)> {
        self.file.as_ref().map(|file| (folder.join(&file.value), file))
    }

    pub(super) fn check(
        &self,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<KeysConfig> {
        match (&self.file, &self.env) {
            (None, None) => Some(KeysConfig::DataDir),
            (Some(file), None) => check_file(file, folder, report),
            (None, Some(name)) => check_environment(name, environment, report),
            (Some(_), Some(name)) => {
                report
                    .wrong(name.at(), "[keys] has two sources")
                    .why("a keyring comes from one place")
                    .write("file = \"keyring\"  # or env = \"CLOAKROOM_KEYS\"");
                None
            }
        }
    }
}

fn check_file(file: &Written<String>, folder: &Path, report: &mut Report) -> Option<KeysConfig> {
    let path = folder.join(&file.value);
    let (what, why) = match fs::read(&path).map(|bytes| String::from_utf8(bytes).map(Zeroizing::new)) {
        Ok(Ok(text)) => match Keyring::parse(&text) {
            Ok(_) => return Some(KeysConfig::File(path)),
            Err(fault) => ("cannot be used".to_owned(), fault.to_string()),
        },
        Ok(Err(_)) => ("is not text".to_owned(), "a keyring has one key a line".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => (
            "does not exist".to_owned(),
            "relative paths start at the folder of this file; a keyring that is named is never made by the way".to_owned(),
        ),
        Err(error) => (
            format!("cannot be read ({})", error.kind()),
            "the gateway reads it as the user it runs as".to_owned(),
        ),
    };
    let found = report.wrong(file.at(), format!("the file of [keys] {what}"));
    made_by(found.why(why), &format!("cloakroom keys generate --output {}", path.display()));
    None
}

fn check_environment(
    name: &Written<String>,
    environment: &Environment,
    report: &mut Report,
) -> Option<KeysConfig> {
    let variable = &name.value;
    let plain = variable.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !plain || variable.is_empty() {
        // It may be the keyring itself: it is not shown.
        report.hide(name.at());
        report
            .wrong(name.at(), "`env` is not the name of an environment variable")
            .why("the variable holds the keyring, the configuration only its name")
            .write("env = \"CLOAKROOM_KEYS\", with the keyring in that variable");
        return None;
    }
    let (what, why) = match environment.get(variable).map(|value| value.into_string()) {
        Some(Ok(text)) => match Keyring::parse(&Zeroizing::new(text)) {
            Ok(keyring) => {
                return Some(KeysConfig::Environment { variable: variable.clone(), keyring });
            }
            Err(fault) => ("cannot be used", fault.to_string()),
        },
        Some(Err(_)) => ("is not UTF-8", "a keyring is text".to_owned()),
        None => ("is not set", "[keys] comes from there".to_owned()),
    };
    let found = report.wrong(name.at(), format!("the environment variable {variable} {what}"));
    made_by(found.why(why), &format!("{variable}=\"$(cloakroom keys generate)\""));
    None
}

fn made_by(found: &mut Found, command: &str) {
    found.write(format!(
        "the right keyring back, or a new one, which logs everybody out:\n{command}"
    ));
}
