//! What is wrong with a configuration, told to the person who wrote it.

use std::fmt;
use std::io;

use super::excerpt::Excerpt;

/// Why there is no configuration.
///
/// `Display` is meant to be read at a terminal: several lines, each mistake with its place, the line,
/// the reason and what to write instead. No value of a secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file.
    #[error(
        "there is no configuration at {file}\n  write  `cloakroom init` makes a first one; `--config <path>` or CLOAKROOM_CONFIG names another place"
    )]
    Missing {
        /// As it was named.
        file: String,
    },
    /// The file cannot be read.
    #[error("the configuration {file} cannot be read: {source}")]
    Unreadable {
        /// As it was named.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The file was read and is wrong.
    #[error("{}", Listing { file, mistakes })]
    Mistakes {
        /// As it was named.
        file: String,
        /// At least one, in file order.
        mistakes: Vec<Mistake>,
    },
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub(super) excerpt: Option<Excerpt>,
    pub(super) what: String,
    pub(super) why: Option<String>,
    pub(super) write: Option<String>,
}

impl Mistake {
    /// Line and column, both from 1, if the mistake is at a place and not something that is absent.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.excerpt.as_ref().map(|excerpt| (excerpt.line, excerpt.column))
    }

    /// What is wrong, in one line.
    pub fn what(&self) -> &str {
        &self.what
    }

    fn render(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        match &self.excerpt {
            Some(excerpt) => {
                writeln!(f, "{file}:{}:{}: {}", excerpt.line, excerpt.column, self.what)?;
                write!(f, "{excerpt}")?;
            }
            None => write!(f, "{file}: {}", self.what)?,
        }
        for (label, text) in [("why", &self.why), ("write", &self.write)] {
            let Some(text) = text else { continue };
            for (index, line) in text.lines().enumerate() {
                let label = if index == 0 { label } else { "" };
                write!(f, "\n  {label:5}  {line}")?;
            }
        }
        Ok(())
    }
}

struct Listing<'a> {
    file: &'a str,
    mistakes: &'a [Mistake],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                write!(f, "\n\n")?;
            }
            mistake.render(f, self.file)?;
        }
        Ok(())
    }
}
