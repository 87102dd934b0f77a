//! Any JSON text with tokens anywhere in it: they go, all else stays.

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::{ACCESS, REFRESH, lift};
use crate::token_api::{LoginAnswer, Pointer, TokenPointers, lift_tokens};

/// A JSON value with all freedom of writing it: blanks, escapes, forms of numbers.
#[derive(Clone, Debug)]
enum Tree {
    /// Written exactly so.
    Literal(String),
    Array(Vec<(String, Tree)>),
    /// Each member with its written name, without quotes.
    Object(Vec<(String, String, Tree)>),
}

fn blank() -> impl Strategy<Value = String> {
    "[ \t\n\r]{0,3}"
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?",
        "\"([ !#-\\[\\]-~é€]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f][0-9a-f]){0,12}\"",
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    literal().prop_map(Tree::Literal).prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec((blank(), inner.clone()), 0..5).prop_map(Tree::Array),
            vec((blank(), "[a-z{}\\[\\],: ]{0,6}", inner), 0..5).prop_map(|mut members| {
                members.sort_by(|a, b| a.1.cmp(&b.1));
                members.dedup_by(|a, b| a.1 == b.1);
                Tree::Object(members)
            }),
        ]
    })
}

fn write(tree: &Tree) -> String {
    match tree {
        Tree::Literal(text) => text.clone(),
        Tree::Array(elements) => {
            let texts =
                elements.iter().map(|(blank, tree)| format!("{blank}{}{blank}", write(tree)));
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        }
        Tree::Object(members) => {
            let texts = members.iter().map(|(blank, name, tree)| {
                format!("{blank}\"{name}\"{blank}:{blank}{}{blank}", write(tree))
            });
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
    }
}

/// Puts a token somewhere into the tree, guided by `choices`, and tells where.
fn plant(tree: &mut Tree, name: &str, token: &str, choices: &[usize]) -> String {
    let (choice, rest) = choices.split_first().map_or((0, choices), |(first, rest)| (*first, rest));
    let quoted = Tree::Literal(format!("\"{token}\""));
    match tree {
        Tree::Array(elements) => {
            let at = choice % (elements.len() + 1);
            match elements.get_mut(at) {
                Some((_, inner @ (Tree::Array(_) | Tree::Object(_)))) if !rest.is_empty() => {
                    format!("/{at}{}", plant(inner, name, token, rest))
                }
                _ => {
                    elements.push((" ".to_owned(), quoted));
                    format!("/{}", elements.len() - 1)
                }
            }
        }
        Tree::Object(members) => {
            let at = choice % (members.len() + 1);
            match members.get_mut(at) {
                Some((_, key, inner @ (Tree::Array(_) | Tree::Object(_)))) if !rest.is_empty() => {
                    format!("/{key}{}", plant(inner, name, token, rest))
                }
                _ => {
                    members.insert(at, ("\n".to_owned(), name.to_owned(), quoted));
                    format!("/{name}")
                }
            }
        }
        Tree::Literal(_) => {
            *tree = Tree::Object(vec![(String::new(), name.to_owned(), quoted)]);
            format!("/{name}")
        }
    }
}

/// What removing the place means to somebody who parsed the text.
fn without(document: &Value, place: &Pointer) -> Value {
    fn step(value: &mut Value, segments: &[&str]) {
        let (segment, rest) = segments.split_first().expect("a place");
        match (value, rest) {
            (Value::Object(members), []) => drop(members.shift_remove(*segment)),
            (Value::Array(elements), []) => drop(elements.remove(segment.parse().unwrap())),
            (Value::Object(members), rest) => step(&mut members[*segment], rest),
            (Value::Array(elements), rest) => {
                step(&mut elements[segment.parse::<usize>().unwrap()], rest)
            }
            _ => panic!("a place"),
        }
    }
    let (mut document, text) = (document.clone(), place.to_string());
    step(&mut document, &text[1..].split('/').collect::<Vec<_>>());
    document
}

/// All bytes but blanks and commas: what a removal may not touch elsewhere.
fn essence(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | ',')).collect()
}

