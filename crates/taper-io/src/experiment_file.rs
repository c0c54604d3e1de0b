//! Experiment files: TOML, or JSON by its ending.

use std::path::Path;

use taper::{Complaint, Experiment, Policy};

use crate::file::read_text;
use crate::stream::is_stream;
use crate::{Error, Format, Result, json};

/// An experiment file longer than this is a mistake.
const MOST_BYTES: u64 = 16 << 20;

/// Reads an experiment from a `.toml` or `.json` file. Nothing else is read: its data is not opened.
///
/// # Errors
///
/// A file that cannot be read, is not TOML (JSON), or is not an experiment: with the line where there is one, the path of the
/// key and the nearest known word.
pub fn read_experiment(path: &Path) -> Result<Experiment> {
    parse_experiment(path, &read_text(path, MOST_BYTES)?)
}

/// Reads an experiment from the text of the file `path`, which is only named.
///
/// # Errors
///
/// As [`read_experiment`].
pub fn parse_experiment(path: impl AsRef<Path>, text: &str) -> Result<Experiment> {
    let path = path.as_ref();
    // Of a stream, the text has to tell: no TOML begins with a brace.
    let is_json = Format::of(path) == Some(Format::Json) || (is_stream(path) && text.trim_start().starts_with('{'));
    let value: serde_json::Value = if is_json {
        json::parse(text.as_bytes()).map_err(|complaint| Error::content(path, complaint))?
    } else {
        let table: toml::Table = toml::from_str(text).map_err(|error| syntax(path, text, &error))?;
        check_finite(path, &table)?;
        serde_json::to_value(table).map_err(|error| unwritable(path, &error))?
    };
    Experiment::from_value(value).map_err(|error| Error::within(path, error))
}

/// Reads a policy from what is typed: the contents of its table, `l2 = 1e-4, roles = ["kernel"]`, with or without braces.
///
/// # Errors
///
/// Text that is not TOML, or not a policy; `place` is where it was typed.
///
/// # Example
///
/// ```
/// let policy = taper_io::parse_policy("--regularization", "l2=1e-4").unwrap();
/// assert_eq!(policy, taper::Regularizer::l2(1e-4).into());
/// ```
pub fn parse_policy(place: &str, text: &str) -> Result<Policy> {
    let path = Path::new(place);
    let inner = text.trim();
    let text = if inner.starts_with('{') { format!("policy = {inner}") } else { format!("policy = {{ {inner} }}") };
    let mut table: toml::Table = toml::from_str(&text).map_err(|error| syntax(path, &text, &error))?;
    check_finite(path, &table)?;
    let policy = table.remove("policy").map(serde_json::to_value).transpose();
    let policy = policy.map_err(|error| unwritable(path, &error))?.unwrap_or_default();
    taper::read(policy).map_err(|error| Error::within(path, error))
}

/// Reads a setting from what is typed: a name, several with commas between, or a table or list as in an experiment.
///
/// # Errors
///
/// Text that is not TOML; `place` is where it was typed.
///
/// # Example
///
/// ```
/// let metrics = taper_io::parse_setting("--metrics", "mae, mse").unwrap();
/// assert_eq!(metrics, serde_json::json!(["mae", "mse"]));
/// ```
pub fn parse_setting(place: &str, text: &str) -> Result<serde_json::Value> {
    let (path, text) = (Path::new(place), text.trim());
    if !text.starts_with(['{', '[', '"']) {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        return Ok(match names.as_slice() {
            [only] => (*only).into(),
            _ => names.into(),
        });
    }
    let mut table: toml::Table =
        toml::from_str(&format!("setting = {text}")).map_err(|error| syntax(path, "TOML", &error))?;
    check_finite(path, &table)?;
    let value = table.remove("setting").map(serde_json::to_value).transpose();
    value.map(Option::unwrap_or_default).map_err(|error| unwritable(path, &error))
}

/// TOML can write `nan` and `inf`. No setting means anything then, and the values that an experiment is made of cannot hold
/// them: they would look like a setting that was left out.
fn check_finite(path: &Path, table: &toml::Table) -> Result<()> {
    fn walk(value: &toml::Value, place: String, complaints: &mut Vec<Complaint>) {
        match value {
            toml::Value::Float(number) if !number.is_finite() => {
                complaints.push(Complaint::new(place, "a finite number", number));
            }
            toml::Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| walk(item, format!("{place}[{i}]"), complaints));
            }
            toml::Value::Table(table) => {
                table.iter().for_each(|(key, value)| walk(value, format!("{place}.{key}"), complaints));
            }
            _ => {}
        }
    }
    let mut complaints = Vec::new();
    table.iter().for_each(|(key, value)| walk(value, key.clone(), &mut complaints));
    if complaints.is_empty() { Ok(()) } else { Err(Error::Content { path: path.to_owned(), complaints }) }
}

/// The language's own message, which shows the line that it is about; without that line if it is long, as a line can be a whole file.
fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    const MOST: usize = 600;
    let told = error.to_string();
    let told = if told.len() <= MOST {
        format!("this:\n{told}")
    } else {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("a mistake in line {line}, column {column}: {}", error.message())
    };
    Error::content(path, Complaint::new("", "TOML that can be parsed", told))
}

fn unwritable(path: &Path, error: &serde_json::Error) -> Error {
    Error::content(path, Complaint::new("", "TOML that can be parsed", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Experiment> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.toml");
        std::fs::write(&path, text).unwrap();
        read_experiment(&path)
    }

    const GOOD: &str = r#"
        [data]
        source = "moons"
        train = 30
        [model]
        input_shape = [2]
        layers = [{ layer = "dense", units = 1, activation = "sigmoid", kernel_regularizer = { l2 = 0.001 } }]
        [fit]
        loss = "binary_crossentropy"
        optimizer = { name = "adam" }
    "#;

    #[test]
    fn a_good_file_is_read() {
        assert_eq!(read(GOOD).unwrap().model.input_shape(), [2]);
    }

    #[test]
    fn mistakes_name_file_place_and_remedy() {
        let error = |from: &str, to: &str| read(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error("units", "unts").contains("e.toml: model.layers[0].unts: "));
        assert!(error("units", "unts").contains("did you mean `units`?"));
        assert!(error("\"adam\"", "\"adamm\"").contains("fit.optimizer"));
        assert!(error("0.001", "\"x\"").contains("model.layers[0].kernel_regularizer"));
        assert!(error("[fit]", "[fits]").contains("fit"));
        assert!(error("[data]", "[data").contains("line 2") || error("[data]", "[data").contains('2'));
        let long = format!("a = \"{}\nb = 1", "x".repeat(100_000));
        let text = read(&long).unwrap_err().to_string();
        assert!(text.len() < 400 && text.contains("line 1, column "), "{text}");
        let twice = parse_experiment("e.json", r#"{"fit": {"epochs": -5, "epochs": 1}}"#).unwrap_err().to_string();
        assert!(twice.contains("`epochs` twice"), "{twice}");
        assert!(read_experiment(Path::new("no such file.toml")).unwrap_err().is_input());
        assert!(read_experiment(Path::new(".")).unwrap_err().to_string().contains("a folder"));
    }
}
