//! What was found while reading: every mistake, and every weaker choice.

use std::ops::Range;

use super::duration::DurationText;
use super::error::{ConfigError, Mistake};
use super::excerpt::Source;
use super::hidden::Places;
use super::suggest;
use super::warning::Warning;
use super::written::{Choice, OneOf, Written};

/// Collects mistakes and warnings; reading goes on after each of them.
#[derive(Default)]
pub(super) struct Report {
    found: Vec<Found>,
    warnings: Vec<Warning>,
    hidden: Vec<Range<usize>>,
}

/// A mistake in the making.
pub(super) struct Found {
    at: Option<Range<usize>>,
    what: String,
    why: Option<String>,
    write: Option<String>,
}

impl Found {
    /// Why it cannot be.
    pub(super) fn why(&mut self, why: impl Into<String>) -> &mut Self {
        self.why = Some(printable(&why.into()));
        self
    }

    /// What to write instead. Several lines stay several lines.
    pub(super) fn write(&mut self, write: impl Into<String>) -> &mut Self {
        self.write = Some(printable(&write.into()));
        self
    }
}

impl Report {
    /// Notes a mistake; `what` names the key and never holds a secret.
    pub(super) fn wrong(
        &mut self,
        at: Option<Range<usize>>,
        what: impl Into<String>,
    ) -> &mut Found {
        let what = printable(&what.into()).replace('\n', " ");
        self.found.push(Found { at, what, why: None, write: None });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Notes a weaker choice.
    pub(super) fn warn(&mut self, choice: impl Into<String>, opens: impl Into<String>) {
        self.warnings.push(Warning { choice: choice.into(), opens: opens.into() });
    }

    /// Keeps a part of the file out of every excerpt.
    pub(super) fn hide(&mut self, part: Option<Range<usize>>) {
        self.hidden.extend(part);
    }

    /// The meaning of a fixed-list setting; an unknown value is a mistake.
    pub(super) fn choice<T: Choice>(
        &mut self,
        key: &str,
        written: &Written<OneOf<T>>,
    ) -> Option<T> {
        let meaning = written.value.meaning();
        if meaning.is_none() {
            let values = || T::ALL.iter().map(|(text, ..)| *text);
            let why = match suggest::closest(&written.value.text, values()) {
                Some(meant) => format!("did you mean \"{meant}\"? There are these:"),
                None => "there are these:".to_owned(),
            };
            let all: Vec<_> = T::ALL
                .iter()
                .map(|(text, _, does)| format!("{key} = \"{text}\"  # {does}"))
                .collect();
            self.wrong(written.at(), format!("`{key}` has no such value"))
                .why(why)
                .write(all.join("\n"));
        }
        meaning
    }

    /// `value`, if there was no mistake, and the weaker choices in the order of their finding.
    ///
    /// # Errors
    /// If there was a mistake: all of them, in file order; those without a place come last.
    pub(super) fn finish<T>(
        mut self,
        value: Option<T>,
        file: &str,
        text: &str,
        places: Places,
    ) -> Result<(T, Vec<Warning>), ConfigError> {
        match value {
            Some(value) if self.found.is_empty() => return Ok((value, self.warnings)),
            None if self.found.is_empty() => {
                self.wrong(None, "this configuration cannot be used")
                    .why("a check failed without saying why, which is a mistake in Cloakroom");
            }
            _ => {}
        }
        let hidden = [places.hidden, self.hidden].concat();
        let source = Source::new(text, hidden, places.tokens);
        self.found.sort_by_key(|found| found.at.as_ref().map_or(usize::MAX, |at| at.start));
        let mistakes = self.found.into_iter().map(|found| Mistake {
            excerpt: found.at.map(|at| source.excerpt(at)),
            what: found.what,
            why: found.why,
            write: found.write,
        });
        Err(ConfigError::Mistakes { file: file.to_owned(), mistakes: mistakes.collect() })
    }

    /// The duration under `key`; a bad one is a mistake.
    pub(super) fn duration(
        &mut self,
        key: &str,
        written: &Written<DurationText>,
    ) -> Option<std::time::Duration> {
        super::duration::check(written, key, self)
    }
}

/// `text` without control characters, which a key or value may hold by an escape; a line break stays.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}
