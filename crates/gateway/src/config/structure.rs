//! Whether the document has the sections, keys and types that the schema has.
//!
//! serde would stop at the first of these mistakes. This check reports them all and takes the wrong
//! parts out of the document, so that the rest can still be read and checked.

use std::net::SocketAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::hidden::SECRET_KEYS;
use super::report::Report;
use super::schema::{Kind, Shape};
use super::secret::variable_of;
use super::suggest;

/// Reports what does not fit and removes it. What is left reads without error.
pub(super) fn check(document: &mut DeTable<'_>, shape: Shape<'_>, report: &mut Report) {
    let structure = Structure { root: shape };
    structure.root(document, report);
}

struct Structure<'s> {
    root: Shape<'s>,
}

impl Structure<'_> {
    fn root(&self, document: &mut DeTable<'_>, report: &mut Report) {
        let mut homes = Vec::new();
        rename(document, self.root, |key, value| {
            homes.extend(self.home_of(key.get_ref()));
            self.unknown_section(key, value, report)
        });
        let required = self.root.required();
        let missing = required.filter(|name| !document.contains_key(*name));
        // Whoever reads where a stray key belongs needs no second message about that section.
        let missing: Vec<_> = missing.filter(|name| !homes.contains(name)).collect();
        retain(document, |key, value| {
            let Some(shape) = self.root.key(key) else { return false };
            self.value(key, key, value, shape, report)
        });
        for name in missing {
            self.missing_section(name, report);
        }
    }

    /// Whether the value stays. `section` is the name of the section that holds it.
    fn value(
        &self,
        section: &str,
        key: &str,
        value: &mut Spanned<DeValue<'_>>,
        shape: Shape<'_>,
        report: &mut Report,
    ) -> bool {
        let span = value.span();
        match (shape.kind(), value.get_mut()) {
            (Kind::Text, DeValue::String(_)) | (Kind::Switch, DeValue::Boolean(_)) => true,
            (Kind::List, DeValue::Array(items)) => {
                let mut fits = true;
                for item in items.iter_mut() {
                    fits &= self.value(section, key, item, shape.items(), report);
                }
                fits
            }
            (Kind::Table, DeValue::Table(table)) => {
                self.table(section, key, span, table, shape, report)
            }
            (Kind::Tables, DeValue::Table(table)) => {
                let table = std::mem::take(table);
                wrong_type(key, value, shape, report);
                let single = Spanned::new(span, DeValue::Table(table));
                *value.get_mut() = DeValue::Array(DeArray::from_iter([single]));
                self.value(section, key, value, shape, report)
            }
            (Kind::Tables, DeValue::Array(items))
                if items.iter().all(|item| item.get_ref().is_table()) =>
            {
                for mut item in std::mem::replace(items, DeArray::new()) {
                    let span = item.span();
                    let DeValue::Table(table) = item.get_mut() else { continue };
                    if self.table(section, key, span, table, shape.items(), report) {
                        items.push(item);
                    }
                }
                true
            }
            _ => {
                wrong_type(key, value, shape, report);
                false
            }
        }
    }

    fn table(
        &self,
        section: &str,
        name: &str,
        span: Range<usize>,
        table: &mut DeTable<'_>,
        shape: Shape<'_>,
        report: &mut Report,
    ) -> bool {
        rename(table, shape, |key, _| {
            let inside = (section != name).then_some(name);
            self.unknown_key(section, inside, key, shape, report)
        });
        let missing: Vec<_> = shape.required().filter(|key| !table.contains_key(*key)).collect();
        retain(table, |key, value| {
            let Some(shape) = shape.key(key) else { return false };
            self.value(section, key, value, shape, report)
        });
        for key in missing {
            missing_key(&self.heading(name), &span, key, shape, report);
        }
        shape.required().all(|key| table.contains_key(key))
    }

    /// Reports it, and returns the key that was meant, if that is clear.
    fn unknown_key(
        &self,
        section: &str,
        inside: Option<&str>,
        key: &Spanned<DeString<'_>>,
        shape: Shape<'_>,
        report: &mut Report,
    ) -> Option<String> {
        let name = key.get_ref().as_ref();
        let place = inside.map_or_else(|| self.heading(section), |inside| format!("`{inside}`"));
        let meant = suggest::closest(name, shape.keys().map(|(key, _)| key));
        let found = report.wrong(Some(key.span()), format!("{place} has no key `{name}`"));
        if self.root.key(name).is_some() {
            let heading = self.heading(name);
            found.why("it is a section of its own").write(heading);
            return None;
        }
        if let Some(meant) = meant {
            found.why(format!("did you mean `{meant}`?")).write(format!("{meant} = …"));
        } else if let Some(other) = self.home_of(name).filter(|other| *other != section) {
            let heading = self.heading(other);
            found
                .why(format!("`{name}` belongs to {heading}"))
                .write(format!("{heading}\n{name} = …"));
        } else {
            let keys: Vec<_> = shape.keys().map(|(key, _)| key).collect();
            found
                .why(
                    "a key that nobody reads would be a setting that you only believe to have made",
                )
                .write(format!("one of {}; or leave the line out", keys.join(", ")));
        }
        meant.map(str::to_owned)
    }

    /// Reports it, and returns the section that was meant, if that is clear.
    fn unknown_section(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        report: &mut Report,
    ) -> Option<String> {
        let name = key.get_ref().as_ref();
        let at = Some(key.span());
        let is_section = match value.get_ref() {
            DeValue::Table(_) => true,
            DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
            _ => false,
        };
        let meant = suggest::closest(name, self.root.keys().map(|(name, _)| name));
        if !is_section && let Some(section) = self.home_of(name) {
            let heading = self.heading(section);
            report
                .wrong(at, format!("`{name}` stands outside of any section"))
                .why(format!("it belongs to {heading}"))
                .write(format!("{heading}\n{name} = …"));
        } else if let Some(meant) = meant {
            let heading = self.heading(meant);
            report
                .wrong(at, format!("there is no section `{name}`"))
                .why(format!("did you mean {heading}?"))
                .write(heading);
        } else {
            let all: Vec<_> = self.root.keys().map(|(name, _)| self.heading(name)).collect();
            report
                .wrong(at, format!("there is no section `{name}`"))
                .why("a section that nobody reads would be settings that you only believe to have made")
                .write(format!("one of {}; or leave it out", all.join(", ")));
        }
        meant.filter(|_| is_section).map(str::to_owned)
    }

    fn missing_section(&self, name: &str, report: &mut Report) {
        let Some(shape) = self.root.key(name) else { return };
        report
            .wrong(None, format!("the section {} is missing", self.heading(name)))
            .why(shape.purpose())
            .write(section(name, shape));
    }

    /// The section that has the key, if it is one alone.
    fn home_of(&self, key: &str) -> Option<&str> {
        let mut homes = self.root.homes(key);
        homes.next().map(|(section, _)| section).filter(|_| homes.next().is_none())
    }

    /// `[name]` or `[[name]]`; a table inside a section is `name`.
    fn heading(&self, name: &str) -> String {
        match self.root.key(name).map(Shape::kind) {
            Some(Kind::Tables) => format!("[[{name}]]"),
            Some(_) => format!("[{name}]"),
            None => format!("`{name}`"),
        }
    }
}

