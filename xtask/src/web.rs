//! The npm workspaces: installing, type checks, building.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// npm, at work in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder).args(arguments);
    command
}

/// The command that installs all dependencies; `None` where they are as the lock file wants them.
pub(crate) fn install(root: &Path) -> Option<Command> {
    // npm writes the second file at the end of each installation.
    let wanted = modified(&root.join("package-lock.json"));
    let installed = modified(&root.join("node_modules/.package-lock.json"));
    (installed.is_none() || wanted > installed).then(|| npm(root, &["ci"]))
}

/// The command that checks the types of all workspaces.
pub(crate) fn check_types(root: &Path) -> Command {
    npm(root, &["run", "check"])
}

/// The command that builds the packages, which all other workspaces use.
pub(crate) fn build_packages(root: &Path) -> Command {
    npm(root, &["run", "build"])
}

/// The command that builds a page into its folder `dist`.
pub(crate) fn build(folder: &Path) -> Command {
    npm(folder, &["run", "build"])
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
