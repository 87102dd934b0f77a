//! Log lines: text or JSON, to stderr, one line for each event.
//!
//! What is logged is the configuration's choice alone: `RUST_LOG` is not read, so that nobody turns on
//! a library's debug lines, which may hold what Cloakroom hides, by a variable left in the environment.

use std::io::{self, IsTerminal as _, Write};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};

/// Sends this process's log lines to stderr. Only the first call has an effect.
pub fn start(config: &LogConfig) {
    let colours = io::stderr().is_terminal() && config.format == LogFormat::Text;
    let subscriber = subscriber(config, colours, || OneLine(io::stderr()));
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// A subscriber that writes as `config` says.
fn subscriber<W>(config: &LogConfig, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The configuration's check has parsed the level already.
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match config.format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => {
            Box::new(builder.json().flatten_event(true).with_span_list(false).finish())
        }
    }
}

/// Keeps an event on its line: a line break inside of it is written as `\n` (R72).
///
/// The formatter hands over each event with one call, its own line break at the end.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (line, end) = match event.split_last() {
            Some((b'\n', line)) => (line, "\n"),
            _ => (event, ""),
        };
        let breaks = |byte: &u8| matches!(byte, b'\n' | b'\r');
        if line.iter().any(breaks) {
            let mut escaped = Vec::with_capacity(line.len() + 8);
            for byte in line {
                match byte {
                    b'\n' => escaped.extend(b"\\n"),
                    b'\r' => escaped.extend(b"\\r"),
                    other => escaped.push(*other),
                }
            }
            escaped.extend(end.as_bytes());
            self.0.write_all(&escaped)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: &str, log: impl FnOnce()) -> String {
        let shared = Shared::default();
        let config = LogConfig { format, level: level.to_owned() };
        let target = shared.clone();
        let subscriber = subscriber(&config, false, move || OneLine(target.clone()));
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(shared.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_a_client_sends() {
        let path = "/x\r\n2026-01-01 INFO forged";
        for format in [LogFormat::Text, LogFormat::Json] {
            let lines = logged(format, "info", || tracing::info!(%path, "request"));
            assert_eq!(lines.matches('\n').count(), 1, "{lines}");
            assert!(!lines.contains('\r') && lines.ends_with('\n'), "{lines}");
        }
    }

    #[test]
    fn json_is_json() {
        let line = logged(LogFormat::Json, "info", || tracing::info!(status = 200, "request"));
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&event["message"], &event["status"]), (&"request".into(), &200.into()));
    }

    #[test]
    fn the_level_counts() {
        let both = || {
            tracing::info!("quiet");
            tracing::warn!("loud");
        };
        let lines = logged(LogFormat::Text, "warn", both);
        assert!(lines.contains("loud") && !lines.contains("quiet"), "{lines}");
        assert_eq!(logged(LogFormat::Text, "off", both), "");
    }
}
