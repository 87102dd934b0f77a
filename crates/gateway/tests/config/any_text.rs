//! Whatever the file holds: a configuration or a refusal that helps.

use cloakroom_gateway::config::ConfigError;
use proptest::prelude::*;

use crate::folder::{Folder, PROVIDER, PUBLIC, ROUTE, SITE};

/// A change to a file: what stands at a place is replaced.
#[derive(Clone, Debug)]
struct Slip {
    at: usize,
    length: usize,
    text: String,
}

fn slip() -> impl Strategy<Value = Slip> {
    let pieces = prop::sample::select(vec![
        "", "\"", "'", "\"\"\"", "[", "]", "[[", "{", "}", "=", "#", ",", "\n", "\r\n", "\t", "é",
        "\u{0}", "\u{1b}", "://", "@", "\\u001b", "\\r", "route", "true", "1", "secret",
    ]);
    (any::<prop::sample::Index>(), 0..4_usize, pieces).prop_map(|(at, length, text)| Slip {
        at: at.index(600),
        length,
        text: text.to_owned(),
    })
}

fn with_slips(text: &str, slips: &[Slip]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for slip in slips {
        let at = slip.at % (characters.len() + 1);
        let end = (at + slip.length).min(characters.len());
        characters.splice(at..end, slip.text.chars());
    }
    characters.into_iter().collect()
}

fn assert_helps(toml: &str) -> Result<(), TestCaseError> {
    let Err(error) = Folder::new().parse(toml) else { return Ok(()) };
    let said = error.to_string();
    prop_assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    let ConfigError::Mistakes { mistakes, .. } = &error else {
        return Err(TestCaseError::fail(said));
    };
    prop_assert!(!mistakes.is_empty());
    for mistake in mistakes {
        let Some((line, column)) = mistake.position() else { continue };
        let text = toml.split('\n').nth(line - 1);
        let columns = text.map(|text| text.chars().count());
        prop_assert!(
            columns.is_some_and(|columns| column <= columns + 1),
            "{line}:{column}\n{toml}"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_file_with_slips_gets_an_answer(slips in prop::collection::vec(slip(), 1..4)) {
        let right = [PUBLIC, PROVIDER, ROUTE, SITE, "[session]\nidle_timeout = \"1h\"\n"].join("\n");
        assert_helps(&with_slips(&right, &slips))?;
    }

    #[test]
    fn any_text_gets_an_answer(text in "(?s).{0,200}") {
        assert_helps(&text)?;
    }
}

proptest! {
    #[test]
    fn no_slip_brings_a_secret_to_light(slips in prop::collection::vec(slip(), 0..4)) {
        const PLAIN: &str = "tb3swordfishmarlin";
        let login = PROVIDER.replace("{ env = \"OIDC_CLIENT_SECRET\" }", &format!("\"{PLAIN}\""));
        let toml = with_slips(&[PUBLIC, &login, SITE].join("\n"), &slips);
        let Err(error) = Folder::new().parse(&toml) else { return Ok(()) };
        let said = format!("{error} {error:?}");
        for start in 0..=PLAIN.len() - 8 {
            prop_assert!(!said.contains(&PLAIN[start..start + 8]), "{toml}\n{said}");
        }
    }
}
