//! What pandas notes in a file beside its columns.

use parquet::file::metadata::FileMetaData;
use serde_json::Value;

/// The columns that are the index of a data frame: they name or number its rows, and are no part of what it says of them.
pub(super) fn index(metadata: &FileMetaData, header: &[String]) -> Vec<String> {
    let notes = metadata.key_value_metadata().into_iter().flatten();
    let text = notes.filter(|note| note.key == "pandas").find_map(|note| note.value.as_deref());
    let notes: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // An index that only counts is noted as an object, and is no column.
    let noted = notes["index_columns"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_level = |name: &&String| name.strip_prefix("__index_level_").is_some_and(|rest| rest.ends_with("__"));
    let noted: Vec<&str> = noted.collect();
    header.iter().filter(|name| noted.contains(&name.as_str()) || is_level(name)).cloned().collect()
}