/// Hands every unknown key to `unknown`, and puts its value under the key that was meant, if that is
/// clear: so the value's own mistakes are reported too.
fn rename<'d>(
    table: &mut DeTable<'d>,
    shape: Shape<'_>,
    mut unknown: impl FnMut(&Spanned<DeString<'d>>, &Spanned<DeValue<'d>>) -> Option<String>,
) {
    let keys: Vec<_> =
        table.keys().filter(|key| shape.key(key.get_ref()).is_none()).cloned().collect();
    for key in keys {
        let Some(value) = table.remove(key.get_ref().as_ref()) else { continue };
        let meant = unknown(&key, &value).filter(|meant| !table.contains_key(meant.as_str()));
        // A value that may be a secret is not checked, and so not quoted, as anything else.
        let secret = suggest::closest(key.get_ref(), SECRET_KEYS);
        let meant = meant.filter(|meant| secret.is_none_or(|secret| secret == meant));
        if let Some(meant) = meant {
            table.insert(Spanned::new(key.span(), meant.into()), value);
        }
    }
}

/// Keeps what `keep` wants; the map's own `retain` takes no map of spanned keys.
fn retain<'d>(
    table: &mut DeTable<'d>,
    mut keep: impl FnMut(&str, &mut Spanned<DeValue<'d>>) -> bool,
) {
    for (key, mut value) in std::mem::take(table) {
        if keep(key.get_ref(), &mut value) {
            table.insert(key, value);
        }
    }
}

