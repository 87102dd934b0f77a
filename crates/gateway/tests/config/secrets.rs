//! No secret is ever shown (R72).

use std::error::Error;

use cloakroom_gateway::config::{Config, ConfigError, Environment};
use proptest::prelude::*;

use crate::folder::Folder;

/// Everything that an error or a configuration can say.
fn everything_said(result: &Result<Config, ConfigError>) -> String {
    match result {
        Ok(config) => {
            let warnings: String = config.warnings().iter().map(ToString::to_string).collect();
            format!("{config:?} {config:#?} {warnings}")
        }
        Err(error) => {
            let source = error.source().map(ToString::to_string);
            format!("{error} {error:?} {error:#?} {source:?}")
        }
    }
}

/// Files that a person in a hurry may write, with the secret where it must not be, or where it may.
const FILES: [&str; 24] = [
    // Right: from the environment and from a file.
    "PUBLIC PROVIDER client_secret = { env = \"OIDC_CLIENT_SECRET\" }\n SITE",
    "PUBLIC PROVIDER client_secret = { file = \"secret.txt\" }\n SITE",
    // Right secret, other mistakes around it.
    "PUBLIC PROVIDER client_secret = { env = \"OIDC_CLIENT_SECRET\" }\nscopes = []\n SITE",
    "PUBLIC PROVIDER client_secret = { file = \"secret.txt\", env = \"OIDC_CLIENT_SECRET\" }\n SITE",
    // Plainly in the file, in all kinds of quotes.
    "PUBLIC PROVIDER client_secret = \"SECRET\"\n SITE",
    "PUBLIC PROVIDER client_secret = 'SECRET' # SECRET\n SITE",
    "PUBLIC PROVIDER client_secret = \"\"\"\nSECRET\nSECRET\"\"\"\n SITE",
    "PUBLIC PROVIDER client_secret = [\"SECRET\"]\n SITE",
    "PUBLIC PROVIDER client_secret = { value = \"SECRET\" }\n SITE",
    "PUBLIC PROVIDER client_secret = { env = \"-SECRET\" }\n SITE",
    // Under a wrong key.
    "PUBLIC PROVIDER client_sceret = \"SECRET\"\n SITE",
    "PUBLIC PROVIDER secret = \"SECRET\"\n SITE",
    "PUBLIC PROVIDER password = \"SECRET\"\n SITE",
    "PUBLIC PROVIDER client_sec = \"SECRET\"\n SITE",
    "PUBLIC PROVIDER authorize_params = { client_secret = \"SECRET\", state = \"SECRET\" }\n SITE",
    "client_secret = \"SECRET\"\nPUBLIC SITE",
    "PUBLIC SITE [oidc]\nclient_secret = \"SECRET\"\n",
    "PUBLIC SITE [[providr]]\nsecrets = [{ a = \"SECRET\" }]\n",
    // Not TOML.
    "PUBLIC PROVIDER client_secret = SECRET\n SITE",
    "PUBLIC PROVIDER client_secret = \"SECRET\n SITE",
    "PUBLIC PROVIDER client_secret: SECRET\n SITE",
    "PUBLIC PROVIDER client_secret = \"\"\"\nSECRET\n SITE",
    "PUBLIC PROVIDER SECRET\n SITE",
    // In a URL, next to another mistake.
    "[public]\nurl = \"https://admin:SECRET@shop.example.com/x\" # SECRET\n SITE",
];

fn file(template: &str, secret: &str) -> String {
    template
        .replace("PUBLIC", "[public]\nurl = \"https://shop.example.com\"\n")
        .replace(
            "PROVIDER",
            "[[provider]]\nissuer = \"https://login.example.org\"\nclient_id = \"web\"\n",
        )
        .replace("SITE", "[site]\ndir = \"dist\"\n")
        .replace("OIDC_CLIENT_SECRET", "OIDC_CLIENT_S_CRET")
        .replace("SECRET", secret)
        .replace("S_CRET", "SECRET")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_secret_is_in_a_configuration_or_an_error(secret in "[a-z0-9~!%^&*+-]{6,30}[A-Z0-9]{4}") {
        let folder = Folder::new();
        folder.write("secret.txt", &secret);
        let environment = Environment::of([("OIDC_CLIENT_SECRET", &secret)]);
        for (index, template) in FILES.iter().enumerate() {
            let toml = file(template, &secret);
            let result = Config::parse(&toml, &folder.file(), &environment);
            prop_assert_eq!(result.is_ok(), index < 2, "{}\n{:?}", toml, result);
            let said = everything_said(&result);
            prop_assert!(!said.contains(&secret), "{toml}\n{said}");
            // Not a part of it either; parts shorter than this may be ordinary words.
            for start in 0..=secret.len() - 8 {
                prop_assert!(!said.contains(&secret[start..start + 8]), "{toml}\n{said}");
            }
        }
    }
}
