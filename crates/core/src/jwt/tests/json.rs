//! The strict reader against serde_json's own.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::{JsonError, MAX_DEPTH, parse_object};

#[test]
fn r56_depth_is_capped_exactly() {
    let nested = |depth: usize| format!("{{\"x\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_object(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
    assert_eq!(parse_object(nested(MAX_DEPTH).as_bytes()), Err(JsonError::Malformed));
    assert_eq!(parse_object("{\"a\":".repeat(100_000).as_bytes()), Err(JsonError::Malformed));
}

#[test]
fn equal_names_in_different_objects_are_fine() {
    let text = br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#;
    assert_eq!(
        Value::Object(parse_object(text).unwrap()),
        json!({"a":{"a":1},"b":[{"a":1},{"a":2}]})
    );
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn r56_what_has_one_meaning_is_read_with_it(value in values()) {
        let document = json!({ "x": value });
        let read = parse_object(document.to_string().as_bytes());
        prop_assert_eq!(read.map(Value::Object), Ok(document));
    }

    #[test]
    fn r56_arbitrary_bytes_do_no_harm(text in prop::collection::vec(any::<u8>(), 0..512)) {
        if parse_object(&text).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&text).is_ok());
        }
    }
}
