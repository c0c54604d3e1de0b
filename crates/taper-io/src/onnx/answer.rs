//! What a model says of a row, in the words of the table that it was trained on.

use serde_json::json;
use taper::Unseen;
use taper::table::{Feature, Labels, Meaning};

use super::activation::activation;
use super::proto::{Attribute, Element};
use super::writer::{Value, Writer};
use crate::SavedModel;

/// Adds what turns the outputs `y` into answers. A row that is refused gets NaN, and no class.
pub(super) fn say(writer: &mut Writer, saved: &SavedModel, y: &Value, refused: Option<&str>) {
    match saved.meaning() {
        Meaning::Number { mean, scale } => {
            let y = writer.reshape_to(&y.name, &[-1, 1]);
            let mut number = writer.cast(&y, Element::Double);
            if (mean, scale) != (0.0, 1.0) {
                let (mean, scale) = (writer.doubles(&[], &[mean]), writer.doubles(&[], &[scale]));
                number = writer.node("Mul", &[&number, &scale], &[]);
                number = writer.node("Add", &[&number, &mean], &[]);
            }
            if let Some(refused) = refused {
                let none = writer.doubles(&[], &[f64::NAN]);
                number = writer.node("Where", &[refused, &none, &number], &[]);
            }
            writer.output("prediction", &number, Element::Double, &[1]);
        }
        Meaning::Two { labels, logit } => {
            let mut p = writer.reshape_to(&y.name, &[-1, 1]);
            if logit {
                p = activation(writer, taper::Activation::Sigmoid, p);
            }
            let one = writer.number(1.0);
            let q = writer.node("Sub", &[&one, &p], &[]);
            let both = writer.node("Concat", &[&q, &p], &[("axis", Attribute::Int(1))]);
            let half = writer.number(0.5);
            let second = writer.node("Greater", &[&p, &half], &[]);
            let second = writer.cast(&second, Element::Int64);
            let class = writer.reshape_to(&second, &[-1]);
            classes(writer, &labels, &class, &both, refused);
        }
        Meaning::Classes { labels, logits } => {
            let mut p = writer.reshape_to(&y.name, &[-1, labels.len() as i64]);
            if logits {
                p = activation(writer, taper::Activation::Softmax, p);
            }
            let first_best = [("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0))];
            let class = writer.node("ArgMax", &[&p], &first_best);
            classes(writer, &labels, &class, &p, refused);
        }
        Meaning::Outputs(_) => {
            let mut all = y.name.clone();
            if let Some(refused) = refused {
                let none = writer.number(f32::NAN);
                let ones: Vec<i64> = std::iter::once(-1).chain(y.sizes.iter().map(|_| 1)).collect();
                let refused = writer.reshape_to(refused, &ones);
                all = writer.node("Where", &[&refused, &none, &all], &[]);
            }
            writer.output("output", &all, Element::Float, &y.sizes);
        }
    }
    describe(writer, saved);
}

/// The name of each row's class and the probabilities of all.
fn classes(writer: &mut Writer, labels: &Labels, class: &str, probabilities: &str, refused: Option<&str>) {
    let count = labels.len();
    // Also where the network itself gives no number.
    let axes = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(0))];
    let lost = writer.node("IsNaN", &[probabilities], &[]);
    let lost = writer.cast(&lost, Element::Float);
    let mut lost = writer.node("ReduceMax", &[&lost], &axes);
    let mut probabilities = probabilities.to_owned();
    if let Some(refused) = refused {
        let none = writer.number(f32::NAN);
        probabilities = writer.node("Where", &[refused, &none, &probabilities], &[]);
        let flags = writer.cast(refused, Element::Float);
        let flags = writer.reshape_to(&flags, &[-1]);
        lost = writer.node("Max", &[&lost, &flags], &[]);
    }
    let zero = writer.number(0.0);
    let lost = writer.node("Greater", &[&lost, &zero], &[]);
    let last = writer.ints(&[count as i64]);
    let class = writer.node("Where", &[&lost, &last, class], &[]);
    let (element, names) = match labels {
        Labels::Names(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).chain([""]).collect();
            (Element::Text, writer.texts(&names))
        }
        Labels::Numbers(numbers) => {
            let numbers: Vec<f64> = numbers.iter().copied().chain([f64::NAN]).collect();
            (Element::Double, writer.doubles(&[count + 1], &numbers))
        }
    };
    let called = writer.node("Gather", &[&names, &class], &[]);
    writer.output("prediction", &called, element, &[]);
    writer.output("probabilities", &probabilities, Element::Float, &[count]);
}

/// Columns, target and classes, for those who ask for the model's metadata.
fn describe(writer: &mut Writer, saved: &SavedModel) {
    let Some(prepared) = &saved.prepared else { return };
    let columns: Vec<serde_json::Value> = prepared
        .features
        .iter()
        .map(|feature| match feature {
            Feature::Number { name, mean, scale, fill, .. } => {
                json!({ "name": name, "kind": "number", "mean": mean, "scale": scale, "empty": fill })
            }
            Feature::Category { name, levels, fill, unseen, .. } => json!({
                "name": name, "kind": "category", "categories": levels, "empty": fill.map(|fill| &levels[fill]),
                "unknown": if *unseen == Unseen::Zero { "none of them" } else { "no answer" },
            }),
        })
        .collect();
    writer.say("columns", json!(columns).to_string());
    writer.say("target", prepared.target.name());
    if let Meaning::Two { labels, .. } | Meaning::Classes { labels, .. } = saved.meaning() {
        writer.say("classes", serde_json::to_string(&labels).unwrap_or_default());
    }
    writer.say("taper_preparation", serde_json::to_string(prepared).unwrap_or_default());
}
