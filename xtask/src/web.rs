//! The npm projects: installing, type checks, building.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::paths::Paths;

/// The npm projects of this repository, as far as they are there.
pub(crate) fn projects(paths: &Paths) -> Vec<PathBuf> {
    [paths.demo_web(), paths.end_to_end()]
        .into_iter()
        .filter(|folder| folder.join("package.json").is_file())
        .collect()
}

/// npm, at work in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder).args(arguments);
    command
}

/// The command that installs a project's dependencies; `None` where they are as the lock file wants them.
pub(crate) fn install(folder: &Path) -> Option<Command> {
    // npm writes the second file at the end of each installation.
    let wanted = modified(&folder.join("package-lock.json"));
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    (installed.is_none() || wanted > installed)
        .then(|| npm(folder, &["ci", "--no-audit", "--no-fund"]))
}

/// The command that checks a project's types.
pub(crate) fn check_types(folder: &Path) -> Command {
    npm(folder, &["run", "check"])
}

/// The command that builds a page into its folder `dist`.
pub(crate) fn build(folder: &Path) -> Command {
    npm(folder, &["run", "build"])
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
