//! The report as Markdown, for places that show no HTML.

use super::{Block, Report};
use crate::report::table::Table;

impl Report {
    /// The report as Markdown with tables in GitHub's style. Figures are links to `figure/NAME.svg`, the names being
    /// those of [`Report::figures`].
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n**{}**\n", line(&self.title), line(&self.lede));
        let mut names = self.figures().into_iter();
        for section in &self.sections {
            text.push_str(&format!("\n## {}\n", line(&section.heading)));
            for block in &section.blocks {
                text.push('\n');
                match block {
                    Block::Paragraph(paragraph) => text.push_str(&format!("{}\n", line(paragraph))),
                    Block::Table(table) => text.push_str(&grid(table)),
                    Block::Figure(illustration) => {
                        let name = names.next().map_or_else(String::new, |(name, _)| name);
                        let alt = line(illustration.figure.alt());
                        text.push_str(&format!("![{alt}](figure/{name}.svg)\n\n*{}*\n", line(&illustration.caption)));
                    }
                }
            }
        }
        if let Some(how) = &self.reproduce {
            text.push_str(&format!("\n## Reproduce\n\n{}", fenced(&how.command, "sh")));
            if !how.experiment.is_empty() {
                text.push_str(&format!("\n{}", fenced(&how.experiment, "toml")));
            }
        }
        text
    }
}

fn grid(table: &Table) -> String {
    let columns = 0..table.head.len();
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = if table.caption.is_empty() { String::new() } else { format!("{}\n\n", line(&table.caption)) };
    text.push_str(&row(table.head.iter().map(|head| line(head)).collect()));
    let rule = columns.map(|column| if table.is_numeric(column) { "---:" } else { "---" }.to_owned());
    text.push_str(&row(rule.collect()));
    for (i, cells) in table.rows.iter().enumerate() {
        let chosen = table.chosen == Some(i);
        let cell = |text: &str| if chosen && !text.is_empty() { format!("**{}**", line(text)) } else { line(text) };
        text.push_str(&row(cells.iter().map(|c| cell(&c.text)).collect()));
    }
    text
}

/// Text on one line in which no character means anything but itself.
fn line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!' | '$') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // A line that begins like a list would become one.
    let marker = escaped.split_once(' ').map_or(escaped.as_str(), |(first, _)| first);
    if matches!(marker, "-" | "+") {
        escaped.insert(0, '\\');
    } else if let Some(digits) = marker.strip_suffix(['.', ')'])
        && !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit())
    {
        escaped.insert(digits.len(), '\\');
    }
    escaped
}

/// A code block whose fence is longer than any in `code`.
fn fenced(code: &str, language: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(line("a|b *c* <d>\n\n# e"), "a\\|b \\*c\\* \\<d\\> \\# e");
        assert_eq!(line("1. one"), "1\\. one");
        assert_eq!(line("- one"), "\\- one");
        assert_eq!(line("1.5 is more than 1"), "1.5 is more than 1");
    }

    #[test]
    fn code_cannot_leave_its_block() {
        assert_eq!(fenced("a\n```\nb", "toml"), "````toml\na\n```\nb\n````\n");
        assert_eq!(fenced("a\n", "sh"), "```sh\na\n```\n");
    }
}
