//! Files that are not TOML.

use toml::de::Error;

use super::report::Report;

/// Reports the first of the parser's errors: those after it are often only its echo.
pub(super) fn report(errors: &[Error], text: &str, report: &mut Report) {
    let start = |error: &&Error| error.span().map_or(usize::MAX, |span| span.start);
    let Some(error) = errors.iter().min_by_key(start) else { return };
    let message = error.message();
    let at = error.span();
    let (what, why, write) = if message.contains("string values must be quoted") {
        ("the text is not in quotes", "TOML wants text in quotes", "key = \"value\"")
    } else if message.contains("duplicate key") {
        let section = at.as_ref().is_some_and(|at| on_heading(text, at.start));
        if section {
            (
                "the section is written twice",
                "there is one of it; [[provider]] and [[route]], which may come several times, have two brackets",
                "put its keys together below one heading",
            )
        } else {
            (
                "the key is written twice in one section",
                "it is not plain which one counts",
                "one of the two lines",
            )
        }
    } else if message.contains("key with no value") {
        ("a key without a value", "a line is `key = value`", "key = \"value\"")
    } else if message.contains("unclosed table") {
        ("the section's name is not closed", "a section is its name in brackets", "[section]")
    } else if message.contains("basic string") || message.contains("literal string") {
        (
            "the text has no closing quote",
            "text ends on the line where it starts",
            "key = \"value\"",
        )
    } else if message.contains("escape") {
        (
            "an unknown escape in the text",
            "in double quotes a backslash starts an escape",
            "'…' in single quotes, where a backslash is a backslash",
        )
    } else {
        report.wrong(at, "this is not TOML").why(message);
        return;
    };
    report.wrong(at, what).why(why).write(write);
}

/// Whether the line that holds the byte starts with a bracket.
fn on_heading(text: &str, at: usize) -> bool {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    text[line..].trim_start().starts_with('[')
}
