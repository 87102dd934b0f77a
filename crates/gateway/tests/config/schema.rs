//! The JSON Schema against the parser.

use cloakroom_gateway::config::json_schema;
use serde_json::Value;

use crate::folder::{Folder, PROVIDER, PUBLIC, ROUTE, SITE, TOKEN_API};

/// A key of the schema: where it is, its name, its schema.
pub(crate) struct Key<'s> {
    /// `[cookie]`, `[[route]]`; empty for the sections themselves.
    pub(crate) section: String,
    /// The table inside of the section that has it; empty for the section itself.
    pub(crate) inside: &'s str,
    pub(crate) name: &'s str,
    pub(crate) schema: &'s Value,
}

/// Every key, those inside of tables too.
pub(crate) fn keys(schema: &Value) -> Vec<Key<'_>> {
    fn collect<'s>(section: &str, inside: &'s str, schema: &'s Value, keys: &mut Vec<Key<'s>>) {
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            keys.push(Key { section: section.to_owned(), inside, name, schema });
            let inside = if section.is_empty() { "" } else { name };
            let heading = match (section, schema["type"].as_str()) {
                ("", Some("array")) => format!("[[{name}]]"),
                ("", _) => format!("[{name}]"),
                _ => section.to_owned(),
            };
            collect(&heading, inside, schema, keys);
            collect(&heading, inside, &schema["items"], keys);
        }
    }
    let mut found = Vec::new();
    collect("", "", schema, &mut found);
    found
}

#[test]
fn every_key_is_described() {
    let schema = json_schema();
    assert_eq!(schema["title"], "Cloakroom");
    let keys = keys(&schema);
    assert!(keys.len() > 35, "the walk finds the keys: {}", keys.len());
    for key in keys {
        let description = key.schema["description"].as_str().unwrap_or_default();
        assert!(description.len() > 15, "{} {}: {description:?}", key.section, key.name);
        assert!(description.ends_with('.'), "{} {}: {description:?}", key.section, key.name);
        let has_value = ["default", "examples"].iter().any(|note| key.schema.get(note).is_some());
        assert!(key.section.is_empty() || has_value, "{} {} shows a value", key.section, key.name);
    }
}

#[test]
fn every_table_refuses_unknown_keys_in_the_schema_and_in_the_parser() {
    let schema = json_schema();
    assert_eq!(schema["additionalProperties"], false);
    for key in keys(&schema) {
        let table = if key.schema["type"] == "array" { &key.schema["items"] } else { key.schema };
        if table.get("properties").is_some() {
            assert_eq!(table["additionalProperties"], false, "{} {}", key.section, key.name);
        }
    }
}

/// A small reading of JSON Schema: the keywords that ours has.
fn fits(value: &toml::Value, schema: &Value) -> Result<(), String> {
    let wrong = || Err(format!("{value} does not fit {schema}"));
    match (schema["type"].as_str(), value) {
        (Some("string"), toml::Value::String(text)) => match schema["oneOf"].as_array() {
            Some(values) if !values.iter().any(|one| one["const"] == text.as_str()) => wrong(),
            _ => Ok(()),
        },
        (Some("boolean"), toml::Value::Boolean(_)) => Ok(()),
        (Some("array"), toml::Value::Array(items)) => {
            items.iter().try_for_each(|item| fits(item, &schema["items"]))
        }
        (Some("object"), toml::Value::Table(table)) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                if required.as_str().is_none_or(|name| !table.contains_key(name)) {
                    return wrong();
                }
            }
            table.iter().try_for_each(|(name, value)| match schema["properties"].get(name) {
                Some(schema) => fits(value, schema),
                None if schema["additionalProperties"].is_object() => {
                    fits(value, &schema["additionalProperties"])
                }
                None => Err(format!("{name} is unknown")),
            })
        }
        _ => wrong(),
    }
}

#[test]
fn the_schema_takes_what_the_parser_takes() {
    let first = include_str!("../../src/commands/init/first.toml").to_owned();
    for toml in [[PUBLIC, PROVIDER, ROUTE, SITE].join("\n"), first] {
        Folder::new().parse(&toml).unwrap();
        let value = toml::Value::Table(toml.parse().unwrap());
        fits(&value, &json_schema()).unwrap();
    }
}

#[test]
fn the_parser_takes_every_default_and_every_listed_value() {
    let schema = json_schema();
    for key in keys(&schema) {
        let listed = key.schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
        let values: Vec<_> = listed.chain(key.schema.get("default")).collect();
        if key.section.is_empty() || values.is_empty() {
            continue;
        }
        for value in values {
            let setting = format!("{} = {value}\n", key.name);
            let toml = match key.section.as_str() {
                _ if key.inside == "access_token" => {
                    let section = "[provider.access_token]\naudience = \"api\"\n";
                    [PUBLIC, PROVIDER, section, &setting, SITE].join("")
                }
                _ if key.inside == "jwt" => {
                    let section = "[session]\nmode = \"jwt\"\n[session.jwt]\n";
                    [PUBLIC, section, &setting, SITE].join("")
                }
                _ if key.inside == "tokens" => {
                    let tokens = format!(", {} }}", setting.trim_end());
                    [PUBLIC, &TOKEN_API.replace(" }", &tokens), ROUTE].join("")
                }
                "[public]" if !key.inside.is_empty() => {
                    [PUBLIC, &format!("[public.{}]\n", key.inside), &setting, SITE].join("")
                }
                "[[provider]]" if setting.contains("token_api") => {
                    [PUBLIC, TOKEN_API, ROUTE].join("\n")
                }
                "[[provider]]" => [PUBLIC, PROVIDER, &setting, SITE].join(""),
                // Where no session is required, there is nothing to say about its absence.
                "[[route]]" => [PUBLIC, PROVIDER, ROUTE, &setting].join(""),
                section => [PUBLIC, SITE, section, "\n", &setting].join(""),
            };
            let toml = toml.replace("= {}", "= { }");
            let config = Folder::new().parse(&toml);
            config.unwrap_or_else(|error| panic!("{} {setting}{error}", key.section));
        }
    }
}
