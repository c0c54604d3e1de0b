//! The reference of the experiment file: every key, made from the types that read it and from their documentation.

mod text;

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};
use taper::Described;

use self::text::{cell, default_of, first_paragraph, paragraphs};

/// A heading with what stands below it.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// What stands above the first section.
pub(crate) const INTRODUCTION: &str = "\
# The experiment file

One file in TOML (or the same in JSON) describes rows, model, training, and what is compared. `taper init` writes one for a table;
`taper plan` checks one without training. A key that is not known is refused with the nearest known one. This reference is what
`taper reference` prints; `taper reference WORD` prints the sections whose headings have the word.

Wherever a table has a `name` and nothing else is said in it, the name may stand alone: `activation = \"relu\"` is
`activation = { name = \"relu\" }`.
";

/// The tables of the file, in their usual order; what else they name comes behind each.
const ORDER: [&str; 6] = ["Experiment", "DataSpec", "ModelSpec", "FitConfig", "StudySpec", "ChooseSpec"];

/// How types are called in headings, where the type's name is not what a reader looks for.
const TITLES: [(&str, &str); 13] = [
    ("Experiment", "The whole"),
    ("DataSpec", "`[data]`"),
    ("ModelSpec", "`[model]`"),
    ("Sequential", "`[model]` as a stack of layers"),
    ("Graph", "`[model]` as a graph"),
    ("GraphNode", "A node of a graph"),
    ("LayerSpec", "Every layer"),
    ("FitConfig", "`[fit]`"),
    ("StudySpec", "`[study]`"),
    ("ChooseSpec", "`[choose]`"),
    ("MetricSpec", "Metric"),
    ("Metric", "The metrics"),
    ("OptimizerKind", "The optimizers"),
];

/// The whole reference.
pub(crate) fn sections() -> Vec<Section> {
    let described = Described::new();
    let mut reference = Reference { types: &described.types, met: BTreeSet::new(), sections: Vec::new() };
    reference.met.extend(ORDER.map(str::to_owned));
    for name in ORDER {
        reference.met.remove(name);
        reference.visit(name);
    }
    let own = std::mem::take(&mut reference.sections);
    let layers: Vec<Section> = described.layers.iter().map(|(name, schema)| reference.layer(name, schema)).collect();
    // Types that only layers name.
    own.into_iter().chain(std::mem::take(&mut reference.sections)).chain(layers).collect()
}

struct Reference<'a> {
    types: &'a Map<String, Value>,
    met: BTreeSet<String>,
    sections: Vec<Section>,
}

impl Reference<'_> {
    /// Adds the section of a type and then those of all types in it that have no section yet.
    fn visit(&mut self, name: &str) {
        let Some(schema) = self.types.get(name) else { return };
        if is_words(schema) || !self.met.insert(name.to_owned()) {
            return;
        }
        let body = format!("{}\n{}", paragraphs(description(schema)), self.contents(schema));
        self.sections.push(Section { title: title(name), body });
        self.visit_all(schema);
    }

    fn visit_all(&mut self, schema: &Value) {
        let mut names = Vec::new();
        references(schema, &mut names);
        names.iter().for_each(|name| self.visit(name));
    }

    fn layer(&mut self, name: &str, schema: &Value) -> Section {
        let body = format!("{}\n{}", first_paragraph(description(schema)), self.contents(schema));
        self.visit_all(schema);
        Section { title: format!("Layer `{name}`"), body }
    }

    /// Keys, and the other forms that a value may have.
    fn contents(&self, schema: &Value) -> String {
        let mut text = self.keys(schema);
        let mut names = Vec::new();
        for form in ["oneOf", "anyOf", "allOf"].iter().filter_map(|form| schema[form].as_array()).flatten() {
            let lone =
                form["properties"].as_object().is_some_and(|keys| keys.len() == 1) && description(form).is_empty();
            match form["properties"]["name"].get("const") {
                Some(name) if lone => names.push(format!("`{name}`")),
                _ => text += &self.form(form),
            }
        }
        if !names.is_empty() {
            let _ = write!(text, "\n- without settings: {}\n", names.join(", "));
        }
        text
    }

    /// A table of the keys, if there are any.
    fn keys(&self, schema: &Value) -> String {
        let Some(keys) = schema["properties"].as_object() else { return String::new() };
        let keys: Vec<_> = keys.iter().filter(|(_, value)| value.get("const").is_none()).collect();
        if keys.is_empty() {
            return String::new();
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut text = "\n| key | value | default | meaning |\n|---|---|---|---|\n".to_owned();
        for (key, value) in keys {
            let (meaning, default) =
                default_of(description(value), value.get("default"), required.contains(&key.as_str()));
            let _ =
                writeln!(text, "| `{key}` | {} | {} | {} |", cell(&self.kind(value)), cell(&default), cell(&meaning));
        }
        text
    }

    /// One of several forms of a value.
    fn form(&self, form: &Value) -> String {
        let meaning = first_paragraph(description(form));
        let meaning = if meaning.is_empty() { String::new() } else { format!(": {meaning}") };
        match form["properties"]["name"].get("const").and_then(Value::as_str) {
            Some(name) => {
                let keys = self.keys(form);
                format!(
                    "\n- `name = \"{name}\"`{meaning}\n{}",
                    if keys.is_empty() { String::new() } else { indent(&keys) }
                )
            }
            None => format!("\n- {}{meaning}\n", self.kind(form)),
        }
    }

    /// What a value is, in a few words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return match self.types.get(name) {
                Some(words) if is_words(words) => self.kind(words),
                _ => format!("[{}](#{})", title(name), anchor(&title(name))),
            };
        }
        if let Some(word) = schema.get("const") {
            return format!("`{word}`");
        }
        if let Some(words) = schema["enum"].as_array() {
            return words
                .iter()
                .filter(|word| !word.is_null())
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ");
        }
        let forms = ["oneOf", "anyOf", "allOf"].iter().find_map(|form| schema[form].as_array());
        if let Some(forms) = forms {
            let words: Vec<String> =
                forms.iter().filter(|form| form["type"] != "null").map(|form| self.kind(form)).collect();
            return words.join(if is_words(schema) { ", " } else { " or " });
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
            _ => vec![],
        };
        match kinds.as_slice() {
            ["boolean"] => "`true`, `false`".to_owned(),
            ["integer"] if schema["minimum"] == 0 => "whole number from 0".to_owned(),
            ["integer"] => "whole number".to_owned(),
            ["number"] => "number".to_owned(),
            ["string"] => "text".to_owned(),
            ["array"] => format!("list: {}", self.kind(&schema["items"])),
            ["object"] => "table".to_owned(),
            _ => "anything".to_owned(),
        }
    }
}

fn title(name: &str) -> String {
    TITLES.iter().find(|(known, _)| *known == name).map_or_else(|| words_of(name), |(_, title)| (*title).to_owned())
}

/// `EarlyStopping` as `Early stopping`.
fn words_of(name: &str) -> String {
    let mut words = String::new();
    for (i, letter) in name.chars().enumerate() {
        if i > 0 && letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// The name that a heading has in links.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn description(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// Whether a type is nothing but a few words, which are then written where it is used.
fn is_words(schema: &Value) -> bool {
    let word = |form: &Value| form.get("const").is_some() || form.get("enum").is_some();
    let forms = |form: &str| schema[form].as_array().is_some_and(|forms| forms.iter().all(word));
    forms("oneOf") || schema.get("enum").is_some()
}

/// The types that a schema names, in order.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            names.extend(
                map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()).map(str::to_owned),
            );
            map.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}
