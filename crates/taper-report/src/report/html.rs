//! The report as one HTML file.

use minijinja::{Environment, Value, context};

use super::{Block, Report, Section};
use crate::error::Result;
use crate::report::table::Table;

const TEMPLATE: &str = include_str!("../../templates/report.html");
/// The one script of a live page.
const SCRIPT: &str = include_str!("../../templates/report.js");
/// Its digest, by which the browser knows it: `openssl dgst -sha256 -binary report.js | base64`.
const DIGEST: &str = "sha256-Fd0T9LPIwSPxxArTKs45aDjG++hrgoqWKkPuKKI0f28=";

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
        let sections: Vec<Value> = self.sections.iter().map(|one| section(one, self.live)).collect();
        // The browser runs what has this digest, and nothing else.
        let script = self.live.then(|| {
            context! { text => Value::from_safe_string(SCRIPT.to_owned()), digest => DIGEST }
        });
        let reproduce =
            self.reproduce.as_ref().map(|how| context! { command => &*how.command, experiment => &*how.experiment });
        let page = environment.get_template("report.html")?.render(context! {
            title => &*self.title,
            lede => &*self.lede,
            sections,
            reproduce,
            script,
        })?;
        Ok(page)
    }
}

fn section(section: &Section, live: bool) -> Value {
    let blocks: Vec<Value> = section.blocks.iter().map(|one| block(one, live)).collect();
    context! { heading => &*section.heading, blocks }
}

fn block(block: &Block, live: bool) -> Value {
    match block {
        Block::Paragraph(text) => context! { kind => "paragraph", text },
        Block::Table(table) => {
            context! { kind => "table", caption => &*table.caption, head => head(table), rows => rows(table) }
        }
        // The SVG is our own markup, in which user text is escaped already.
        Block::Figure(illustration) => context! {
            kind => "figure",
            svg => Value::from_safe_string(if live { illustration.figure.live_svg() } else { illustration.figure.svg() }),
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

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_browser_knows_the_script() {
        assert_eq!(DIGEST, format!("sha256-{}", STANDARD.encode(Sha256::digest(SCRIPT))));
        assert!(!SCRIPT.contains("</"), "nothing in it may end it");
    }
}
