//! The line that a mistake is in, shown without any secret that stands on it.

use std::fmt;
use std::ops::Range;

/// What stands in place of hidden text.
const HIDDEN: &str = "***";

/// The file's text and what of it may be shown.
pub(super) struct Source<'t> {
    text: &'t str,
    /// Text that may hold a secret.
    hidden: Vec<Range<usize>>,
    /// Keys and values: a `#` outside of them starts a comment.
    tokens: Vec<Range<usize>>,
}

/// One line of the file and the part of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    shown: String,
    caret: Range<usize>,
}

impl<'t> Source<'t> {
    /// A source of which `hidden` is never shown; comments, found by `tokens`, are left out too.
    pub(super) fn new(text: &'t str, hidden: Vec<Range<usize>>, tokens: Vec<Range<usize>>) -> Self {
        Self { text, hidden, tokens }
    }

    /// The line where `at` starts.
    pub(super) fn excerpt(&self, at: Range<usize>) -> Excerpt {
        let start = self.text.floor_char_boundary(at.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.text[line_start..];
        let line = line.find('\n').map_or(line, |newline| &line[..newline]).trim_end();

        let mut shown = String::new();
        let mut caret = None::<Range<usize>>;
        let mut width = 0;
        let mut in_hidden = false;
        let user_info = user_info(line);
        for (offset, character) in line.char_indices() {
            let position = line_start + offset;
            if character == '#' && !inside(&self.tokens, position) {
                break;
            }
            let hide = inside(&self.hidden, position) || user_info.contains(&offset);
            let text = match (hide, in_hidden) {
                (true, false) => HIDDEN.to_owned(),
                (true, true) => String::new(),
                _ if character == '\t' => " ".to_owned(),
                _ if character.is_control() => char::REPLACEMENT_CHARACTER.to_string(),
                _ => character.to_string(),
            };
            in_hidden = hide;
            let length = text.chars().count();
            if position >= start && position < at.end {
                let from = caret.as_ref().map_or(width, |caret| caret.start);
                caret = Some(from..width + length);
            }
            shown.push_str(&text);
            width += length;
        }
        Excerpt {
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            shown: shown.trim_end().to_owned(),
            caret: caret.filter(|caret| !caret.is_empty()).unwrap_or(width..width + 1),
        }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, shown, caret, .. } = self;
        let margin = " ".repeat(line.to_string().len());
        let (space, carets) = (" ".repeat(caret.start), "^".repeat(caret.len()));
        write!(f, "  {line} | {shown}\n  {margin} | {space}{carets}")
    }
}

fn inside(ranges: &[Range<usize>], position: usize) -> bool {
    ranges.iter().any(|range| range.contains(&position))
}

/// The user and password of a URL in `line`: the bytes from `://` to the last `@`.
fn user_info(line: &str) -> Range<usize> {
    let start = line.find("://").map(|at| at + 3);
    let end = line.rfind('@');
    match (start, end) {
        (Some(start), Some(end)) if start < end => start..end,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_the_caret_stands_below_them() {
        let text = "a = 1\n\tname = \"Größe\" # was: \"big\"\nb = 2\n";
        let span = |part: &str| text.find(part).map(|at| at..at + part.len()).unwrap();
        let source = Source::new(text, Vec::new(), vec![span("name"), span("\"Größe\"")]);
        let excerpt = source.excerpt(span("\"Größe\""));
        assert_eq!((excerpt.line, excerpt.column), (2, 9));
        assert_eq!(excerpt.to_string(), "  2 |  name = \"Größe\"\n    |         ^^^^^^^");
    }

    #[test]
    fn hidden_text_is_neither_shown_nor_measured() {
        let text = "key = \"secret\", to = \"ftp://me:pass@host\"";
        let hidden = std::iter::once(6..14).collect();
        let source = Source::new(text, hidden, Vec::new());
        let excerpt = source.excerpt(16..18);
        assert_eq!(
            excerpt.to_string(),
            "  1 | key = ***, to = \"ftp://***@host\"\n    |            ^^"
        );
    }

    #[test]
    fn the_end_of_the_file_is_a_place() {
        let excerpt = Source::new("a = 1\n", Vec::new(), Vec::new()).excerpt(6..6);
        assert_eq!((excerpt.line, excerpt.column, excerpt.caret), (2, 1, 0..1));
    }
}
