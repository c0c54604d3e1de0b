//! How specifications are written in files: names that may stand alone, and errors that say where.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Complaint, Error, Result, nearest};

/// `"relu"` means `{ name = "relu" }`, and a lone name may be written as the string.
pub(crate) fn unfold(value: Value) -> Value {
    match value {
        Value::String(name) => serde_json::json!({ "name": name }),
        other => other,
    }
}

/// The other way: `{ name = "relu" }` alone is written `"relu"`.
pub(crate) fn fold(value: Value) -> Value {
    match &value {
        Value::Object(map) if map.len() == 1 => match map.get("name") {
            Some(name @ Value::String(_)) => name.clone(),
            _ => value,
        },
        _ => value,
    }
}

/// The first key of a table that is not its name and holds something.
pub(crate) fn extra(value: &Value) -> Option<String> {
    let settings = value.as_object()?.iter().filter(|(key, value)| *key != "name" && !value.is_null());
    settings.map(|(key, _)| key.clone()).next()
}

/// Implements serde for an enum that is written by its name, or as a table with a `name` and its settings.
///
/// The enum derives with `#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]`.
macro_rules! named {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let value =
                    <$type>::serialize(self, serde_json::value::Serializer).map_err(serde::ser::Error::custom)?;
                $crate::spelling::fold(value).serialize(serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = $crate::spelling::unfold(serde_json::Value::deserialize(deserializer)?);
                let extra = $crate::spelling::extra(&value);
                let this = <$type>::deserialize(value).map_err(serde::de::Error::custom)?;
                // serde does not look at the fields beside the name of a variant that has none.
                let written = <$type>::serialize(&this, serde_json::value::Serializer);
                match (extra, written.map($crate::spelling::fold)) {
                    (Some(key), Ok(serde_json::Value::String(_))) => {
                        Err(serde::de::Error::custom(format!("unknown field `{key}`")))
                    }
                    _ => Ok(this),
                }
            }
        }
    };
}
pub(crate) use named;

/// Reads a specification from its value; a mistake becomes a [`Complaint`] with the path to it.
///
/// # Errors
///
/// What serde refuses, in words that name the place and the nearest known word.
///
/// # Example
///
/// ```
/// let error = taper::read::<taper::FitConfig>(serde_json::json!({ "loss": "mse", "epoch": 3 })).unwrap_err();
/// assert!(error.to_string().ends_with("got `epoch` (did you mean `epochs`?)"));
/// ```
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { path };
        Error::from(complaint(&place, &error.into_inner().to_string()))
    })
}

/// A complaint from what serde says, with the nearest known word.
///
/// An error inside a layer or a named enum arrives as `place: message`, because serde has buffered the value by then.
pub(crate) fn complaint(place: &str, message: &str) -> Complaint {
    let (place, message) = match message.split_once(INNER) {
        Some((inner, message)) if place.is_empty() => (inner.to_owned(), message),
        Some((inner, message)) if !inner.is_empty() => (format!("{place}.{inner}"), message),
        Some((_, message)) => (place.to_owned(), message),
        None => (place.to_owned(), message),
    };
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let Some((word, known)) = words.split_first()
        && (message.starts_with("unknown field") || message.starts_with("unknown variant"))
    {
        return unknown(&place, word, known);
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return Complaint::new(place, rest, "nothing");
    }
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some((got, expected)) = message.strip_prefix(prefix).and_then(|rest| rest.split_once(", expected ")) {
            return Complaint::new(place, expected, got);
        }
    }
    Complaint::new(place, "a valid value", message)
}

/// A complaint about a word that is none of the known ones, with the nearest of them.
pub(crate) fn unknown(place: &str, word: &str, known: &[&str]) -> Complaint {
    let expected = if known.is_empty() { "nothing here".to_owned() } else { format!("one of {}", known.join(", ")) };
    let complaint = Complaint::new(place, expected, format!("`{word}`"));
    match nearest(word, known.iter().copied()) {
        Some(near) => complaint.help(format!("did you mean `{near}`?")),
        None => complaint,
    }
}

/// Separates the place from the message in an error that has passed through serde as text.
const INNER: &str = " \u{1}";

/// Passes a complaint through serde's error type without losing its place.
pub(crate) fn smuggle<E: serde::de::Error>(path: &str, message: impl std::fmt::Display) -> E {
    let message = message.to_string();
    match message.split_once(INNER) {
        Some((inner, rest)) if path.is_empty() || path == "." => E::custom(format!("{inner}{INNER}{rest}")),
        Some((inner, rest)) => E::custom(format!("{path}.{inner}{INNER}{rest}")),
        None if path == "." => E::custom(message),
        None => E::custom(format!("{path}{INNER}{message}")),
    }
}

/// Reads the settings of one layer (its tag already taken off), keeping the path of a mistake.
pub(crate) fn read_inner<T: DeserializeOwned, E: serde::de::Error>(value: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        smuggle(&path, error.into_inner())
    })
}

/// For `#[serde(default = "yes")]`.
pub(crate) fn yes() -> bool {
    true
}

/// For `#[serde(skip_serializing_if = "is_yes")]`.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub(crate) fn is_yes(value: &bool) -> bool {
    *value
}

/// For `#[serde(skip_serializing_if = "is_default")]`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Takes one key out of a table; a value that is not a table is an error.
pub(crate) fn table<E: serde::de::Error>(value: Value) -> Result<serde_json::Map<String, Value>, E> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(E::custom(format!("invalid type: {other}, expected a table"))),
    }
}
