//! The figures of all runs as a table, as JSON, and against the goals.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cases::Case;
use crate::stats::Spread;

/// The subject of what we are measured by.
pub const STOA: &str = "stoa";

/// One figure of a case.
#[derive(Debug, PartialEq)]
pub struct Figure {
    /// Its name in JSON.
    pub key: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it should be.
    pub goal: Option<Goal>,
}

impl Figure {
    /// A figure without a goal.
    pub const fn new(key: &'static str, title: &'static str, unit: &'static str) -> Self {
        Self { key, title, unit, goal: None }
    }

    /// With a goal: at best `aim`, at the most `required`.
    #[must_use]
    pub const fn goal(self, aim: f64, required: f64) -> Self {
        let goal = Goal { aim, required: Some(required), sense: Sense::AtMost, gates: true };
        Self { goal: Some(goal), ..self }
    }

    /// With a goal that more is better for: `aim`, at the least `required`.
    #[must_use]
    pub const fn least(self, aim: f64, required: f64) -> Self {
        let goal = Goal { aim, required: Some(required), sense: Sense::AtLeast, gates: true };
        Self { goal: Some(goal), ..self }
    }

    /// With an aim that more is better for, and nothing that is required.
    #[must_use]
    pub const fn hope(self, aim: f64) -> Self {
        let goal = Goal { aim, required: None, sense: Sense::AtLeast, gates: false };
        Self { goal: Some(goal), ..self }
    }

    /// With a goal in time by the clock, which other programs on the machine may spoil: it is told,
    /// and fails nothing.
    #[must_use]
    pub const fn wish(self, aim: f64, required: f64) -> Self {
        let goal = Goal { aim, required: Some(required), sense: Sense::AtMost, gates: false };
        Self { goal: Some(goal), ..self }
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// What it should reach.
    pub aim: f64,
    /// What it must reach, if anything.
    pub required: Option<f64>,
    /// Which side of these is the good one.
    pub sense: Sense,
    /// Whether a missed requirement is a failure.
    pub gates: bool,
}

/// Which values are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Those up to a bound.
    AtMost,
    /// Those from a bound on.
    AtLeast,
}

impl Goal {
    fn reaches(&self, value: f64, bound: f64) -> bool {
        match self.sense {
            Sense::AtMost => value <= bound,
            Sense::AtLeast => value >= bound,
        }
    }

    /// A bound for people; most are upper ones, which need no word.
    fn bound(&self, bound: f64) -> String {
        match self.sense {
            Sense::AtMost => number(bound),
            Sense::AtLeast => format!("≥ {}", number(bound)),
        }
    }
}

/// What one run of a case says about one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The server and how it was set up.
    pub subject: String,
    /// Values by the keys of the case's figures.
    pub values: Vec<(&'static str, f64)>,
}

impl Sample {
    /// Of the server that all this is about.
    pub fn stoa(values: Vec<(&'static str, f64)>) -> Self {
        Self { subject: STOA.into(), values }
    }
}

/// All samples of a case.
pub struct Measured {
    case: &'static Case,
    /// Subjects in the order in which they came, each with the values of its figures.
    subjects: Vec<(String, BTreeMap<&'static str, Vec<f64>>)>,
}

impl Measured {
    /// Nothing measured yet.
    pub const fn new(case: &'static Case) -> Self {
        Self { case, subjects: Vec::new() }
    }

    /// Adds what one run said.
    pub fn add(&mut self, samples: Vec<Sample>) {
        for Sample { subject, values } in samples {
            let known = self.subjects.iter().position(|(name, _)| *name == subject);
            let at = known.unwrap_or_else(|| {
                self.subjects.push((subject, BTreeMap::new()));
                self.subjects.len() - 1
            });
            for (key, value) in values {
                self.subjects[at].1.entry(key).or_default().push(value);
            }
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.subjects.iter().flat_map(move |(subject, values)| {
            self.case.figures.iter().filter_map(move |figure| {
                let values = values.get(figure.key)?;
                let spread = Spread::of(values)?;
                // Goals are ours, whatever others reach.
                let goal = figure.goal.filter(|_| subject == STOA);
                Some(Row {
                    case: self.case.name,
                    subject,
                    figure,
                    goal,
                    runs: values.len(),
                    spread,
                })
            })
        })
    }
}

struct Row<'a> {
    case: &'static str,
    subject: &'a str,
    figure: &'static Figure,
    goal: Option<Goal>,
    runs: usize,
    spread: Spread,
}

impl Row<'_> {
    fn verdict(&self) -> &'static str {
        let Some(goal) = self.goal else { return "" };
        let reaches = |bound| goal.reaches(self.spread.median, bound);
        match goal.required {
            _ if reaches(goal.aim) => "aim reached",
            None => "aim missed",
            Some(required) if reaches(required) => "required reached, aim missed",
            Some(_) => "REQUIRED MISSED",
        }
    }
}

/// The table, as Markdown.
pub fn table(measured: &[Measured]) -> String {
    let mut cells = vec![
        ["case", "server", "figure", "unit", "median (min–max)", "runs", "aim", "required", ""]
            .map(str::to_owned),
    ];
    for row in measured.iter().flat_map(Measured::rows) {
        let Spread { median, min, max } = row.spread;
        let value = match row.runs {
            1 => number(median),
            _ => format!("{} ({}–{})", number(median), number(min), number(max)),
        };
        let required = row.goal.and_then(|goal| Some(goal.bound(goal.required?)));
        cells.push([
            row.case.into(),
            row.subject.into(),
            row.figure.title.into(),
            row.figure.unit.into(),
            value,
            row.runs.to_string(),
            row.goal.map(|goal| goal.bound(goal.aim)).unwrap_or_default(),
            required.unwrap_or_default(),
            row.verdict().into(),
        ]);
    }
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..9).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (index, row) in cells.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                let _ = write!(text, "| {:-<width$} ", "");
            }
            text.push_str("|\n");
        }
    }
    text
}

