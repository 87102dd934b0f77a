//! Values as they are written: with their place in the file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

/// A value and where it stands; a default stands nowhere.
#[derive(Clone, Debug)]
pub(super) struct Written<T> {
    /// The value.
    pub(super) value: T,
    span: Option<Range<usize>>,
}

impl<T> Written<T> {
    /// A value that the file does not state.
    pub(super) fn default(value: impl Into<T>) -> Self {
        Self { value: value.into(), span: None }
    }

    /// The bytes of the file that hold it.
    pub(super) fn at(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// Whether the file states it.
    pub(super) fn is_stated(&self) -> bool {
        self.span.is_some()
    }
}

/// Order is that of the values, wherever they stand.
impl<T: Ord> Ord for Written<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Ord> PartialOrd for Written<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Written<T> {}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { span: Some(spanned.span()), value: spanned.into_inner() })
    }
}

/// For the schema's `default`.
impl<T: Serialize> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A setting with a fixed list of values.
pub(super) trait Choice: Copy + Send + 'static {
    /// Each value: as it is written, as it is meant, and what it does.
    const ALL: &'static [(&'static str, Self, &'static str)];
}

/// The text of a [`Choice`], not yet checked; in the schema, the list of its values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct OneOf<T> {
    /// As written.
    pub(super) text: String,
    #[serde(skip)]
    choice: PhantomData<T>,
}

impl<T: Choice> OneOf<T> {
    /// What is meant, if it is one of the values.
    pub(super) fn meaning(&self) -> Option<T> {
        T::ALL.iter().find(|(text, ..)| *text == self.text).map(|(_, value, _)| *value)
    }
}

impl<T> From<&str> for OneOf<T> {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), choice: PhantomData }
    }
}

impl<T: Choice> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let values: Vec<_> = T::ALL
            .iter()
            .map(|(text, _, does)| serde_json::json!({ "const": text, "description": does }))
            .collect();
        json_schema!({ "type": "string", "oneOf": values })
    }
}
