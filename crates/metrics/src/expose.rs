//! The exposition: everything that is counted, as OpenMetrics text.
//!
//! The text itself is written by `prometheus-client`, which asks each of our values for its numbers.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use crate::define::{Definition, groups};
use crate::label::LabelDoc;
use crate::value::{Counter, Counters, Gauge, Gauges, Histogram, Info, Kind, Labelled};
use crate::{Label, rest};

/// What the text is, for `Content-Type`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything as it stands now.
pub fn expose() -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(All));
    let mut text = String::with_capacity(32 * 1024);
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .expect("a string takes any text");
    text
}

/// A value that can be shown.
pub(crate) trait Expose: Sync {
    fn kind(&self) -> Kind;
    fn labels(&self) -> Vec<LabelDoc>;
    fn encode(&self, per_unit: f64, encoder: MetricEncoder<'_>) -> fmt::Result;
}

#[derive(Debug)]
struct All;

impl Collector for All {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in groups().iter().flat_map(|group| group.metrics) {
            let unit = (!metric.unit.is_empty()).then(|| Unit::Other(metric.unit.to_owned()));
            let (name, help) = (metric.stem(), metric.meaning.trim());
            let kind = match metric.value.kind() {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
                Kind::Info => MetricType::Info,
            };
            let encoder = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
            metric.value.encode(metric.per_unit, encoder)?;
        }
        Ok(())
    }
}

impl Definition {
    /// What kind of metric it is.
    pub fn kind(&self) -> Kind {
        self.value.kind()
    }

    /// What tells its series apart.
    pub fn labels(&self) -> Vec<LabelDoc> {
        self.value.labels()
    }

    /// The name without its unit.
    fn stem(&self) -> &'static str {
        let stem = self.name.strip_suffix(self.unit).unwrap_or(self.name);
        stem.strip_suffix('_').unwrap_or(stem)
    }
}

/// Label names and values, as the encoder wants them.
struct Pairs<'a>(&'a [(&'a str, &'a str)]);

impl EncodeLabelSet for Pairs<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

fn counter(mut encoder: MetricEncoder<'_>, total: u64, per_unit: f64) -> fmt::Result {
    let none = None::<&Exemplar<NoLabelSet, f64>>;
    if per_unit > 1.0 {
        encoder.encode_counter(&in_units(total, per_unit), none)
    } else {
        encoder.encode_counter(&total, none)
    }
}

fn gauge(mut encoder: MetricEncoder<'_>, value: i64, per_unit: f64) -> fmt::Result {
    if per_unit > 1.0 {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let value = value as f64 / per_unit;
        encoder.encode_gauge(&value)
    } else {
        encoder.encode_gauge(&value)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn in_units(n: u64, per_unit: f64) -> f64 {
    n as f64 / per_unit
}

impl Expose for Counter {
    fn kind(&self) -> Kind {
        Kind::Counter
    }

    fn labels(&self) -> Vec<LabelDoc> {
        Vec::new()
    }

    fn encode(&self, per_unit: f64, encoder: MetricEncoder<'_>) -> fmt::Result {
        counter(encoder, self.get(), per_unit)
    }
}

impl Expose for Gauge {
    fn kind(&self) -> Kind {
        Kind::Gauge
    }

    fn labels(&self) -> Vec<LabelDoc> {
        Vec::new()
    }

    fn encode(&self, per_unit: f64, encoder: MetricEncoder<'_>) -> fmt::Result {
        gauge(encoder, self.get(), per_unit)
    }
}

impl<L: Label, const N: usize> Expose for Counters<L, N> {
    fn kind(&self) -> Kind {
        Kind::Counter
    }

    fn labels(&self) -> Vec<LabelDoc> {
        vec![self.doc()]
    }

    fn encode(&self, per_unit: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, cell) in self.labelled() {
            let pairs = [(self.doc().name, value)];
            counter(encoder.encode_family(&Pairs(&pairs))?, cell.get(), per_unit)?;
        }
        Ok(())
    }
}

impl<L: Label, const N: usize> Expose for Gauges<L, N> {
    fn kind(&self) -> Kind {
        Kind::Gauge
    }

    fn labels(&self) -> Vec<LabelDoc> {
        vec![self.doc()]
    }

    fn encode(&self, per_unit: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, cell) in self.labelled() {
            let pairs = [(self.doc().name, value)];
            gauge(encoder.encode_family(&Pairs(&pairs))?, cell.get(), per_unit)?;
        }
        Ok(())
    }
}

impl Expose for Histogram {
    fn kind(&self) -> Kind {
        Kind::Histogram
    }

    fn labels(&self) -> Vec<LabelDoc> {
        Vec::new()
    }

    fn encode(&self, per_unit: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let scaled = |bound: Option<u64>| bound.map_or(f64::INFINITY, |b| in_units(b, per_unit));
        let buckets: Vec<_> = self.cells().map(|(bound, n)| (scaled(bound), n)).collect();
        // Of the same look at the cells, so that the count is that of the last bucket.
        let count = buckets.iter().map(|(_, n)| n).sum();
        let sum = in_units(self.sum(), per_unit);
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

impl Expose for Info {
    fn kind(&self) -> Kind {
        Kind::Info
    }

    fn labels(&self) -> Vec<LabelDoc> {
        vec![LabelDoc { name: self.name, values: &[] }]
    }

    fn encode(&self, _: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_info(&Pairs(&[(self.name, self.value)]))
    }
}

impl Expose for rest::Requests {
    fn kind(&self) -> Kind {
        Kind::Counter
    }

    fn labels(&self) -> Vec<LabelDoc> {
        vec![rest::ROUTE, rest::StatusClass::DOC]
    }

    fn encode(&self, per_unit: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (route, status, total) in self.all() {
            let pairs = [(rest::ROUTE.name, route.as_str()), (rest::StatusClass::DOC.name, status)];
            counter(encoder.encode_family(&Pairs(&pairs))?, total, per_unit)?;
        }
        Ok(())
    }
}
