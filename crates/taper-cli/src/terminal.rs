//! The terminal: how wide it is, where lines break, and how much is said on it.

use std::borrow::Cow;
use std::sync::OnceLock;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// How much is said on stderr, beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Nothing.
    Quiet,
    /// Progress, warnings, where files are.
    Usual,
    /// Also what is read, how it runs, and how long it took.
    Verbose,
}

static VOICE: OnceLock<Voice> = OnceLock::new();

/// Sets how much is said, once.
pub(crate) fn set_voice(quiet: bool, verbose: bool) {
    let voice = match (quiet, verbose) {
        (true, _) => Voice::Quiet,
        (false, true) => Voice::Verbose,
        (false, false) => Voice::Usual,
    };
    VOICE.get_or_init(|| voice);
}

/// How much is said.
pub(crate) fn voice() -> Voice {
    VOICE.get().copied().unwrap_or(Voice::Usual)
}

/// Columns of stdout, if it is a terminal.
pub(crate) fn stdout_width() -> Option<usize> {
    columns_of(terminal_size::terminal_size_of(std::io::stdout()))
}

/// Columns of stderr, if it is a terminal.
pub(crate) fn stderr_width() -> Option<usize> {
    columns_of(terminal_size::terminal_size_of(std::io::stderr()))
}

/// A terminal that does not know its size says 0 columns.
fn columns_of(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    size.map(|(width, _)| if width.0 == 0 { 80 } else { usize::from(width.0) })
}

/// The columns that a text takes.
pub(crate) fn display_width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// The text with lines of at most `width` columns, broken between words; what continues a line is indented as the line is, and
/// by `hanging` more. A word that is longer than a line stays whole, so that a path can be copied.
pub(crate) fn wrap<'a>(text: &'a str, width: Option<usize>, hanging: &str) -> Cow<'a, str> {
    let Some(width) = width else { return Cow::Borrowed(text) };
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, width, hanging)).collect();
    Cow::Owned(lines.join("\n"))
}

fn wrap_line(line: &str, width: usize, hanging: &str) -> String {
    if display_width(line) <= width {
        return line.to_owned();
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let continued = format!("{indent}{hanging}");
    textwrap::fill(line, options(width).subsequent_indent(&continued))
}

/// A text behind a head, as [`wrap`] breaks it; the head and the first word are never apart.
pub(crate) fn wrap_behind(head: &str, text: &str, width: usize) -> String {
    textwrap::fill(text, options(width).initial_indent(head).subsequent_indent("  "))
}

/// The lines of a cell that is `width` columns wide.
pub(crate) fn wrap_cell(cell: &str, width: usize) -> Vec<Cow<'_, str>> {
    textwrap::wrap(cell, options(width.max(1)))
}

fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "error: people.csv: header: expected the columns age, city and pay, got only a, b, c and 12 more\n\n  \
                        an indented line that goes on for a while, longer than the terminal is wide";

    #[test]
    fn lines_break_between_words_at_every_width() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for width in 40..=200 {
            let wrapped = wrap(TEXT, Some(width), "  ");
            assert!(wrapped.lines().all(|line| display_width(line) <= width), "{width}: {wrapped}");
            assert_eq!(words(&wrapped), words(TEXT), "{width}");
        }
        assert_eq!(wrap(TEXT, None, ""), TEXT);
    }

    #[test]
    fn what_continues_a_line_is_indented_as_it_is() {
        assert_eq!(wrap("  one two three", Some(9), ""), "  one two\n  three");
        assert_eq!(wrap("error: one two", Some(10), "  "), "error: one\n  two");
    }

    #[test]
    fn a_long_word_stays_whole() {
        assert_eq!(wrap("see /a/very/long/path/to/a.csv now", Some(10), ""), "see\n/a/very/long/path/to/a.csv\nnow");
    }
}
