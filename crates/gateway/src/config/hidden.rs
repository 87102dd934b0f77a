//! Which parts of the file must not be shown again.
//!
//! Shown are the values of known keys that hold no secret. Everything else may be one: a secret under
//! a misspelled key, a secret in a stray value. So this is a list of what may be shown, not of what may not.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema::{Kind, Shape};

/// Keys whose value, written plainly, is a secret.
pub(super) const SECRET_KEYS: [&str; 2] = ["client_secret", "shared_secret"];

/// The shape of a section's key. Not of `env`: whoever misplaces it may have put the secret itself
/// behind it, not a variable's name.
fn elsewhere<'s>(key: &str, root: Shape<'s>) -> Option<Shape<'s>> {
    root.homes(key).next().map(|(_, shape)| shape).filter(|_| key != "env")
}

/// Whether a text, for want of a quote and a line break, has the next line with a secret in it.
fn swallows_secret(value: &DeValue<'_>) -> bool {
    let DeValue::String(text) = value else { return false };
    let text = text.to_lowercase();
    text.contains('=') && text.contains("secret")
}

/// The places of keys and values, and those of them to hide.
#[derive(Default)]
pub(super) struct Places {
    /// Every key and every value that is not a table or list.
    pub(super) tokens: Vec<Range<usize>>,
    /// Values to hide.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Places {
    /// The places in a document.
    pub(super) fn of(document: &DeTable<'_>, root: Shape<'_>) -> Self {
        let mut places = Self::default();
        places.table(document, Some(root), root);
        places
    }

    /// Shows again what the check of the structure has put under the key that was meant.
    pub(super) fn trust(&mut self, checked: &DeTable<'_>, shape: Shape<'_>) {
        let checked = Self::of(checked, shape);
        let known = |value: &Range<usize>| {
            checked.tokens.contains(value) && !checked.hidden.contains(value)
        };
        self.hidden.retain(|value| !known(value));
    }

    /// `shape` is absent where nothing is known about the table.
    fn table(&mut self, table: &DeTable<'_>, shape: Option<Shape<'_>>, root: Shape<'_>) {
        for (key, value) in table {
            self.tokens.push(key.span());
            let name = key.get_ref();
            // A key that belongs to another section is known too.
            let known = shape
                .filter(|shape| !shape.is_map())
                .and_then(|shape| shape.key(name).or_else(|| elsewhere(name, root)));
            let plain = SECRET_KEYS.contains(&name.as_ref()) && !value.get_ref().is_table();
            self.value(value, known.filter(|_| !plain), root);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, shape: Option<Shape<'_>>, root: Shape<'_>) {
        match value.get_ref() {
            DeValue::Table(table) => {
                let shape = shape.and_then(|shape| match shape.kind() {
                    Kind::Table => Some(shape),
                    // One bracket too few: its keys are still the section's.
                    Kind::Tables => Some(shape.items()),
                    _ => None,
                });
                self.table(table, shape, root);
            }
            DeValue::Array(items) => {
                let lists = [Kind::List, Kind::Tables];
                let shape = shape.filter(|shape| lists.contains(&shape.kind()));
                for item in items {
                    self.value(item, shape.map(Shape::items), root);
                }
            }
            _ => {
                self.tokens.push(value.span());
                if shape.is_none() || swallows_secret(value.get_ref()) {
                    self.hidden.push(value.span());
                }
            }
        }
    }

    /// Where the file is not TOML, its places are guesses: from each line, only what certainly is a
    /// section's name, a key, or a known key's only value is shown.
    pub(super) fn distrust(&mut self, text: &str, root: Shape<'_>) {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let shown = self.certain(line, start, root);
            self.hidden.push(start + shown..start + line.trim_end().len());
            start += line.len();
        }
    }

    /// How many bytes of the beginning of the line, which starts at `at`, may be shown.
    fn certain(&self, line: &str, at: usize, root: Shape<'_>) -> usize {
        let start = line.len() - line.trim_start().len();
        let rest = &line[start..];
        let name = rest.trim_start_matches('[');
        let brackets = rest.len() - name.len();
        let word = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let (word, tail) = name.split_at(word.unwrap_or(name.len()));
        if brackets > 0 {
            let closing = tail.len() - tail.trim_start_matches(']').len();
            return start + brackets + word.len() + closing;
        }
        let is_key = self.tokens.contains(&(at + start..at + start + word.len()));
        let lower = line.to_lowercase();
        let suspicious = ["secret", "password", "token", "#"].iter().any(|word| lower.contains(word))
                || rest.matches('=').count() > 1
                // A second value: the next line's, for want of a line break.
                || rest.matches('"').count() > 2;
        match (elsewhere(word, root), tail.trim_start().starts_with('=')) {
            (Some(_), _) if !suspicious => line.trim_end().len(),
            (Some(_), _) => start + word.len(),
            (None, true) if is_key => start + word.len(),
            _ => start,
        }
    }
}
