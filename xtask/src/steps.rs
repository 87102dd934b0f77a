//! What `cargo verify` does, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::failure::{Failure, While};
use crate::paths::Paths;
use crate::run::{Log, cargo, output};
use crate::{tools, web};

/// How a step that found no fault ended.
pub(crate) enum Outcome {
    /// Everything was looked at and is as it should be.
    Passed,
    /// Nothing could be looked at, for this reason.
    Skipped(String),
}

/// One step.
pub(crate) struct Step {
    /// The name that `--only` takes.
    pub(crate) name: &'static str,
    /// What it checks, in a few words.
    pub(crate) about: &'static str,
    /// The steps without whose success this one would say nothing new.
    pub(crate) needs: &'static [&'static str],
    /// Its work; all output goes to the log.
    pub(crate) work: fn(&Paths, &mut Log) -> Result<Outcome, Failure>,
}

/// All steps, in their order: what is quick and fails often comes first, and every build is made once.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "tools", about: "the programs that the checks need", needs: &[], work: tools },
    Step { name: "fmt", about: "formatting", needs: &[], work: fmt },
    Step { name: "clippy", about: "lints, warnings are errors", needs: &[], work: clippy },
    Step { name: "doc", about: "documentation without broken links", needs: &[], work: doc },
    Step { name: "deny", about: "licences, bans, sources", needs: &[], work: deny },
    Step { name: "advisories", about: "known vulnerabilities", needs: &[], work: advisories },
    Step { name: "build", about: "all programs and tests", needs: &[], work: build },
    Step { name: "test", about: "unit tests and doctests", needs: &["build"], work: test },
    Step { name: "fuzz", about: "fuzz targets over their seeds", needs: &[], work: fuzz },
    Step { name: "npm", about: "the npm workspaces' dependencies", needs: &[], work: npm },
    Step {
        name: "packages",
        about: "the npm packages: unit tests, form, size",
        needs: &["npm"],
        work: packages,
    },
    Step { name: "types", about: "TypeScript", needs: &["packages"], work: types },
    Step { name: "site", about: "the demo's page", needs: &["packages"], work: site },
    Step {
        name: "e2e",
        about: "end to end in real browsers",
        needs: &["build", "packages", "site"],
        work: end_to_end,
    },
];

fn tools(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    tools::ensure(paths, log)?;
    Ok(Outcome::Passed)
}

fn fmt(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(cargo(&paths.root).args(["fmt", "--all", "--check", "--", "--color=never"]))?;
    Ok(Outcome::Passed)
}

fn clippy(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    log.run(cargo(&paths.root).args(arguments))?;
    Ok(Outcome::Passed)
}

fn doc(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(cargo(&paths.root).env("RUSTDOCFLAGS", "--deny warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
    ]))?;
    Ok(Outcome::Passed)
}

fn deny(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(cargo(&paths.root).args(["deny", "check", "bans", "licenses", "sources"]))?;
    Ok(Outcome::Passed)
}

/// The database is a git repository of its own: where that cannot be reached there is nothing to compare with,
/// which is not our fault. A fetched database's word counts.
fn advisories(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    if let Err(failure) = log.run(cargo(&paths.root).args(["deny", "fetch", "db"])) {
        let text = log.text();
        if !text.contains("failed to fetch advisory database") {
            return Err(failure);
        }
        let reason = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Ok(Outcome::Skipped(format!("no advisory database: {reason}")));
    }
    log.run(cargo(&paths.root).args(["deny", "check", "--disable-fetch", "advisories"]))?;
    Ok(Outcome::Passed)
}

/// `--all-targets` as the tests want it: with other targets, cargo would choose other features of
/// the dependencies and build them a second time.
fn build(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(cargo(&paths.root).args(["build", "--workspace", "--all-targets"]))?;
    Ok(Outcome::Passed)
}

fn test(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(cargo(&paths.root).args(["test", "--workspace", "--no-fail-fast"]))?;
    Ok(Outcome::Passed)
}

/// Each target once over each of its seeds, without instrumentation: that they build, and that no old
/// finding is back. The search for new ones is `fuzz/README.md`'s.
fn fuzz(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    if output(Command::new("c++").arg("--version")).is_none() {
        return Ok(Outcome::Skipped("no C++ compiler, which libFuzzer is built with".to_owned()));
    }
    let folder = paths.root.join("fuzz");
    for (target, seeds) in
        seeds(&folder.join("seeds")).cannot("read the seeds of the fuzz targets")?
    {
        let run = ["run", "--quiet", "--bin", &target, "--"];
        log.run(cargo(&folder).args(run).args(seeds))?;
    }
    Ok(Outcome::Passed)
}

/// Each target's name with its seeds, in a fixed order.
fn seeds(folder: &Path) -> io::Result<BTreeMap<String, BTreeSet<PathBuf>>> {
    let mut seeds = BTreeMap::new();
    for target in fs::read_dir(folder)? {
        let target = target?;
        let files = fs::read_dir(target.path())?.map(|file| Ok(file?.path()));
        let files: io::Result<BTreeSet<_>> = files.collect();
        seeds.insert(target.file_name().to_string_lossy().into_owned(), files?);
    }
    Ok(seeds)
}

fn npm(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    match web::install_all(&paths.root) {
        Some(mut command) => log.run(&mut command)?,
        None => log.line("up to date")?,
    }
    Ok(Outcome::Passed)
}

/// As the pages and tests use them, and as an application gets them.
fn packages(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(&mut web::build_packages(&paths.root))?;
    for script in ["test", "packed", "size"] {
        log.run(&mut web::npm(&paths.root, &["run", script]))?;
    }
    Ok(Outcome::Passed)
}

fn types(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(&mut web::check_types(&paths.root))?;
    Ok(Outcome::Passed)
}

fn site(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(&mut web::build(&paths.demo_web()))?;
    Ok(Outcome::Passed)
}

fn end_to_end(paths: &Paths, log: &mut Log) -> Result<Outcome, Failure> {
    log.run(
        web::npm(&paths.end_to_end(), &["test"])
            .env("CLOAKROOM_BIN", paths.gateway())
            .env("CLOAKROOM_DEMO_BIN", paths.demo()),
    )?;
    Ok(Outcome::Passed)
}
