//! The keyring in a file of its own, which its user alone may read.

use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::Path,
};

use cloakroom::cloakroom_core::{key::Keyring, random::Random};

/// Reads the keyring; makes one at the first start. Whoever loses it logs everybody out.
pub(crate) fn open(file: &Path, random: &dyn Random) -> Result<Keyring, Box<dyn Error>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Keyring::parse(&text)?),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let keyring = Keyring::generate(random);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(file)?.write_all(keyring.to_text().as_bytes())?;
            Ok(keyring)
        }
        Err(error) => Err(error.into()),
    }
}
