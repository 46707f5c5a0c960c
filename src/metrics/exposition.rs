//! Metric families as text, in the two forms that are read: OpenMetrics, and the text format that
//! Prometheus had before. The samples are the same; the lines about them differ.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use crate::metrics::TextForm;

/// What every name begins with.
const PREFIX: &str = "kado";

/// What tells the samples of a family apart, with its values in the form of the text.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A family without its samples.
pub(super) struct Family {
    /// Its name without prefix, unit and `_total`, which are written where they belong.
    pub name: &'static str,
    pub unit: Option<Unit>,
    /// A sentence without its full stop.
    pub help: &'static str,
}

/// Families in the order in which they are added.
pub(super) struct Exposition {
    registry: Registry,
    /// Names of those that are counters, without `_total`.
    counters: Vec<String>,
}

/// Samples of one family, in their order.
#[derive(Debug)]
struct Samples<M>(Vec<(Labels, M)>);

impl Exposition {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            counters: Vec::new(),
        }
    }

    /// A number that goes up and down; one that is not known is left out.
    pub(super) fn gauge(&mut self, family: Family, value: Option<f64>) {
        let sample = value.map(|value| (Labels::new(), value));
        self.gauges(family, sample);
    }

    /// The same with labels; a family without any sample is left out.
    pub(super) fn gauges(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let samples = samples
            .into_iter()
            .map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.add(family, Samples(samples.collect()));
    }

    /// Numbers that only grow until the service ends.
    pub(super) fn counters(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let mut name = format!("{PREFIX}_{}", family.name);
        if let Some(unit) = &family.unit {
            name.push('_');
            name.push_str(unit.as_str());
        }
        self.counters.push(name);

        let samples = samples
            .into_iter()
            .map(|(labels, value)| (labels, ConstCounter::new(value)));
        self.add(family, Samples(samples.collect()));
    }

    /// How often something took how long.
    pub(super) fn histogram(&mut self, family: Family, histogram: Histogram) {
        self.add(family, Samples(vec![(Labels::new(), histogram)]));
    }

    fn add<M: EncodeMetric + TypedMetric + fmt::Debug + Send + Sync + 'static>(
        &mut self,
        family: Family,
        samples: Samples<M>,
    ) {
        // A family of which nothing is known would only say that there is such a name.
        if samples.0.is_empty() {
            return;
        }
        match family.unit {
            Some(unit) => {
                self.registry
                    .register_with_unit(family.name, family.help, unit, samples);
            }
            None => self.registry.register(family.name, family.help, samples),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// When a family cannot be written, which no value brings about.
    pub(super) fn text(&self, form: TextForm) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match form {
            TextForm::OpenMetrics => text,
            TextForm::Prometheus => self.as_prometheus(&text),
        })
    }

    /// The text in Prometheus' own form: it introduces a counter by the name that its samples have,
    /// and knows neither units nor an end.
    fn as_prometheus(&self, text: &str) -> String {
        let mut lines = String::with_capacity(text.len());
        for line in text.lines() {
            if line.starts_with("# UNIT ") || line == "# EOF" {
                continue;
            }

            match self.counter_introduced_by(line) {
                Some(name) => lines.push_str(&line.replacen(name, &format!("{name}_total"), 1)),
                None => lines.push_str(line),
            }
            lines.push('\n');
        }
        lines
    }

    /// The counter that a line is about, if it says what that is.
    fn counter_introduced_by<'a>(&self, line: &'a str) -> Option<&'a str> {
        let about = line
            .strip_prefix("# HELP ")
            .or_else(|| line.strip_prefix("# TYPE "))?;
        let (name, _) = about.split_once(' ')?;
        self.counters
            .iter()
            .any(|counter| counter == name)
            .then_some(name)
    }
}

impl<M: EncodeMetric + TypedMetric> EncodeMetric for Samples<M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        // The only one of a family without labels; with empty ones it would be followed by `{}`.
        if let [(labels, metric)] = &self.0[..]
            && labels.is_empty()
        {
            return metric.encode(encoder);
        }

        for (labels, metric) in &self.0 {
            metric.encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

/// A text of others as the value of a label: the library writes it as it is.
pub(super) fn label(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => value.push_str("\\\\"),
            '"' => value.push_str("\\\""),
            '\n' => value.push_str("\\n"),
            letter => value.push(letter),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposition() -> Exposition {
        let mut metrics = Exposition::new();
        let hostile = vec![("server", label("http://a\\b\"c\nd"))];
        metrics.counters(
            Family {
                name: "uploaded",
                unit: Some(Unit::Bytes),
                help: "Bytes",
            },
            [(hostile, 2.0)],
        );

        metrics.gauge(
            Family {
                name: "uploaded_not",
                unit: None,
                help: "No counter",
            },
            Some(0.5),
        );
        metrics.gauge(
            Family {
                name: "unknown",
                unit: None,
                help: "Not known",
            },
            None,
        );
        metrics
    }

    #[test]
    fn the_same_samples_have_two_forms() {
        let metrics = exposition();

        insta::assert_snapshot!(
            metrics.text(TextForm::OpenMetrics).unwrap(),
            @r##"
        # HELP kado_uploaded_bytes Bytes.
        # TYPE kado_uploaded_bytes counter
        # UNIT kado_uploaded_bytes bytes
        kado_uploaded_bytes_total{server="http://a\\b\"c\nd"} 2.0
        # HELP kado_uploaded_not No counter.
        # TYPE kado_uploaded_not gauge
        kado_uploaded_not 0.5
        # EOF
        "##
        );
        insta::assert_snapshot!(
            metrics.text(TextForm::Prometheus).unwrap(),
            @r##"
        # HELP kado_uploaded_bytes_total Bytes.
        # TYPE kado_uploaded_bytes_total counter
        kado_uploaded_bytes_total{server="http://a\\b\"c\nd"} 2.0
        # HELP kado_uploaded_not No counter.
        # TYPE kado_uploaded_not gauge
        kado_uploaded_not 0.5
        "##
        );
    }
}