/// Sentences for the required values that are missed; none is good.
pub fn missed(measured: &[Measured]) -> Vec<String> {
    let rows = measured.iter().flat_map(Measured::rows);
    rows.filter_map(|row| {
        let goal = row.goal.filter(|goal| goal.gates)?;
        let required = goal.required.filter(|bound| !goal.reaches(row.spread.median, *bound))?;
        let Row { case, figure: Figure { title, unit, .. }, .. } = row;
        let (is, bound) = (number(row.spread.median), number(required));
        let least = match goal.sense {
            Sense::AtMost => "at most",
            Sense::AtLeast => "at least",
        };
        Some(format!("{case}: {title} is {is} {unit}, required are {least} {bound}"))
    })
    .collect()
}

/// Everything, for programs.
pub fn json(measured: &[Measured], about: &Value) -> Value {
    let rows = measured.iter().flat_map(Measured::rows);
    let figures: Vec<Value> = rows
        .map(|row| {
            let Spread { median, min, max } = row.spread;
            let mut figure = json!({
                "case": row.case, "server": row.subject, "figure": row.figure.key,
                "title": row.figure.title, "unit": row.figure.unit,
                "median": median, "min": min, "max": max, "runs": row.runs,
            });
            if let Some(Goal { aim, required, .. }) = row.goal {
                figure["aim"] = aim.into();
                if let Some(required) = required {
                    figure["required"] = required.into();
                }
            }
            figure
        })
        .collect();
    json!({ "about": about, "figures": figures })
}

/// Three significant digits, thousands apart.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    static CASE: Case = Case {
        name: "tea",
        about: "how tea is made",
        figures: &[
            Figure::new("cups", "cups", "1/min"),
            Figure::new("heat", "heat", "kJ").goal(10.0, 20.0),
            Figure::new("wait", "wait", "s").wish(1.0, 2.0),
        ],
        deadline: |_| std::time::Duration::ZERO,
        run: |_| Box::pin(async { Ok(Vec::new()) }),
    };

    fn measured(heats: &[f64]) -> [Measured; 1] {
        let mut measured = Measured::new(&CASE);
        for heat in heats {
            let peer = Sample { subject: "samovar".into(), values: vec![("heat", 99.0)] };
            let values = vec![("heat", *heat), ("cups", 12_345.6), ("wait", 99.0)];
            measured.add(vec![Sample::stoa(values), peer]);
        }
        [measured]
    }

    #[test]
    fn medians_are_held_against_the_goals() {
        let text = table(&measured(&[30.0, 9.0, 8.0]));
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("| 9.00 (8.00–30.0) | 3 | 10.0 | 20.0 | aim reached |"), "{text}");
        assert!(missed(&measured(&[15.0])).is_empty(), "the clock fails nothing");
        assert!(table(&measured(&[15.0])).contains("required reached, aim missed"));
        let missed = missed(&measured(&[21.0]));
        assert_eq!(missed, ["tea: heat is 21.0 kJ, required are at most 20.0"]);
    }

    #[test]
    fn more_is_better_where_a_goal_says_so() {
        static MUCH: Case = Case {
            name: "pots",
            about: "how much tea there is",
            figures: &[
                Figure::new("litres", "litres", "l").least(8.0, 4.0),
                Figure::new("guests", "guests", "").hope(10.0),
            ],
            deadline: |_| std::time::Duration::ZERO,
            run: |_| Box::pin(async { Ok(Vec::new()) }),
        };
        let of = |litres: f64, guests: f64| {
            let mut measured = Measured::new(&MUCH);
            measured.add(vec![Sample::stoa(vec![("litres", litres), ("guests", guests)])]);
            [measured]
        };
        assert!(table(&of(9.0, 9.0)).contains("| ≥ 8.00 | ≥ 4.00   | aim reached"));
        assert!(table(&of(9.0, 9.0)).contains("aim missed"));
        assert!(missed(&of(4.0, 0.0)).is_empty(), "nothing is required of guests");
        let missed = missed(&of(3.0, 10.0));
        assert_eq!(missed, ["pots: litres is 3.00 l, required are at least 4.00"]);
        assert!(json(&of(9.0, 9.0), &Value::Null)["figures"][1]["required"].is_null());
    }

    #[test]
    fn peers_have_no_goals_and_every_server_its_rows() {
        let all = measured(&[1.0]);
        let json = json(&all, &Value::Null);
        let figures = json["figures"].as_array().unwrap();
        let of = |server: &str| figures.iter().filter(|row| row["server"] == server).count();
        assert_eq!((of("stoa"), of("samovar")), (3, 1));
        assert!(
            figures.iter().filter(|row| row["server"] == "samovar").all(|r| r["aim"].is_null())
        );
    }

    #[test]
    fn numbers_for_people() {
        let said = [0.0, 0.1234, 1.5, 12.345, 999.9, 1234.4, -1_234_567.0].map(number);
        assert_eq!(said, ["0", "0.123", "1.50", "12.3", "1,000", "1,234", "-1,234,567"]);
    }
}
