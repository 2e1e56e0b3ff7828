//! Every metric is documented, and the page is what the definitions say.

use std::collections::BTreeSet;
use std::path::Path;

use stoa_metrics::{Kind, groups, page};

#[test]
fn the_page_is_what_the_definitions_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page(), "docs/metrics.md is old: UPDATE=1 cargo test -p stoa-metrics");
}

#[test]
fn every_metric_says_what_it_is_and_when_to_worry() {
    let mut names = BTreeSet::new();
    for metric in groups().iter().flat_map(|group| group.metrics) {
        let name = metric.name;
        assert!(names.insert(name), "{name} is there twice");
        let prefixed = name.starts_with("stoa_") || name.starts_with("process_");
        assert!(prefixed && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        assert!(name.ends_with(metric.unit), "{name} does not end with its unit");
        assert!(!name.ends_with("_total"), "{name}: the exposition adds that");
        for text in [metric.meaning, metric.worry] {
            assert!(text.trim().ends_with('.') && text.len() > 10, "{name}: {text:?}");
        }
        for label in metric.labels() {
            assert!(label.values.iter().all(|(value, meaning)| {
                value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && meaning.trim().ends_with('.')
            }));
        }
        assert!(metric.kind() != Kind::Info || metric.labels().len() == 1);
    }
}