proptest! {
    #[test]
    fn one_token_goes_and_all_else_stays(mut tree in tree(), choices in vec(0..9usize, 0..5)) {
        let place = Pointer::parse(&plant(&mut tree, "token", ACCESS, &choices)).unwrap();
        let text = write(&tree);
        let pointers = TokenPointers::new(place.clone(), None, None).unwrap();

        let kept = lift(&text, &pointers, Some("placeholder"));
        let expected = text.replace(ACCESS, "placeholder");
        prop_assert_eq!(String::from_utf8(kept.remainder).unwrap(), expected);

        let removed = String::from_utf8(lift(&text, &pointers, None).remainder).unwrap();
        prop_assert!(!removed.contains(ACCESS));
        let before: Value = serde_json::from_str(&text).unwrap();
        let after: Value = serde_json::from_str(&removed).expect("still JSON");
        prop_assert_eq!(after.to_string(), without(&before, &place).to_string(), "{}", text);
        let (literal, member) = (format!("\"{ACCESS}\""), format!("\"token\":\"{ACCESS}\""));
        let member = if essence(&text).contains(&member) { member } else { literal };
        prop_assert_eq!(essence(&text).replacen(&member, "", 1), essence(&removed));
        let (whole, left) = (text.as_bytes(), removed.as_bytes());
        let cut = whole.len() - left.len();
        prop_assert!((0..=left.len()).any(|at| {
            whole.starts_with(&left[..at]) && whole[at + cut..] == left[at..]
        }), "one piece was cut out of {text}, which leaves {removed}");
    }

    #[test]
    fn no_byte_of_two_tokens_is_left(
        mut tree in tree(),
        first in vec(0..9usize, 0..5),
        second in vec(0..9usize, 0..5),
    ) {
        let access = plant(&mut tree, "token", ACCESS, &first);
        // The places of both are found by parsing, for the second may move the first.
        plant(&mut tree, "refresh", REFRESH, &second);
        let text = write(&tree);
        let document: Value = serde_json::from_str(&text).unwrap();
        let find = |token: &str| Pointer::parse(&place_of(&document, token).unwrap()).unwrap();
        prop_assume!(!access.is_empty());
        let pointers = TokenPointers::new(find(ACCESS), Some(find(REFRESH)), None).unwrap();
        let removed = String::from_utf8(lift(&text, &pointers, None).remainder).unwrap();
        prop_assert!(!removed.contains(ACCESS) && !removed.contains(REFRESH));
        serde_json::from_str::<Value>(&removed).expect("still JSON");
        let kept = lift(&text, &pointers, Some("x")).remainder;
        let expected = text.replace(ACCESS, "x").replace(REFRESH, "x");
        prop_assert_eq!(String::from_utf8(kept).unwrap(), expected);
    }

    #[test]
    fn any_bytes_end_without_panic(
        bytes in vec(any::<u8>(), 0..200),
        text in "[{}\\[\\]\",:a\\\\ 0-9]{0,60}",
    ) {
        let pointers = TokenPointers::new(
            Pointer::parse("/a").unwrap(), Some(Pointer::parse("/0/0").unwrap()), None,
        ).unwrap();
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(LoginAnswer::Tokens(lifted)) = lift_tokens(bytes, &pointers, None) {
                serde_json::from_slice::<Value>(&lifted.remainder).expect("still JSON");
            }
            // The scanner alone, on text that nobody has checked.
            for pointer in ["/a", "/0/0", "/a/0/a", "//"] {
                drop(crate::token_api::scan::find(bytes, &Pointer::parse(pointer).unwrap()));
            }
        }
    }
}

/// The pointer to the text `token`.
fn place_of(value: &Value, token: &str) -> Option<String> {
    match value {
        Value::String(text) => (text == token).then(String::new),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .find_map(|(at, value)| Some(format!("/{at}{}", place_of(value, token)?))),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, value)| Some(format!("/{name}{}", place_of(value, token)?))),
        _ => None,
    }
}
