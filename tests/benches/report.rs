//! Tables and plots, for the terminal and for BENCHMARKS.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    parts: Vec<(Table, Option<Plot>)>,
}

impl Report {
    /// Adds a table, and prints it.
    pub(crate) fn add(&mut self, table: Table) {
        println!("{}", table.markdown());
        self.parts.push((table, None));
    }

    /// Adds a table with a plot of it.
    pub(crate) fn add_plotted(&mut self, table: Table, plot: Plot) {
        println!("{}", table.markdown());
        self.parts.push((table, Some(plot)));
    }

    /// Writes the tables into BENCHMARKS.md, each in the place of the one below its heading, and
    /// the plots. What people wrote around them stays.
    pub(crate) fn write(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let plots = root.join("docs").join("benchmarks");
        fs::create_dir_all(&plots).unwrap();

        let file = root.join("BENCHMARKS.md");
        let mut text = fs::read_to_string(&file).unwrap();
        for (table, plot) in &self.parts {
            text = table.written_into(&text);
            if let Some(plot) = plot {
                fs::write(plots.join(format!("{}.svg", plot.name)), plot.svg()).unwrap();
            }
        }
        fs::write(file, text).unwrap();
    }
}

/// A table.
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }

    fn markdown(&self) -> String {
        format!("## {}\n\n{}", self.title, self.rows_as_markdown())
    }

    fn rows_as_markdown(&self) -> String {
        let mut text = format!("| {} |\n", self.columns.join(" | "));
        text.push_str(&"|---".repeat(self.columns.len()));
        text.push_str("|\n");
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }

    /// A document with this table in the place of the first one below its heading.
    ///
    /// # Panics
    /// When the document has no such heading, or no table below it: a measurement would be lost.
    fn written_into(&self, document: &str) -> String {
        let heading = format!("# {}\n", self.title);
        let below = document
            .find(&heading)
            .expect("BENCHMARKS.md has a heading for each table");
        let begin = below
            + document[below..]
                .find("\n|")
                .expect("a table below its heading")
            + 1;

        let mut end = begin;
        for line in document[begin..].split_inclusive('\n') {
            if !line.starts_with('|') {
                break;
            }
            end += line.len();
        }
        format!(
            "{}{}{}",
            &document[..begin],
            self.rows_as_markdown(),
            &document[end..]
        )
    }
}

/// Points of one measurement, drawn with the straight line through the last of them and zero.
pub(crate) struct Plot {
    name: String,
    across: String,
    upwards: String,
    points: Vec<(f64, f64)>,
}

/// Sizes of a plot, in pixels.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 48.0;

impl Plot {
    /// A plot without points; its file is called `name`.
    pub(crate) fn new(name: &str, across: &str, upwards: &str) -> Self {
        Self {
            name: name.to_owned(),
            across: across.to_owned(),
            upwards: upwards.to_owned(),
            points: Vec::new(),
        }
    }

    /// Adds a point.
    pub(crate) fn point(&mut self, across: f64, upwards: f64) {
        self.points.push((across, upwards));
    }

    fn svg(&self) -> String {
        let most_across = self.points.iter().map(|point| point.0).fold(1.0, f64::max);
        let most_upwards = self.points.iter().map(|point| point.1).fold(0.1, f64::max);
        let right = WIDTH - MARGIN;
        let bottom = HEIGHT - MARGIN;
        let place = |(across, upwards): (f64, f64)| {
            let x = MARGIN + across / most_across * (right - MARGIN);
            let y = bottom - upwards / most_upwards * (bottom - MARGIN);
            (x, y)
        };

        let mut line = String::new();
        let mut marks = String::new();
        for point in &self.points {
            let (x, y) = place(*point);
            let _ = write!(line, "{x:.1},{y:.1} ");
            let _ = write!(
                marks,
                "<circle cx='{x:.1}' cy='{y:.1}' r='4'/>\
                 <text x='{x:.1}' y='{:.1}' text-anchor='end'>{}: {:.2}</text>",
                y - 8.0,
                point.0,
                point.1
            );
        }
        let (x, y) = place(self.points.last().copied().unwrap_or_default());
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' \
             font-family='sans-serif' font-size='12' fill='#334'>\
             <rect width='100%' height='100%' fill='white'/>\
             <line x1='{MARGIN}' y1='{bottom}' x2='{right}' y2='{bottom}' stroke='#99a'/>\
             <line x1='{MARGIN}' y1='{MARGIN}' x2='{MARGIN}' y2='{bottom}' stroke='#99a'/>\
             <line x1='{MARGIN}' y1='{bottom}' x2='{x:.1}' y2='{y:.1}' stroke='#bbc' \
             stroke-dasharray='4 4'/>\
             <polyline points='{line}' fill='none' stroke='#0366d6' stroke-width='2'/>{marks}\
             <text x='{right}' y='{:.1}' text-anchor='end'>{}</text>\
             <text x='8' y='{:.1}'>{}</text></svg>\n",
            HEIGHT - 12.0,
            self.across,
            MARGIN - 16.0,
            self.upwards
        )
    }
}
