//! Structured logs, for people or as JSON, on standard error.
//!
//! **What never stands in a log**: names and ids of users, apps, conversations, messages and devices;
//! text; tokens, passwords and keys; paths and query strings of requests. Three things see to it.
//! Types of the domain hide themselves in their `Debug` output; only events of our own crates are
//! written, as those of others may quote what they handle; and a panic is reported by its place, and
//! by its message only where that is a fixed text.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogLevel};

/// With what the names of our crates begin.
const OURS: &str = "stoa";

/// Starts logging, once in a process, and reports panics there too.
pub fn start(level: LogLevel, format: LogFormat) {
    let colours = io::stderr().is_terminal();
    // Only if a test has done it already, and then there is nothing to do.
    let _ = subscriber(level, format, colours, io::stderr).try_init();
    std::panic::set_hook(Box::new(report_panic));
}

fn subscriber<W>(
    level: LogLevel,
    format: LogFormat,
    colours: bool,
    writer: W,
) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let filter = Targets::new().with_target(OURS, filter_of(level));
    tracing_subscriber::registry().with(lines.with_filter(filter))
}

const fn filter_of(level: LogLevel) -> LevelFilter {
    LevelFilter::from_level(match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    })
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    // A formatted message may quote a value; a fixed one cannot.
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, message, "a task panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while `work` runs.
    fn logged(level: LogLevel, format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(level, format, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_our_own_events_of_the_level_are_written() {
        let text = logged(LogLevel::Info, LogFormat::Text, || {
            tracing::info!(target: "stoa_chat::login", "ours");
            tracing::debug!(target: "stoa", "too fine");
            tracing::error!(target: "hyper", "of others");
        });
        assert!(text.contains("ours"), "{text}");
        assert!(!text.contains("too fine") && !text.contains("of others"), "{text}");
    }

    #[test]
    fn json_lines_are_objects() {
        let text = logged(LogLevel::Info, LogFormat::Json, || {
            tracing::info!(target: "stoa", port = 8443, "ready");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["message"], &line["port"]), (&"ready".into(), &8443.into()));
        assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"stoa".into()));
    }

    #[test]
    fn identifiers_of_the_domain_hide_themselves() {
        let user: stoa_core::UserId = "alice".parse().unwrap();
        let device: stoa_core::Resource = "webim_web_17".parse().unwrap();
        let password = stoa_core::Secret::new("correct horse");
        let text = logged(LogLevel::Info, LogFormat::Json, || {
            tracing::info!(target: "stoa", ?user, ?device, ?password, "an event");
        });
        for secret in ["alice", "webim", "correct"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("[set]"), "{text}");
    }

    #[test]
    fn a_panic_is_told_without_what_it_quotes() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(report_panic));
        let text = logged(LogLevel::Info, LogFormat::Json, || {
            let name = "alice".to_owned();
            let _ = std::panic::catch_unwind(move || panic!("no user {name}"));
            let _ = std::panic::catch_unwind(|| panic!("a fixed text"));
        });
        std::panic::set_hook(hook);
        assert!(text.contains("a fixed text") && text.contains("log.rs:"), "{text}");
        assert!(!text.contains("alice"), "{text}");
    }
}
