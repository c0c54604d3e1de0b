//! Every recipe trains for one epoch, and says where its λ comes from.

use assert_cmd::Command;
use serde_json::Value;

fn taper(args: &[&str]) -> String {
    let output = Command::cargo_bin("taper").unwrap().args(args).assert().success().get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&taper(args)).unwrap()
}

/// The numbers behind every `l2 =` of a file.
fn strengths(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.starts_with('#'));
    code.flat_map(|line| line.split("l2 = ").skip(1))
        .filter_map(|rest| rest.split([' ', '}', ',']).find(|word| !word.is_empty() && *word != "{"))
        .collect()
}

#[test]
fn every_recipe_trains_for_one_epoch() {
    let list = json(&["recipe", "list", "--json"]);
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 10);
    for recipe in list {
        let name = recipe["name"].as_str().unwrap();
        for (key, value) in recipe.as_object().unwrap() {
            assert_ne!(value, "–", "{name} does not say its {key}");
        }
        let document = json(&["recipe", "demo", name, "--json"]);
        for trial in document["trials"].as_array().unwrap() {
            assert_eq!(trial["diverged"], 0, "{name}: {trial}");
            for score in ["train_data_loss", "train_penalty", "test_data_loss", "test_accuracy"] {
                assert!(trial[score]["mean"].as_f64().unwrap().is_finite(), "{name}: {score}");
            }
        }
    }
}

#[test]
fn the_header_says_the_strength_that_the_model_has() {
    for recipe in json(&["recipe", "list", "--json"]).as_array().unwrap() {
        let name = recipe["name"].as_str().unwrap();
        let text = taper(&["recipe", "show", name]);
        let strengths = strengths(&text);
        assert!(!strengths.is_empty(), "{name}");
        let here = recipe["lambda_here"].as_str().unwrap();
        if !matches!(name, "mlp" | "neural-smithing") {
            assert!(strengths.iter().all(|strength| *strength == here), "{name}: {here} but {strengths:?}");
        }
    }
}

#[test]
fn a_recipe_that_does_not_exist_is_told_with_the_nearest_one() {
    for command in ["show", "demo"] {
        let output = Command::cargo_bin("taper").unwrap().args(["recipe", command, "alexnett"]).assert().code(2);
        let error = String::from_utf8(output.get_output().stderr.clone()).unwrap();
        assert!(error.contains("did you mean `alexnet`?"), "{error}");
    }
    assert!(taper(&["recipe", "list"]).contains("inception-v3"));
}
