//! `[log]`: log lines.

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::report::Report;
use super::suggest;
use super::written::{Choice, OneOf, Written};

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// How log lines look and which of them are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Text or JSON.
    pub format: LogFormat,
    /// A tracing filter that is known to parse: `info`, `warn,cloakroom=debug`.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event.
    Json,
}

impl Choice for LogFormat {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("text", Self::Text, "one readable line per event"),
        ("json", Self::Json, "one JSON object per event"),
    ];
}

/// Log lines, which go to stderr.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLog {
    /// How a log line looks.
    format: Written<OneOf<LogFormat>>,
    /// How much is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`; for single parts in
    /// the form `info,cloakroom=debug`.
    #[schemars(example = &"info")]
    level: Written<String>,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { format: Written::default("text"), level: Written::default("info") }
    }
}

impl RawLog {
    pub(super) fn check(&self, report: &mut Report) -> Option<LogConfig> {
        let format = report.choice("format", &self.format);
        let level = &self.level.value;
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        // The filter's own parser takes an unknown word for the name of a module and logs nothing else.
        let mut words =
            level.split(',').map(|directive| directive.rsplit('=').next().unwrap_or_default());
        let wrong = words.find(|word| !is_level(word.trim()));
        if wrong.is_some() || EnvFilter::builder().parse(level).is_err() {
            let meant = suggest::closest(wrong.unwrap_or_default(), LEVELS).unwrap_or("info");
            report
                .wrong(self.level.at(), "`level` has no such value")
                .why(format!(
                    "a level is one of {}; for one part of the program `info,cloakroom=debug`",
                    LEVELS.join(", ")
                ))
                .write(format!("level = \"{meant}\""));
            return None;
        }
        Some(LogConfig { format: format?, level: level.clone() })
    }
}