fn missing_key(
    heading: &str,
    span: &Range<usize>,
    key: &str,
    shape: Shape<'_>,
    report: &mut Report,
) {
    let purpose = shape.key(key).map(Shape::purpose).unwrap_or_default();
    report
        .wrong(Some(span.clone()), format!("{heading} has no `{key}`"))
        .why(purpose)
        .write(format!("{}  (below this line)", assignment(key, shape)));
}

/// A section with what it must have.
fn section(name: &str, shape: Shape<'_>) -> String {
    let (heading, shape) = match shape.kind() {
        Kind::Tables => (format!("[[{name}]]"), shape.items()),
        _ => (format!("[{name}]"), shape),
    };
    let keys = shape.required().map(|key| assignment(key, shape));
    std::iter::once(heading).chain(keys).collect::<Vec<_>>().join("\n")
}

fn assignment(key: &str, section: Shape<'_>) -> String {
    let example = section.key(key).and_then(Shape::example);
    format!("{key} = {}", example.unwrap_or_else(|| "…".to_owned()))
}

fn wrong_type(key: &str, value: &Spanned<DeValue<'_>>, shape: Shape<'_>, report: &mut Report) {
    let wanted = match shape.kind() {
        Kind::Text => "text in quotes",
        Kind::Switch => "true or false",
        Kind::List => "a list",
        Kind::Tables => "a section that may come several times",
        Kind::Table => "a table",
    };
    let written = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    if SECRET_KEYS.contains(&key) {
        report
            .wrong(Some(value.span()), format!("`{key}` is written into this file"))
            .why("this file ends up in backups, version control and other people's hands; the secret must not")
            .write(format!(
                "{key} = {{ env = \"{}\" }}  # or {{ file = \"secret.txt\" }}\n\
                 and change the secret at the provider if the file was ever shared",
                variable_of(key)
            ));
        return;
    }
    let brackets = match (shape.kind(), value.get_ref()) {
        (Kind::Tables, DeValue::Table(_)) => {
            Some(("two brackets", "there may be several of it", format!("[[{key}]]")))
        }
        (Kind::Table, DeValue::Array(_)) => {
            Some(("one bracket", "there is one of it", format!("[{key}]")))
        }
        _ => None,
    };
    if let Some((brackets, why, write)) = brackets {
        report
            .wrong(Some(value.span()), format!("the section `{key}` takes {brackets}"))
            .why(why)
            .write(write);
        return;
    }
    let instead = instead(key, value.get_ref(), shape);
    let found = report.wrong(Some(value.span()), format!("`{key}` is {written}, not {wanted}"));
    found.why(match shape.kind() {
        Kind::Text if shape.is_duration() => {
            "a duration is text: one whole number and one unit".to_owned()
        }
        _ => shape.purpose(),
    });
    let example = || match shape.kind() {
        Kind::Table | Kind::Tables if !shape.is_map() && !shape.is_inline() => {
            Some(section(key, shape))
        }
        _ => Some(format!("{key} = {}", shape.example()?)),
    };
    if let Some(instead) = instead.or_else(example) {
        found.write(instead);
    }
}

/// The value in the right type, where it is plain what was meant.
fn instead(key: &str, value: &DeValue<'_>, shape: Shape<'_>) -> Option<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match (shape.kind(), value) {
        (Kind::Text, DeValue::Integer(number)) if shape.is_duration() => {
            Some(format!("{key} = \"{}s\" if seconds are meant", number.as_str()))
        }
        (Kind::Text, DeValue::Integer(number)) => {
            let example = shape.example().unwrap_or_default();
            let example = example.trim_matches('"');
            if let Ok(mut address) = example.parse::<SocketAddr>() {
                address.set_port(number.as_str().parse().unwrap_or(address.port()));
                return Some(format!("{key} = \"{address}\""));
            }
            // No number is a path or a JSON pointer: the example says more.
            (!example.starts_with('/')).then(|| format!("{key} = \"{}\"", number.as_str()))
        }
        (Kind::Switch, DeValue::String(text)) if text == "true" || text == "false" => {
            Some(format!("{key} = {text}"))
        }
        (Kind::List, DeValue::String(text)) => {
            let items: Vec<_> =
                text.split([' ', ',']).filter(|item| !item.is_empty()).map(quoted).collect();
            Some(format!("{key} = [{}]", items.join(", ")))
        }
        _ => None,
    }
}
