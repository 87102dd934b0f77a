//! Durations as text: one whole number and one unit.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::report::Report;
use super::written::Written;

/// The units and their length in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The text of a duration, not yet checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct DurationText(String);

impl From<&str> for DurationText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration-text", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DurationFault {
    /// Not a number followed by letters; with what may have been meant.
    Form(Option<String>),
    /// A number and nothing else.
    NoUnit(String),
    /// More than fits.
    TooLong,
}

/// Reads `500ms`, `30s`, `5m`, `24h`, `7d`.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationFault> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(DurationFault::Form(None));
    }
    if unit.is_empty() {
        return Err(DurationFault::NoUnit(number.to_owned()));
    }
    let Some((_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(DurationFault::Form(meant(number, unit)));
    };
    let number: u64 = number.parse().map_err(|_| DurationFault::TooLong)?;
    number.checked_mul(*length).map(Duration::from_millis).ok_or(DurationFault::TooLong)
}

/// The shortest text for a duration in whole milliseconds: `90m`, not `5400s`.
pub(crate) fn show(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, length) =
        UNITS.iter().rev().find(|(_, length)| millis % length == 0).copied().unwrap_or(UNITS[0]);
    if millis == 0 { "0s".to_owned() } else { format!("{}{unit}", millis / length) }
}

/// The duration in `written`, at least `least`; a mistake is reported under `key`.
pub(super) fn check(
    written: &Written<DurationText>,
    key: &str,
    report: &mut Report,
) -> Option<Duration> {
    let fault = match parse(&written.value.0) {
        Ok(Duration::ZERO) => {
            report
                .wrong(written.at(), format!("`{key}` is zero"))
                .why("everything would time out at once; there is no value for \"never\"")
                .write(format!("{key} = \"30s\", or leave the line out for the default"));
            return None;
        }
        Ok(duration) => return Some(duration),
        Err(fault) => fault,
    };
    let example = match &fault {
        DurationFault::Form(Some(meant)) => format!("{key} = \"{meant}\""),
        DurationFault::NoUnit(number) => format!("{key} = \"{number}s\" if seconds are meant"),
        DurationFault::Form(None) | DurationFault::TooLong => format!("{key} = \"30s\""),
    };
    let what = match fault {
        DurationFault::Form(_) => format!("`{key}` is not a duration"),
        DurationFault::NoUnit(_) => format!("`{key}` has no unit"),
        DurationFault::TooLong => format!("`{key}` is longer than time itself"),
    };
    report
        .wrong(written.at(), what)
        .why("a duration is one whole number and one unit: ms, s, m, h or d, without a space")
        .write(example);
    None
}

/// `24 hours`, `24H`, `1.5h` and the like, as they should be written.
fn meant(number: &str, unit: &str) -> Option<String> {
    if let Some(fraction) = unit.strip_prefix('.') {
        let letters = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        let index = UNITS.iter().position(|(name, _)| *name == letters)?;
        let (smaller, small) = *UNITS.get(index.checked_sub(1)?)?;
        let value: f64 = format!("{number}.{}", fraction.trim_end_matches(letters)).parse().ok()?;
        let count = value * (UNITS[index].1 / small) as f64;
        return (count.fract() == 0.0).then(|| format!("{count}{smaller}"));
    }
    let word = unit.trim().to_lowercase();
    let name = match word.as_str() {
        "ms" | "msec" | "msecs" | "millis" | "milliseconds" | "millisecond" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "week" | "weeks" => {
            return number.parse::<u64>().ok()?.checked_mul(7).map(|days| format!("{days}d"));
        }
        _ => return None,
    };
    Some(format!("{number}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_reads() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(parse(&show(Duration::from_millis(millis))), parse(text), "{text}");
        }
    }

    #[test]
    fn a_near_miss_is_understood() {
        for (text, meant) in [
            ("24 hours", "24h"),
            ("24H", "24h"),
            ("1.5h", "90m"),
            ("0.5s", "500ms"),
            ("2w", "14d"),
            ("10 min", "10m"),
        ] {
            assert_eq!(parse(text), Err(DurationFault::Form(Some(meant.to_owned()))), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", "h", "-5m", "1h30m", "0x10s", "٣s", ".5s"] {
            assert_eq!(parse(text), Err(DurationFault::Form(None)), "{text}");
        }
        assert_eq!(parse("3600"), Err(DurationFault::NoUnit("3600".to_owned())));
        assert_eq!(parse("99999999999999999999d"), Err(DurationFault::TooLong));
        assert_eq!(parse("18446744073709551615d"), Err(DurationFault::TooLong));
    }

    #[test]
    fn the_largest_unit_is_shown() {
        assert_eq!(show(Duration::from_secs(5400)), "90m");
        assert_eq!(show(Duration::from_millis(1500)), "1500ms");
        assert_eq!(show(Duration::from_secs(60)), "1m");
    }
}
