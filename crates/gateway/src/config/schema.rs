//! The JSON Schema of the configuration, for editors and for the check of its structure.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::raw::RawConfig;

/// The JSON Schema of `cloakroom.toml`, draft 7 (what the editors' TOML plug-ins read), without
/// references.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let settings = settings.with_transform(WithoutNull).with_transform(OneLine);
    settings.into_generator().into_root_schema_for::<RawConfig>().to_value()
}

/// TOML has no null: an optional key is simply absent.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        let single = object.get("type").and_then(Value::as_array).and_then(|types| {
            let mut named = types.iter().filter(|name| *name != "null");
            named.next().filter(|_| named.next().is_none()).cloned()
        });
        if let Some(single) = single {
            object.insert("type".to_owned(), single);
        }
        if let Some(Value::Array(mut options)) = object.remove("anyOf") {
            options.retain(|option| option["type"] != "null");
            match options.pop() {
                Some(Value::Object(only)) if options.is_empty() => {
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
                Some(last) => {
                    options.push(last);
                    object.insert("anyOf".to_owned(), Value::Array(options));
                }
                None => {}
            }
        }
    }
}

/// A doc comment's line breaks are the source code's, not the description's.
#[derive(Clone)]
struct OneLine;

impl Transform for OneLine {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("\n\n", "\r").replace('\n', " ").replace('\r', "\n\n");
        }
    }
}

/// A part of the schema: what may stand in one place.
#[derive(Clone, Copy)]
pub(super) struct Shape<'s>(&'s Value);

/// What kind of value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text in quotes.
    Text,
    /// `true` or `false`.
    Switch,
    /// A list of values.
    List,
    /// Several tables: `[[name]]`.
    Tables,
    /// One table: `[name]` or `{ … }`.
    Table,
}

impl<'s> Shape<'s> {
    /// The whole document's shape.
    pub(super) fn root(schema: &'s Value) -> Self {
        Self(schema)
    }

    /// What kind of value stands here.
    pub(super) fn kind(self) -> Kind {
        match self.0["type"].as_str() {
            Some("boolean") => Kind::Switch,
            Some("object") => Kind::Table,
            Some("array") if self.0["items"]["type"] == "object" => Kind::Tables,
            Some("array") => Kind::List,
            _ => Kind::Text,
        }
    }

    /// The keys of a table, in the order of the documentation.
    pub(super) fn keys(self) -> impl Iterator<Item = (&'s str, Self)> {
        let keys = self.0["properties"].as_object().into_iter().flatten();
        keys.map(|(name, shape)| (name.as_str(), Self(shape)))
    }

    /// The shape under a key: a stated one, or any in a table that takes every key.
    pub(super) fn key(self, name: &str) -> Option<Self> {
        let stated = self.0["properties"].get(name);
        stated
            .or_else(|| self.0.get("additionalProperties").filter(|any| any.is_object()))
            .map(Self)
    }

    /// Whether every key is taken.
    pub(super) fn is_map(self) -> bool {
        self.0.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// The sections of this document that have the key, and its shape there.
    pub(super) fn homes(self, key: &str) -> impl Iterator<Item = (&'s str, Self)> {
        self.keys().filter_map(move |(section, shape)| {
            let found = shape.key(key).or_else(|| shape.items().key(key));
            found.map(|shape| (section, shape))
        })
    }

    /// The shape of a list's items.
    pub(super) fn items(self) -> Self {
        Self(&self.0["items"])
    }

    /// The keys that a table must have.
    pub(super) fn required(self) -> impl Iterator<Item = &'s str> {
        self.0["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// An example, as it is written in TOML.
    pub(super) fn example(self) -> Option<String> {
        let example = self.0.get("examples").and_then(|examples| examples.get(0));
        example.or_else(|| self.0.get("default")).map(inline)
    }

    /// Whether an example of it fits one line: a table inside of a section.
    pub(super) fn is_inline(self) -> bool {
        self.0.get("examples").is_some()
    }

    /// The first sentence of the description, as part of a sentence.
    pub(super) fn purpose(self) -> String {
        let description = self.0["description"].as_str().unwrap_or_default();
        let first = description.split_once(". ").map_or(description, |(sentence, _)| sentence);
        let first = first.trim_end_matches('.');
        let is_acronym = first.chars().nth(1).is_some_and(char::is_uppercase);
        match first.chars().next().filter(|_| !is_acronym) {
            Some(letter) => letter.to_lowercase().chain(first.chars().skip(1)).collect(),
            None => first.to_owned(),
        }
    }

    /// Whether the text is a duration.
    pub(super) fn is_duration(self) -> bool {
        self.0["format"] == "duration-text"
    }
}

/// A value as it is written in TOML, tables in one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(keys) if !keys.is_empty() => {
            let keys = keys.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}
