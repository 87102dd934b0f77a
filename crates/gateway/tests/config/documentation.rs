//! `docs/configuration.md` against the schema.

use cloakroom_gateway::config::json_schema;
use serde_json::Value;

use crate::schema::keys;

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");
const README: &str = include_str!("../../../../README.md");

/// The part of the reference below the heading of a section.
fn section(heading: &str) -> &str {
    let start = REFERENCE.find(&format!("\n## `{heading}`"));
    let body = &REFERENCE[start.unwrap_or_else(|| panic!("a heading for {heading}")) + 1..];
    body.find("\n## ").map_or(body, |end| &body[..end])
}

#[test]
fn every_key_is_in_the_reference_with_its_default_and_values() {
    let schema = json_schema();
    for key in keys(&schema).iter().filter(|key| !key.section.is_empty()) {
        let place = format!("{} {}", key.section, key.name);
        let rows = section(&key.section).lines();
        let mut rows = rows.filter(|line| line.starts_with(&format!("| `{}`", key.name)));
        let row = rows.next().unwrap_or_else(|| panic!("a row for {place}"));
        match key.schema.get("default") {
            Some(Value::Object(empty)) if empty.is_empty() => {}
            Some(default) => {
                let default = default.to_string().replace(',', ", ");
                assert!(
                    row.contains(&format!("`{default}`")),
                    "the default {default} of {place}: {row}"
                );
            }
            None => assert!(row.contains("required") || row.contains("none"), "{place}: {row}"),
        }
        for value in key.schema["oneOf"].as_array().into_iter().flatten() {
            assert!(
                row.contains(&format!("`{}`", value["const"])),
                "{} of {place}: {row}",
                value["const"]
            );
        }
    }
}

#[test]
fn the_reference_names_no_key_that_does_not_exist() {
    let schema = json_schema();
    let keys = keys(&schema);
    for part in REFERENCE.split("\n## `").skip(1) {
        let (heading, body) = part.split_once('`').unwrap();
        // Other chapters have tables of other things.
        let body = body.split("\n## ").next().unwrap();
        for row in body.lines().filter(|line| line.starts_with("| `")) {
            let name = row[3..].split('`').next().unwrap();
            let known = keys.iter().any(|key| key.section == heading && key.name == name);
            assert!(known, "{heading} {name}");
        }
    }
}

#[test]
fn the_example_s_gateway_can_run() {
    let example = include_str!("../../../../examples/api-behind-gateway/cloakroom.toml");
    let config = crate::folder::Folder::new().parse(example);
    config.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_examples_are_right() {
    for (name, text) in [("docs/configuration.md", REFERENCE), ("README.md", README)] {
        let mut examples = text.split("```toml\n").skip(1).peekable();
        assert!(examples.peek().is_some(), "{name} has an example");
        for example in examples {
            let example = example.split("```").next().unwrap();
            let config = crate::folder::Folder::new().parse(example);
            config.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}
