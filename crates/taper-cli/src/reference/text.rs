//! Documentation as it stands in the code, as text for a reader of files.

use serde_json::Value;

/// Everything before the first heading, which is for people who write programs.
pub(super) fn paragraphs(documentation: &str) -> String {
    let lines = documentation.lines().take_while(|line| !line.starts_with("# ") && !line.starts_with("```rust"));
    let mut text: String = lines.map(|line| format!("{}\n", plain(line))).collect();
    text.truncate(text.trim_end().len());
    text
}

/// The first paragraph, on one line.
pub(super) fn first_paragraph(documentation: &str) -> String {
    let text = paragraphs(documentation);
    text.split("\n\n").next().unwrap_or_default().replace('\n', " ")
}

/// What a key means, and its default: as the type has it, or as a sentence of the documentation says it.
pub(super) fn default_of(documentation: &str, default: Option<&Value>, required: bool) -> (String, String) {
    let text = first_paragraph(documentation);
    let (meaning, said) = match text.find("Default: ") {
        None => (text, None),
        Some(begin) => {
            let rest = &text[begin + "Default: ".len()..];
            let end = rest.find(". ").unwrap_or(rest.trim_end_matches('.').len());
            let after = rest.get(end + 1..).unwrap_or_default().trim();
            (format!("{} {after}", text[..begin].trim()).trim().to_owned(), Some(rest[..end].to_owned()))
        }
    };
    let default = match (required, said, default) {
        (true, ..) => "required".to_owned(),
        (false, Some(said), _) => said,
        (false, None, Some(value)) if !value.is_null() => format!("`{}`", toml(value)),
        (false, None, _) => String::new(),
    };
    (meaning, default)
}

/// A value as TOML has it in a line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Number(number) => match number.as_f64() {
            // An f32 that was read as an f64 has digits that nobody wrote.
            Some(number) => format!("{}", number as f32),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace("\\|", "|").replace('|', "\\|").replace('\n', " ")
}

/// Without links to items of the code: [`Name`](path) becomes `Name`.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(begin) = rest.find('[') {
        text.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let Some(end) = rest.find(']') else { break };
        let (label, after) = (&rest[1..end], &rest[end + 1..]);
        let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        match target {
            Some((target, after)) if !target.starts_with("http") => {
                text.push_str(label);
                rest = after;
            }
            None if label.len() > 1 && label.starts_with('`') && label.ends_with('`') => {
                text.push_str(label);
                rest = after;
            }
            _ => {
                text.push('[');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_code_become_words() {
        assert_eq!(
            plain("see [`Anchor`](crate::Anchor), [`Role`] and [modes](PenaltyMode)"),
            "see `Anchor`, `Role` and modes"
        );
        assert_eq!(
            plain("a share in [0, 1) of `w[i]`; [paper](https://a.b/c)"),
            "a share in [0, 1) of `w[i]`; [paper](https://a.b/c)"
        );
    }

    #[test]
    fn a_default_is_what_the_text_says_or_what_the_type_has() {
        let of = |text: &str, default: Option<Value>| default_of(text, default.as_ref(), false);
        assert_eq!(of("Rows per step. Default: 32.", None), ("Rows per step.".to_owned(), "32".to_owned()));
        assert_eq!(
            of("A. Default: 0.01 for SGD, 1e-3 else. B.", None),
            ("A. B.".to_owned(), "0.01 for SGD, 1e-3 else".to_owned())
        );
        assert_eq!(of("The slope.", Some(Value::from(0.2_f32))).1, "`0.2`");
        assert_eq!(default_of("A.", None, true).1, "required");
    }
}
