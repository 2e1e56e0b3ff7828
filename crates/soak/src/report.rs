//! What a scenario found, as a table.

use std::fmt;
use std::time::Duration;

/// Rows of a name and a value, in their order.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<(String, String)>);

impl Report {
    pub(crate) fn row(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        self.0.push((name.into(), value.to_string()));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | |\n| --- | --- |")?;
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "| {name} | {value} |"))
    }
}

/// Half, and nearly all, of what was measured took no longer than this.
pub(crate) fn quantiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at =
        |part: usize| sorted.get((sorted.len() * part / 100).min(sorted.len().saturating_sub(1)));
    match (at(50), at(99)) {
        (Some(half), Some(most)) => {
            format!("{:.1} / {:.1} ms", half.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3)
        }
        _ => "-".into(),
    }
}

/// Bytes as MiB.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
