//! The exposition is OpenMetrics text, and shows what was counted.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_metrics::{connections, expose, groups, messages, rest, store, tls};

/// The samples of a text, by name and labels as they are written. Fails where the text breaks the form
/// (OpenMetrics 1.0): each family has its help and type before its samples, in one piece, and the text
/// has an end.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut family: Option<(String, String)> = None;
    let mut seen = Vec::new();
    let body = text.strip_suffix("# EOF\n").expect("the end is marked");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let (what, rest) = rest.split_once(' ').unwrap();
            let (name, value) = rest.split_once(' ').unwrap();
            match what {
                "HELP" => {
                    assert!(!seen.contains(&name.to_owned()), "{name} is in pieces");
                    assert!(!value.is_empty() && !value.contains('\\'), "{line}");
                    seen.push(name.to_owned());
                    family = None;
                }
                "TYPE" => {
                    assert_eq!(seen.last().map(String::as_str), Some(name), "{line}");
                    family = Some((name.to_owned(), value.to_owned()));
                }
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(labels.ends_with('}'), "{line}");
        let (of, kind) = family.as_ref().expect("a family is declared first");
        let suffixes: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_sum", "_count", "_bucket"],
            "info" => &["_info"],
            _ => panic!("{kind}"),
        };
        assert!(suffixes.iter().any(|suffix| name == format!("{of}{suffix}")), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
    }
    samples
}

#[test]
fn what_is_counted_is_shown_in_the_form_that_collectors_read() {
    connections::REFUSED.of(connections::Refused::TooMany).inc();
    let open = connections::OPEN.hold();
    messages::ANSWER_TIME.observe(3);
    messages::ANSWER_TIME.observe(70_000);
    store::SYNC_TIME.observe_time(Duration::from_micros(1_500));
    rest::REQUESTS.answered("/{org}/{app}/token", 429, Duration::from_millis(1));
    rest::REQUESTS.answered("/{org}/{app}/token", 200, Duration::from_millis(1));
    rest::REQUESTS.answered("none", 999, Duration::from_millis(1));
    tls::Handshake::begin().end(tls::Outcome::Done);
    drop(tls::Handshake::begin());

    let text = expose();
    let samples = samples(&text);
    let is = |series: &str, value: f64| {
        let found = samples.get(series).unwrap_or_else(|| panic!("no {series} in\n{text}"));
        assert!((found - value).abs() < 1e-9, "{series} is {found}");
    };
    is("stoa_connections_refused_total{reason=\"too_many\"}", 1.0);
    is("stoa_connections_open", 1.0);
    is("stoa_message_answer_seconds_bucket{le=\"0.002\"}", 0.0);
    is("stoa_message_answer_seconds_bucket{le=\"0.003\"}", 1.0);
    is("stoa_message_answer_seconds_bucket{le=\"10.0\"}", 1.0);
    is("stoa_message_answer_seconds_bucket{le=\"+Inf\"}", 2.0);
    is("stoa_message_answer_seconds_count", 2.0);
    is("stoa_message_answer_seconds_sum", 70.003);
    is("stoa_store_sync_seconds_bucket{le=\"0.002\"}", 1.0);
    is("stoa_rest_requests_total{route=\"/{org}/{app}/token\",status=\"2xx\"}", 1.0);
    is("stoa_rest_requests_total{route=\"/{org}/{app}/token\",status=\"4xx\"}", 1.0);
    is("stoa_rest_requests_total{route=\"none\",status=\"5xx\"}", 1.0);
    is("stoa_tls_handshakes_total{result=\"done\"}", 1.0);
    is("stoa_tls_handshakes_total{result=\"abandoned\"}", 1.0);
    is("stoa_tls_handshakes_in_progress", 0.0);
    is(concat!("stoa_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0);
    drop(open);
    assert_eq!(connections::OPEN.get(), 0);

    for metric in groups().iter().flat_map(|group| group.metrics) {
        assert!(text.contains(&format!("# TYPE {} ", metric.name)), "{} is not shown", metric.name);
    }
}
