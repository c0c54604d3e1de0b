//! Rows of cells in columns, as wide as the terminal allows.

use crate::terminal::{display_width, stdout_width, wrap_behind, wrap_cell};

/// Columns between two cells.
const GAP: usize = 2;

/// Rows in columns, the first row above a line. On a terminal that is too narrow, cells are broken between words; if that is not
/// enough, each row becomes a block of lines.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    lay_out(rows, stdout_width())
}

fn lay_out(rows: &[Vec<String>], width: Option<usize>) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let widest = |measure: fn(&str) -> usize| -> Vec<usize> {
        (0..count).map(|column| rows.iter().map(|row| measure(&cell(row, column))).max().unwrap_or(0)).collect()
    };
    let natural = widest(display_width);
    let Some(width) = width else { return grid(rows, &natural) };
    let longest_word = |cell: &str| cell.split(' ').map(display_width).max().unwrap_or(0);
    match shrink(natural, &widest(longest_word), width) {
        Some(widths) => grid(rows, &widths),
        None => blocks(rows, width),
    }
}

/// Takes from the widest columns until all fit, none below its longest word.
fn shrink(mut widths: Vec<usize>, least: &[usize], width: usize) -> Option<Vec<usize>> {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let can = (0..widths.len()).filter(|column| widths[*column] > least[*column]);
        let widest = can.max_by_key(|column| widths[*column])?;
        widths[widest] -= 1;
    }
    Some(widths)
}

fn grid(rows: &[Vec<String>], widths: &[usize]) -> String {
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<_>> = widths
            .iter()
            .enumerate()
            .map(|(column, width)| wrap_cell(row.get(column).map_or("", String::as_str), *width))
            .collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let parts = cells.iter().zip(widths).map(|(cell, width)| {
                let part = cell.get(line).map_or("", |part| part.as_ref());
                format!("{part}{}", " ".repeat(width.saturating_sub(display_width(part))))
            });
            text.push_str(parts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end());
            text.push('\n');
        }
        if i == 0 {
            text.push_str(&"─".repeat(widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)));
            text.push('\n');
        }
    }
    text
}

/// `head: cell` in a line each, rows apart by an empty line. Lines that are too long break between words, but not behind the head.
fn blocks(rows: &[Vec<String>], width: usize) -> String {
    let Some((head, rows)) = rows.split_first() else { return String::new() };
    let line = |(cell, head): (&String, &String)| {
        let head = if head.is_empty() { String::new() } else { format!("{head}: ") };
        format!("{}\n", wrap_behind(&head, cell, width))
    };
    let block =
        |row: &Vec<String>| -> String { row.iter().zip(head).filter(|(cell, _)| !cell.is_empty()).map(line).collect() };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        vec![
            row(["Name", "Paper", "λ there", "λ here"]),
            row(["alexnet", "Krizhevsky, Sutskever and Hinton 2012", "0.0005", "2.5e-4"]),
            row(["vgg", "Simonyan and Zisserman 2015", "5e-4", "0.00025 on all kernels of convolutions"]),
        ]
    }

    #[test]
    fn columns_fit_any_terminal_and_break_between_words() {
        let words = |text: &str| {
            let mut words: Vec<String> =
                text.split_whitespace().map(|word| word.trim_end_matches(':').to_owned()).collect();
            words.sort();
            words.dedup();
            words
        };
        let plain = lay_out(&rows(), None);
        for width in 40..=200 {
            let text = lay_out(&rows(), Some(width));
            assert!(text.lines().all(|line| display_width(line) <= width), "{width}:\n{text}");
            let known = words(&plain);
            assert!(words(&text).iter().all(|word| word.starts_with('─') || known.contains(word)), "{width}:\n{text}");
        }
        assert_eq!(lay_out(&rows(), Some(200)), plain);
    }

    #[test]
    fn a_row_becomes_a_block_where_columns_do_not_fit() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = lay_out(&[row(["key", ""]), row(["0123456789", "abcdefghij"]), row(["1", ""])], Some(12));
        assert_eq!(text, "key: 0123456789\nabcdefghij\n\nkey: 1\n");
        let text = lay_out(&[row(["key", ""]), row(["012 on all kernels", "0123456789ab"])], Some(12));
        assert_eq!(text, "key: 012 on\n  all\n  kernels\n0123456789ab\n");
    }
}
