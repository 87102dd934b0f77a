//! The programs of the end-to-end tests that the system's package manager brings: browsers and what they need.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A program, and how to come by it.
pub(crate) struct Program {
    /// What messages and the log call it.
    pub(crate) name: &'static str,
    /// Where it lies on Debian, or its name where it is looked for in the path.
    place: &'static str,
    /// The variable that may name another place; `tests/support` reads the same.
    variable: Option<&'static str>,
    /// Debian's package.
    pub(crate) package: &'static str,
}

/// All of them.
pub(crate) const PROGRAMS: [Program; 6] = [
    Program {
        name: "Chromium",
        place: "/usr/bin/chromium",
        variable: Some("CHROMIUM"),
        package: "chromium",
    },
    Program {
        name: "Firefox",
        place: "/usr/bin/firefox-esr",
        variable: Some("FIREFOX"),
        package: "firefox-esr",
    },
    Program {
        name: "WebKitWebDriver",
        place: "/usr/bin/WebKitWebDriver",
        variable: Some("WEBKIT_DRIVER"),
        package: "webkit2gtk-driver",
    },
    // WebKit's browser knows no headless mode, so it gets a display that nobody looks at.
    Program { name: "Xvfb", place: "Xvfb", variable: None, package: "xvfb" },
    Program { name: "xauth", place: "xauth", variable: None, package: "xauth" },
    // Tells the browsers to trust the tests' own authority.
    Program { name: "certutil", place: "certutil", variable: None, package: "libnss3-tools" },
];

impl Program {
    /// The place that the person chose.
    fn chosen(&self) -> Option<PathBuf> {
        std::env::var_os(self.variable?).map(PathBuf::from)
    }

    /// Whether its package would help.
    pub(crate) fn to_install(&self) -> bool {
        self.chosen().is_none() && usual(self.place).is_none()
    }

    /// Where it lies; fails with what to do.
    pub(crate) fn find(&self) -> Result<PathBuf, Failure> {
        if let (Some(variable), Some(path)) = (self.variable, self.chosen()) {
            return if path.is_file() {
                Ok(path)
            } else {
                let path = path.display();
                Err(Failure::new(format!("{variable} names {path}, and no such file is there")))
            };
        }
        usual(self.place).ok_or_else(|| {
            let Self { name, package, .. } = self;
            let set = self.variable.map_or(String::new(), |it| format!(", or set {it} to its path"));
            Failure::new(format!(
                "the end-to-end tests need {name}: install it (on Debian: `apt-get install {package}`){set}"
            ))
        })
    }
}

/// The file at a place, or of that name in a folder of the path.
fn usual(place: &str) -> Option<PathBuf> {
    let file = PathBuf::from(place);
    if file.is_absolute() {
        return file.is_file().then_some(file);
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(Path::new(place).with_extension(std::env::consts::EXE_EXTENSION)))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::{Program, usual};

    #[test]
    fn a_missing_program_is_told_with_its_package_and_its_variable() {
        let program = Program {
            name: "Lynx",
            place: "/nowhere/lynx",
            variable: Some("CLOAKROOM_TEST_LYNX"),
            package: "lynx",
        };
        assert!(program.to_install());
        let failure = program.find().expect_err("it is nowhere").to_string();
        assert!(
            failure.contains("apt-get install lynx") && failure.contains("CLOAKROOM_TEST_LYNX"),
            "{failure}"
        );
    }

    #[test]
    fn a_name_is_looked_for_in_the_path() {
        assert!(usual("cargo").is_some());
        assert!(usual("no-such-program").is_none());
    }
}
