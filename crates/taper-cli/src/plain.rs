//! Text from files, made safe to show: no control character reaches a terminal, and no message is as long as its input.

use std::borrow::Cow;
use std::fmt::Write;

/// The most bytes of a message.
const MOST: usize = 2000;
/// The most characters of one of its lines, and how many of them are its end, where the advice stands.
const MOST_LINE: usize = 700;
const END: usize = 250;

/// The text with every character that a terminal could obey, or that turns the direction of what follows, written as JSON has it:
/// `\u001b`. Lines and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A message of at most 2 kB: long lines lose their middle, what does not fit is counted.
pub(crate) fn message(text: &str) -> String {
    let text = visible(text);
    let lines: Vec<Cow<'_, str>> = text.lines().map(line).collect();
    let (mut shown, mut used) = (0, 0);
    for line in &lines {
        // Every line begins with `error: `, and the last may say how many are missing.
        used += line.len() + 8;
        if used > MOST - 60 {
            break;
        }
        shown += 1;
    }
    let shown = usize::max(shown, 1).min(lines.len());
    let mut message = lines[..shown].join("\n");
    match lines.len() - shown {
        0 => {}
        more => {
            let _ = write!(message, "\nand {more} more of them");
        }
    }
    message
}

fn line(line: &str) -> Cow<'_, str> {
    let count = line.chars().count();
    // Characters of up to four bytes each have to fit.
    let most = if line.len() > 2 * count { MOST_LINE / 2 } else { MOST_LINE };
    if count <= most {
        return Cow::Borrowed(line);
    }
    let end = END.min(most / 3);
    let begin = most - end;
    let head: String = line.chars().take(begin).collect();
    let tail: String = line.chars().skip(count - end).collect();
    Cow::Owned(format!("{head} … ({} characters left out) … {tail}", count - most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_could_obey_is_written_out() {
        assert_eq!(visible("a\u{1b}]0;pwn\u{7}b\u{9b}2J\u{202e}c\r"), "a\\u001b]0;pwn\\u0007b\\u009b2J\\u202ec\\u000d");
        assert_eq!(visible("two\nlines\tand λ ≤ 1"), "two\nlines\tand λ ≤ 1");
    }

    #[test]
    fn no_message_is_longer_than_two_kilobytes_and_its_ends_are_kept() {
        let long = format!("e.toml: model: expected a layer, got `{}` (did you mean `dense`?)", "x".repeat(600_000));
        let text = message(&long);
        assert!(
            text.len() < 1000 && text.starts_with("e.toml: model") && text.ends_with("(did you mean `dense`?)"),
            "{text}"
        );
        for piece in ["x", "λ", "😀", "\u{1b}", "x\n", "xxxxxxxxx xxxxxxxxx xxxxxxxxx\n"] {
            for count in [1, 100, 1000, 100_000] {
                let text = message(&piece.repeat(count));
                let told: usize = text.lines().map(|line| line.len() + 8).sum();
                assert!(told <= MOST, "{piece:?} {count}: {told}");
            }
        }
        assert!(message(&"one\n".repeat(1000)).ends_with("more of them"));
        assert_eq!(message("short"), "short");
        assert_eq!(message(""), "");
    }
}
