//! The npm workspaces: installing, type checks, building.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// The workspace of the demo's page; npm knows that it needs those of the packages.
const PAGE: &str = "demo/web";
/// Where the workspaces of the packages lie.
const PACKAGES: &str = "packages/";

/// npm, at work in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder).args(arguments);
    command
}

/// The command that installs all workspaces' dependencies; `None` where they are as the lock file wants them.
pub(crate) fn install_all(root: &Path) -> Option<Command> {
    let wanted = workspaces(&wanted(root));
    let there = up_to_date(root) && workspaces(&installed(root)).is_superset(&wanted);
    (!there).then(|| npm(root, &["ci"]))
}

/// The command that installs what the demo's page needs; `None` where that is there. An installation of more
/// workspaces is renewed as a whole, as npm takes away what belongs to a workspace that is not named.
pub(crate) fn install_page(root: &Path) -> Option<Command> {
    let there = workspaces(&installed(root));
    if there.iter().any(|folder| folder != PAGE && !folder.starts_with(PACKAGES)) {
        return install_all(root);
    }
    let there = up_to_date(root) && there.contains(PAGE);
    (!there).then(|| npm(root, &["ci", "--workspace", PAGE]))
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

/// What shall be installed.
fn wanted(root: &Path) -> PathBuf {
    root.join("package-lock.json")
}

/// What is installed: npm writes this file at the end of each installation.
fn installed(root: &Path) -> PathBuf {
    root.join("node_modules/.package-lock.json")
}

/// Whether the last installation is younger than what it followed.
fn up_to_date(root: &Path) -> bool {
    let installed = modified(&installed(root));
    installed.is_some() && installed >= modified(&wanted(root))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

/// The folders of the workspaces in a lock file: npm notes each as a link into `node_modules`.
fn workspaces(lock: &Path) -> BTreeSet<String> {
    let lock: Value = std::fs::read(lock)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let entries = lock["packages"].as_object().into_iter().flatten();
    entries
        .filter(|(_, entry)| entry["link"] == true)
        .filter_map(|(_, entry)| entry["resolved"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, SystemTime};

    use serde_json::{Map, json};
    use tempfile::TempDir;

    use super::{install_all, install_page, installed, wanted};

    const PAGE: [&str; 3] = ["packages/client", "packages/vue", "demo/web"];
    const ALL: [&str; 4] = ["packages/client", "packages/vue", "demo/web", "tests"];

    /// A repository whose lock file is `age` seconds older than the installation of these workspaces.
    fn repository(age: u64, workspaces: &[&str]) -> TempDir {
        let root = tempfile::tempdir().expect("a folder");
        write(&wanted(root.path()), &ALL, at(0));
        if !workspaces.is_empty() {
            write(&installed(root.path()), workspaces, at(age));
        }
        root
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn write(lock: &Path, workspaces: &[&str], time: SystemTime) {
        let links = workspaces.iter().map(|folder| {
            (format!("node_modules/{folder}"), json!({ "resolved": folder, "link": true }))
        });
        let mut packages: Map<_, _> = links.collect();
        packages.insert("node_modules/vite".into(), json!({ "version": "8.3.8" }));
        fs::create_dir_all(lock.parent().expect("its folder")).expect("the folder");
        fs::write(lock, json!({ "packages": packages }).to_string()).expect("the file");
        let file = File::options().write(true).open(lock).expect("the file");
        file.set_modified(time).expect("its time");
    }

    fn arguments(command: Option<Command>) -> Option<String> {
        let command = command?;
        let arguments: Vec<_> = command.get_args().map(|it| it.to_string_lossy()).collect();
        Some(arguments.join(" "))
    }

    #[test]
    fn nothing_installed_gets_all_or_what_the_page_needs() {
        let root = repository(0, &[]);
        assert_eq!(arguments(install_all(root.path())).as_deref(), Some("ci"));
        let page = arguments(install_page(root.path()));
        assert_eq!(page.as_deref(), Some("ci --workspace demo/web"));
    }

    #[test]
    fn the_pages_installation_serves_the_page_alone() {
        let root = repository(1, &PAGE);
        assert_eq!(arguments(install_page(root.path())), None);
        assert_eq!(arguments(install_all(root.path())).as_deref(), Some("ci"));
    }

    #[test]
    fn an_installation_of_all_serves_both() {
        let root = repository(1, &ALL);
        assert_eq!(arguments(install_page(root.path())), None);
        assert_eq!(arguments(install_all(root.path())), None);
    }

    #[test]
    fn a_newer_lock_file_asks_for_what_was_installed_before() {
        for (before, page) in [(&PAGE[..], "ci --workspace demo/web"), (&ALL[..], "ci")] {
            let root = repository(0, before);
            write(&wanted(root.path()), &ALL, at(9));
            assert_eq!(arguments(install_page(root.path())).as_deref(), Some(page));
            assert_eq!(arguments(install_all(root.path())).as_deref(), Some("ci"));
        }
    }
}
