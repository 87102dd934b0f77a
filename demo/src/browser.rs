//! Opens the page in the person's browser.

use std::process::{Command, Stdio};

/// Asks the desktop to open `url`; a machine without a desktop just does not.
pub(crate) fn open(url: &str) {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let _ = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
