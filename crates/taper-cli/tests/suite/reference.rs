//! The reference of the experiment file: as the program prints it, and with every key that the readers know.

use serde_json::{Value, json};
use taper::{
    ChooseSpec, DataSpec, Experiment, FitConfig, Graph, LayerKind, LayerSpec, Regularizer, Sequential, StudySpec,
};

use crate::bench::Bench;

fn reference() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/experiment.md")).unwrap()
}

#[test]
fn the_file_is_what_the_program_prints() {
    let printed = Bench::new(&[]).taper("reference").quiet().stdout;
    assert!(printed == reference(), "stale: `taper reference > docs/experiment.md` writes it anew");
}

/// The keys that a reader knows, as it tells them to somebody who gave an unknown one.
fn keys<T: serde::de::DeserializeOwned + std::fmt::Debug>(mut value: Value) -> Vec<String> {
    value["no such key"] = json!(1);
    let error = taper::read::<T>(value).unwrap_err().to_string();
    let known = error.split("expected ").nth(1).and_then(|rest| rest.split(", got").next()).unwrap_or_default();
    match known.strip_prefix("one of ") {
        Some(known) => known.split(", ").map(str::to_owned).collect(),
        // One key alone is named in backticks; none is "nothing here".
        None => known.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
    }
}

/// Everything below a heading, up to the next one.
fn section(text: &str, heading: &str) -> String {
    let begin = text.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section `{heading}`"));
    let rest = &text[begin + 4..];
    rest[..rest.find("\n## ").unwrap_or(rest.len())].to_owned()
}

#[track_caller]
fn check(heading: &str, keys: &[String]) {
    let text = section(&reference(), heading);
    for key in keys {
        assert!(text.contains(&format!("| `{key}` | ")), "`{key}` is missing below `{heading}`");
    }
}

#[test]
fn every_key_that_a_reader_knows_stands_in_it() {
    let whole = keys::<Experiment>(json!({}));
    assert_eq!(whole, ["data", "model", "fit", "study", "choose"]);
    check("The whole", &whole);
    let data = keys::<DataSpec>(json!({}));
    assert!(data.len() > 20, "{data:?}");
    check("`[data]`", &data);
    check("`[fit]`", &keys::<FitConfig>(json!({})));
    check("`[study]`", &keys::<StudySpec>(json!({})));
    check("`[choose]`", &keys::<ChooseSpec>(json!({})));
    check("`[model]` as a stack of layers", &keys::<Sequential>(json!({})));
    check("`[model]` as a graph", &keys::<Graph>(json!({})));
    check("Regularizer", &keys::<Regularizer>(json!({})));
    check("Early stopping", &keys::<taper::EarlyStopping>(json!({})));
    check("Reduce lr on plateau", &keys::<taper::ReduceLrOnPlateau>(json!({})));
}

#[test]
fn every_layer_has_a_section_with_all_of_its_keys() {
    let mut settings = 0;
    for name in LayerKind::NAMES {
        let keys = keys::<LayerSpec>(json!({ "layer": name }));
        settings += keys.len();
        check(&format!("Layer `{name}`"), &keys);
    }
    assert!(settings > 200, "{settings}");
}

#[test]
fn names_with_settings_stand_in_it_with_them() {
    let of = |heading: &str, name: &str, keys: &[String]| {
        let text = section(&reference(), heading);
        if keys.is_empty() {
            assert!(text.contains(&format!("`\"{name}\"`")), "`{name}` is missing below `{heading}`");
            return;
        }
        let begin = text
            .find(&format!("`name = \"{name}\"`"))
            .unwrap_or_else(|| panic!("`{name}` is missing below `{heading}`"));
        let rest = &text[begin + 1..];
        let own = &rest[..rest.find("`name = ").unwrap_or(rest.len())];
        keys.iter().for_each(|key| assert!(own.contains(&format!("| `{key}` | ")), "{key} of {name}"));
    };
    let names = |error: taper::Error| -> Vec<String> {
        let text = error.to_string();
        let known =
            text.split("expected one of ").nth(1).and_then(|rest| rest.split(", got").next()).unwrap_or_default();
        known.split(", ").map(str::to_owned).collect()
    };
    macro_rules! all {
        ($heading:literal, $type:ty) => {
            for name in names(taper::read::<$type>(json!("no such name")).unwrap_err()) {
                // Other spellings of a name are read but not written.
                let Ok(value) = taper::read::<$type>(json!(name)) else { continue };
                let written = serde_json::to_value(&value).unwrap();
                if written == json!(name) || written["name"] == json!(name) {
                    of($heading, &name, &keys::<$type>(json!({ "name": name })));
                }
            }
        };
    }
    all!("Activation", taper::Activation);
    all!("Initializer", taper::Initializer);
    all!("Constraint", taper::Constraint);
    all!("Loss", taper::Loss);
    all!("The metrics", taper::Metric);
    all!("The optimizers", taper::OptimizerKind);
}

#[test]
fn every_key_that_may_be_left_out_says_what_that_means() {
    let (mut keys, mut told) = (false, 0);
    for line in reference().lines() {
        let line = line.trim();
        keys = line.starts_with("| key | value | default |") || (keys && line.starts_with('|'));
        if !keys || !line.starts_with("| `") {
            continue;
        }
        told += 1;
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let (default, meaning) = (cells[2].trim(), cells[3..].join(" | "));
        assert!(!meaning.trim_matches(['|', ' ']).is_empty(), "without a meaning: {line}");
        assert!(
            !default.is_empty() || meaning.contains("efault") || meaning.contains("leave it out"),
            "without a default: {line}"
        );
    }
    assert!(told > 300, "{told}");
}

#[test]
fn a_word_finds_its_sections() {
    let bench = Bench::new(&[]);
    let text = bench.taper("reference LSTM").quiet().stdout;
    assert!(text.starts_with("## Layer `lstm`\n") && text.contains("`recurrent_dropout`"), "{text}");
    let wrong = bench.taper("reference lstn");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("did you mean `lstm`?"), "{wrong:?}");
}
