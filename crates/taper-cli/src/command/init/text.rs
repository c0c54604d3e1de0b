//! The experiment file.

use std::fmt::Write;
use std::path::Path;

use taper::DataSpec;

use super::found::{Found, Task};
use crate::args::Init;
use crate::command::folder_of;

/// Folds of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folds {
    pub(super) inner: usize,
    pub(super) outer: usize,
}

impl Folds {
    /// What is written if the rows allow it.
    pub(super) const USUAL: Self = Self { inner: 5, outer: 5 };
    /// What is written else: the first that the rows allow.
    pub(super) const FEWER: [(usize, usize); 7] = [(4, 5), (3, 5), (2, 5), (3, 4), (3, 3), (2, 3), (2, 2)];
}

/// The experiment file.
pub(super) fn text(args: &Init, found: &Found, folds: Folds) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let Found { rows, spec, .. } = found;
    line(format!("# {}.", comment(&found.sentence(&args.data))));
    line("# Written by `taper init`: every line is a default that may be changed. `taper choose` takes the file as it is.".into());
    found.said.iter().for_each(|said| line(format!("# {}.", comment(said))));
    line(String::new());
    line("[data]".into());
    line(format!("source = {}", quoted(&source(&args.data, &args.out))));
    line(format!("target = {}", quoted(&found.target)));
    written(spec).into_iter().for_each(&mut line);
    if found.excluded.is_empty() {
        line("# exclude = [\"id\"]         # columns that are left out".into());
    } else {
        for (name, reason) in &found.excluded {
            line(format!("# left out: {}: {}", comment(name), comment(reason)));
        }
        let names: Vec<String> = found.excluded.iter().map(|(name, _)| name.clone()).collect();
        line(format!("exclude = [{}]", list(&names)));
    }
    if spec.one_hot.is_empty() {
        line("# one_hot = [\"zip\"]        # columns of numbers that are names of categories".into());
    } else {
        line(format!("one_hot = [{}]", list(&spec.one_hot)));
    }
    match &args.group {
        Some(name) => line(format!("group = {}", quoted(name))),
        None => line(
            "# group = \"patient\"        # rows that belong together are never divided between training and test"
                .into(),
        ),
    }
    match &args.time {
        Some(name) => line(format!("time = {}", quoted(name))),
        None => {
            line("# time = \"date\"            # rows are ordered by it, and none is predicted from later ones".into());
        }
    }
    line("# What follows is measured on training rows alone, in each fold anew, and saved with the model.".into());
    line("standardize = true".into());
    if found.task == Task::Number {
        line(
            "standardize_target = true  # losses are in squared standard deviations: 1 is what the mean would get"
                .into(),
        );
    }
    if found.missing {
        line("missing = \"median\"         # or \"mean\", \"most_frequent\", \"drop\", \"error\"".into());
        line("missing_indicator = true   # one more input for each such column: whether its cell was empty".into());
    }
    line(format!(
        "{}unseen = \"zero\"          # a category that no row to learn from has is none of the known ones; \"error\": a mistake",
        if found.categories > 0 { "" } else { "# " }
    ));
    if let Some(share) = found.test() {
        line(format!(
            "test = {share}                 # rows that take part in no choice; or a file: test = \"test.csv\""
        ));
    } else {
        line(format!("# {rows} rows are too few to set some aside: outer folds judge the choice."));
        line(
            "# test = \"test.csv\"        # rows that take part in no choice, if there are any, or a share: test = 0.2"
                .into(),
        );
    }
    line(String::new());
    line(format!(
        "# Two hidden layers with more weights than needed, so that a penalty has something to do ({} inputs).",
        found.inputs
    ));
    line("[model]".into());
    line("layers = [".into());
    for _ in 0..2 {
        line(format!("  {{ layer = \"dense\", units = {}, activation = \"relu\" }},", found.units()));
    }
    let (output, loss, metrics) = match found.task {
        Task::Binary => ("units = 1, activation = \"sigmoid\"".to_owned(), "binary_crossentropy", "\"accuracy\""),
        Task::Classes(count) => {
            (format!("units = {count}, activation = \"softmax\""), "sparse_categorical_crossentropy", "\"accuracy\"")
        }
        Task::Number => ("units = 1".to_owned(), "mse", "\"mae\""),
    };
    line(format!("  {{ layer = \"dense\", {output} }},"));
    line("]".into());
    line(String::new());
    line("[fit]".into());
    line(format!("loss = \"{loss}\""));
    line(format!("metrics = [{metrics}]"));
    line("optimizer = { name = \"adam\", learning_rate = 0.001 }".into());
    line(format!("epochs = {}                # long enough that a model without penalty overfits", found.epochs()));
    line(format!("batch_size = {}", found.batch_size()));
    line(String::new());
    line("[choose]".into());
    line("penalties = [\"l2\"]        # families to compare; on which weights: kernels".into());
    line(format!("folds = {}", folds.inner));
    if folds.outer != Folds::USUAL.outer {
        line(format!("outer_folds = {}", folds.outer));
    }
    line(format!("repeats = {}", if *rows > 100_000 { 1 } else { 10 }));
    line("score = \"data_loss\"".into());
    line("seed = 1".into());
    line("rule = \"min\"               # or \"1se\": the strongest within one standard error of the best".into());
    text
}

/// The keys that say how the table is written.
fn written(spec: &DataSpec) -> Vec<String> {
    let mut lines = Vec::new();
    let mut character = |key: &str, value: Option<char>| {
        lines.extend(value.map(|value| format!("{key} = {}", quoted(&value.to_string()))));
    };
    character("delimiter", spec.delimiter);
    character("decimal", spec.decimal);
    character("thousands", spec.thousands);
    if spec.units {
        lines.push("units = true               # 60% is 60, $182 is 182, (80) is -80".to_owned());
    }
    lines.extend(
        spec.na.as_ref().map(|na| format!("na = [{}]                 # words that mean an empty cell", list(na))),
    );
    lines
}

/// The items of a list of texts.
fn list(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

/// Where the table is, seen from the experiment file.
fn source(data: &Path, out: &Path) -> String {
    let folder = folder_of(out);
    let near = match data.strip_prefix(folder) {
        Ok(rest) if !data.is_absolute() || folder.is_absolute() => Some(rest.to_owned()),
        _ => None,
    };
    let path = near.unwrap_or_else(|| data.canonicalize().unwrap_or_else(|_| data.to_owned()));
    path.display().to_string()
}

/// A text of TOML. JSON's escapes are TOML's, but for one character that TOML wants escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A text that ends no comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_where_the_experiment_lies() {
        assert_eq!(source(Path::new("a/b.csv"), Path::new("a/e.toml")), "b.csv");
        assert_eq!(source(Path::new("a/b.csv"), Path::new("e.toml")), "a/b.csv");
        assert_eq!(source(Path::new("/a/b.csv"), Path::new("e.toml")), "/a/b.csv");
    }

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        for name in ["a\"b", "a\\", "a\nb = 1", "\u{7f}\u{1}", "]\n[fit]", "'''", "é\u{2028}"] {
            let table: toml::Table =
                toml::from_str(&format!("name = {}\n# {}\n", quoted(name), comment(name))).unwrap();
            assert_eq!((table.len(), table["name"].as_str()), (1, Some(name)));
        }
    }
}
