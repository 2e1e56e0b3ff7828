//! The page `docs/metrics.md`, written from the definitions.

use std::fmt::Write;

use crate::{Definition, Kind, groups};

const HEAD: &str = "\
# Metrics

*This page is written from the definitions in `crates/metrics`; a test compares them
(`UPDATE=1 cargo test -p stoa-metrics` writes it anew).*

`metrics-listen` opens a listener of its own for them ([operations](operations.md#metrics)). `GET /metrics`
answers in the text format of OpenMetrics 1.0, which Prometheus and its relatives read.

All values are of this process, since its start. **No label names a user, an app, a device, a
conversation or a message**, neither by name nor by number: what there can be any number of is no label, and who
reads the figures learns nothing about anybody. All values of labels are listed here.

Those named `process_` are what most programs tell about themselves; they are read from `/proc`, and stay 0 where
there is none.
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for group in groups() {
        put(&mut page, format_args!("\n## {}\n", group.title));
        for metric in group.metrics {
            section(&mut page, metric);
        }
    }
    page
}

fn section(page: &mut String, metric: &Definition) {
    let (kind, suffix) = match metric.kind() {
        Kind::Counter => ("counter", "_total"),
        Kind::Gauge => ("gauge", ""),
        Kind::Histogram => ("histogram", ""),
        Kind::Info => ("info", "_info"),
    };
    let name = metric.name;
    let unit = if metric.unit.is_empty() { String::new() } else { format!(", {}", metric.unit) };
    put(
        page,
        format_args!("\n### `{name}{suffix}`\n\n*{kind}{unit}.* {}\n", metric.meaning.trim()),
    );
    put(page, format_args!("\n**Worry when:** {}\n", metric.worry));
    for label in metric.labels() {
        if label.values.is_empty() {
            put(page, format_args!("\nLabel `{}`.\n", label.name));
            continue;
        }
        put(page, format_args!("\n| `{}` | |\n| --- | --- |\n", label.name));
        for (value, meaning) in label.values {
            put(page, format_args!("| `{value}` | {} |\n", meaning.trim()));
        }
    }
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes any text");
}
