//! The programs that the checks need: looked for, installed where that is ours to do, asked for elsewhere.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::paths::Paths;
use crate::programs::{PROGRAMS, Program};
use crate::run::{Log, cargo, output};
use crate::web;

/// The oldest Node.js that Vite 8 runs on.
const NODE: (u32, u32) = (20, 19);
/// The cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "^0.20";

/// Sees that everything is there that the other steps call; fails with all that is missing.
pub(crate) fn ensure(paths: &Paths, log: &mut Log) -> Result<(), Failure> {
    let mut results = vec![system_packages(log)];
    results.extend([rust_components(paths, log), cargo_deny(paths, log), node_found(log)]);
    results.extend(PROGRAMS.iter().map(|it| program(log, it)));
    let missing: Vec<String> =
        results.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::new(missing.join("\n"))) }
}

/// Sees that Node.js and npm are there and new enough.
pub(crate) fn node() -> Result<String, Failure> {
    let wanted = format!("Node.js {}.{} or newer, with npm", NODE.0, NODE.1);
    let install = "install it from https://nodejs.org or with your package manager";
    let version = output(Command::new("node").arg("--version")).ok_or_else(|| {
        Failure::new(format!("{wanted}, is needed, and `node` was not found: {install}"))
    })?;
    if node_version(&version).is_none_or(|found| found < NODE) {
        return Err(Failure::new(format!("{wanted}, is needed, and {version} is here: {install}")));
    }
    let npm = output(&mut web::npm(Path::new("."), &["--version"])).ok_or_else(|| {
        Failure::new(format!("{wanted}, is needed, and `npm` was not found: {install}"))
    })?;
    Ok(format!("node {version}, npm {npm}"))
}

fn rust_components(paths: &Paths, log: &mut Log) -> Result<(), Failure> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let version = || output(cargo(&paths.root).args([subcommand, "--version"]));
        if version().is_none() {
            log.run(Command::new("rustup").args(["component", "add", component])).map_err(
                |_| {
                    Failure::new(format!(
                        "{component} is missing: `rustup component add {component}`"
                    ))
                },
            )?;
        }
        found(log, component, &version().unwrap_or_default())?;
    }
    Ok(())
}

fn cargo_deny(paths: &Paths, log: &mut Log) -> Result<(), Failure> {
    let version = || output(cargo(&paths.root).args(["deny", "--version"]));
    if version().is_none() {
        let install = ["install", "cargo-deny", "--locked", "--version", CARGO_DENY];
        if !debian_root() {
            let install = install.join(" ");
            return Err(Failure::new(format!("cargo-deny is missing: `cargo {install}`")));
        }
        log.run(cargo(&paths.root).args(install))?;
    }
    found(log, "cargo-deny", &version().unwrap_or_default())
}

fn node_found(log: &mut Log) -> Result<(), Failure> {
    found(log, "node", &node()?)
}

/// In one call for everything that Debian has and this machine lacks: each call would read the package lists anew.
fn system_packages(log: &mut Log) -> Result<(), Failure> {
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|it| it.to_install()).map(|it| it.package).collect();
    if node().is_err() {
        packages.extend(["nodejs", "npm"]);
    }
    if packages.is_empty() || !debian_root() {
        return Ok(());
    }
    apt_install(log, &packages)
}

fn program(log: &mut Log, program: &Program) -> Result<(), Failure> {
    found(log, program.name, &program.find()?.display().to_string())
}

fn apt_install(log: &mut Log, packages: &[&str]) -> Result<(), Failure> {
    log.run(Command::new("apt-get").arg("update"))?;
    log.run(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

/// Whether packages are ours to install: on Debian, or a relative of it, as root.
fn debian_root() -> bool {
    Path::new("/etc/debian_version").exists()
        && output(Command::new("id").arg("-u")).is_some_and(|user| user == "0")
}

fn found(log: &mut Log, name: &str, what: &str) -> Result<(), Failure> {
    log.line(format!("{name}: {what}"))
}

/// Major and minor of what `node --version` prints, such as `v20.20.2`.
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::{NODE, node_version};

    #[test]
    fn node_versions_compare_by_number() {
        assert_eq!(node_version("v20.19.0\n"), Some((20, 19)));
        assert!(node_version("v20.9.0").is_some_and(|found| found < NODE));
        assert!(node_version("v100.0.0").is_some_and(|found| found > NODE));
        assert_eq!(node_version("nonsense"), None);
    }
}
