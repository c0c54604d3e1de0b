//! One test that every layer, loss, metric, optimizer and penalty passes. A new one adds its row to the table of its room.

mod gradient;
mod graph;
mod layer;
mod loss;
mod metric;
mod optimizer;
mod penalty;
mod sequence;

/// Every variant of an enum that is written by its name, with the default settings of each: what serde lists when it meets a name
/// that is none.
fn registry<T: serde::de::DeserializeOwned>() -> Vec<(String, T)> {
    let Err(error) = serde_json::from_str::<T>(r#""?""#) else { panic!("`?` is no name") };
    let text = error.to_string();
    let names: Vec<&str> = text.split('`').skip(3).step_by(2).collect();
    assert!(names.len() > 1, "{text}");
    names.iter().map(|name| ((*name).to_owned(), serde_json::from_str(&format!("\"{name}\"")).unwrap())).collect()
}
