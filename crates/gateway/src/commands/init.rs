//! `cloakroom init`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::Init;
use crate::commands::Failure;

/// The configuration that `init` writes.
const FIRST: &str = include_str!("init/first.toml");

/// Writes the first configuration and says what to do next.
///
/// # Errors
/// If there is a file already and `--force` is not given, or if it cannot be written.
pub(crate) fn init(options: &Init, out: &mut dyn Write) -> Result<(), Failure> {
    let path = &options.output;
    if !options.force && path.symlink_metadata().is_ok() {
        return Err(Failure::Exists { path: path.clone() });
    }
    write_whole(path, FIRST).map_err(|source| Failure::Write { path: path.clone(), source })?;
    out.write_all(next_steps(path).as_bytes())?;
    Ok(())
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.draft", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = File::create_new(&draft).and_then(|mut file| {
        file.write_all(content.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&draft, path));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed
}

fn next_steps(path: &Path) -> String {
    let shown = path.display();
    let option = if path == Path::new("cloakroom.toml") {
        String::new()
    } else {
        format!(" --config {shown}")
    };
    format!(
        "\
Wrote {shown}. Next:

  1. Edit the lines marked EDIT in it.
  2. At your provider, register these addresses for the client:
       redirect URI         http://localhost:8080/auth/callback/default
       after logout         http://localhost:8080/auth/logged-out
     (`cloakroom check{option}` shows them for your own public url.)
  3. Put the client secret into the environment:
       export OIDC_CLIENT_SECRET=…
  4. See what the configuration does, and what is wrong with it:
       cloakroom check{option}
  5. Start:
       cloakroom run{option}

To have your editor complete and check the keys:
       cloakroom schema > cloakroom.schema.json
"
    )
}
