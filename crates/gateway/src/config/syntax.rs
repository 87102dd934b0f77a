//! Files that are not TOML.

use toml::de::Error;

use super::report::Report;
use super::schema::Shape;

/// Reports the first of the parser's errors: those after it are often only its echo.
pub(super) fn report(errors: &[Error], text: &str, root: Shape<'_>, report: &mut Report) {
    let start = |error: &&Error| error.span().map_or(usize::MAX, |span| span.start);
    let Some(error) = errors.iter().min_by_key(start) else { return };
    let at = error.span();
    let place = at.as_ref().map_or(text.len(), |at| text.floor_char_boundary(at.start));
    let line = Line::of(text, place, root);
    let assignment = format!("{} = \"…\"", line.word.unwrap_or("key"));
    let message = error.message();
    let (what, why, write) = if message.contains("string values must be quoted") {
        (
            "the text is not in quotes",
            "text is always in quotes, also an address or a duration",
            assignment,
        )
    } else if message.contains("duplicate key") && line.is_heading {
        (
            "the section is written twice",
            "it comes once; [[provider]] and [[route]], which may come several times, have two brackets",
            "all its keys below one heading".to_owned(),
        )
    } else if message.contains("duplicate key") {
        (
            "the key is written twice in one section",
            "it is not plain which of the two counts",
            "one of the two lines".to_owned(),
        )
    } else if text[place..].starts_with(':') {
        ("a colon where `=` belongs", "this is TOML: a line is `key = value`", assignment)
    } else if message.contains("key with no value") {
        ("a key without a value", "a line is `key = value`", assignment)
    } else if message.contains("unclosed table") {
        let name = line.word.unwrap_or("section");
        ("the section's name is not closed", "its name stands in brackets", format!("[{name}]"))
    } else if message.contains("basic string") || message.contains("literal string") {
        ("the text has no closing quote", "text ends on the line where it starts", assignment)
    } else if message.contains("escape") {
        (
            "an unknown escape in the text",
            "in double quotes a backslash starts an escape",
            "single quotes, in which a backslash is a backslash".to_owned(),
        )
    } else {
        ("this is not TOML", message, "key = \"value\" below a [section]".to_owned())
    };
    report.wrong(at, what).why(why).write(write);
}

/// The line that holds a byte.
struct Line<'t> {
    is_heading: bool,
    /// Its first word, if that is a key or a section's name.
    word: Option<&'t str>,
}

impl<'t> Line<'t> {
    fn of(text: &'t str, at: usize, root: Shape<'_>) -> Self {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].lines().next().unwrap_or_default().trim_start();
        let name = line.trim_start_matches('[');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let word = &name[..end.unwrap_or(name.len())];
        // Any other word may be a part of some text, and that text may be a secret.
        let known = root.key(word).is_some() || root.homes(word).next().is_some();
        Self { is_heading: line.starts_with('['), word: Some(word).filter(|_| known) }
    }
}
