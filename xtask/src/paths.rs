//! Where things lie: the repository, the built binaries, the logs.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, While};

/// The folders that the commands work in.
pub(crate) struct Paths {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Cargo's target folder: the one that this program was built into.
    target: PathBuf,
}

impl Paths {
    /// Finds the repository through this crate's place in it, and the target folder through this program's.
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root =
            manifest.parent().ok_or_else(|| Failure::new("xtask lies outside a workspace"))?;
        let program = std::env::current_exe().cannot("find the path of this program")?;
        // <target>/<profile>/xtask
        let target = program
            .parent()
            .and_then(Path::parent)
            .ok_or_else(|| Failure::new("xtask was not built by cargo"))?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// The gateway, as a development build leaves it.
    pub(crate) fn gateway(&self) -> PathBuf {
        self.binary("cloakroom")
    }

    /// The demo's program: provider, API and gateway in one command.
    pub(crate) fn demo(&self) -> PathBuf {
        self.binary("cloakroom-demo")
    }

    /// The npm project of the demo's page.
    pub(crate) fn demo_web(&self) -> PathBuf {
        self.root.join("demo/web")
    }

    /// The demo's page as built.
    pub(crate) fn demo_site(&self) -> PathBuf {
        self.demo_web().join("dist")
    }

    /// The npm project of the end-to-end tests.
    pub(crate) fn end_to_end(&self) -> PathBuf {
        self.root.join("tests")
    }

    /// Where each step of `cargo verify` leaves what it printed.
    pub(crate) fn logs(&self) -> PathBuf {
        self.target.join("verify")
    }

    fn binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}
