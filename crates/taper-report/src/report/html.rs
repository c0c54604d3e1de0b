//! The report as one HTML file.

use minijinja::{Environment, Value, context};

use super::{Block, Report, Section};
use crate::error::Result;
use crate::report::table::Table;

const TEMPLATE: &str = include_str!("../../templates/report.html");

impl Report {
    /// The report as one HTML file that needs nothing else: style and figures are inside, and nothing is loaded.
    ///
    /// # Errors
    ///
    /// [`Error::Template`](crate::Error::Template) when the template fails, which no content should bring about.
    pub fn html(&self) -> Result<String> {
        let mut environment = Environment::new();
        // The ending of the name is what turns on the escaping of everything that is filled in.
        environment.add_template("report.html", TEMPLATE)?;
        let sections: Vec<Value> = self.sections.iter().map(section).collect();
        let reproduce =
            self.reproduce.as_ref().map(|how| context! { command => &*how.command, experiment => &*how.experiment });
        let page = environment.get_template("report.html")?.render(context! {
            title => &*self.title,
            lede => &*self.lede,
            sections,
            reproduce,
        })?;
        Ok(page)
    }
}

fn section(section: &Section) -> Value {
    let blocks: Vec<Value> = section.blocks.iter().map(block).collect();
    context! { heading => &*section.heading, blocks }
}

fn block(block: &Block) -> Value {
    match block {
        Block::Paragraph(text) => context! { kind => "paragraph", text },
        Block::Table(table) => {
            context! { kind => "table", caption => &*table.caption, head => head(table), rows => rows(table) }
        }
        // The SVG is our own markup, in which user text is escaped already.
        Block::Figure(illustration) => context! {
            kind => "figure",
            svg => Value::from_safe_string(illustration.figure.svg()),
            caption => &*illustration.caption,
        },
    }
}

fn head(table: &Table) -> Vec<Value> {
    table.head.iter().enumerate().map(|(i, text)| context! { text, numeric => table.is_numeric(i) }).collect()
}

fn rows(table: &Table) -> Vec<Value> {
    let row = |(i, cells): (usize, &Vec<super::table::Cell>)| {
        let cells: Vec<Value> =
            cells.iter().map(|cell| context! { text => &*cell.text, numeric => cell.numeric }).collect();
        context! { cells, chosen => table.chosen == Some(i) }
    };
    table.rows.iter().enumerate().map(row).collect()
}
