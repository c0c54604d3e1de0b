//! JSON from strangers: no key twice, no deep nest, no more memory than a description needs.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use taper::Complaint;

/// The deepest nest; Keras's own need about ten.
const DEEPEST: usize = 64;
/// The most memory of what is parsed, by estimate. Its text is a megabyte at most; maps are what takes room.
const MOST_BYTES: usize = 24 << 20;

/// The most layers that a model from a file may have: their settings take far more room than their text.
const MOST_LAYERS: usize = 4096;

/// Complains about more layers than a file may have, before any is read.
pub(crate) fn check_layers(place: &str, layers: Option<&Value>) -> Result<(), Complaint> {
    match layers.and_then(Value::as_array).map_or(0, Vec::len) {
        count if count > MOST_LAYERS => Err(Complaint::new(place, format!("at most {MOST_LAYERS} layers"), count)),
        _ => Ok(()),
    }
}

/// Parses a text.
///
/// # Errors
///
/// Text that is not JSON, has a key twice, or nests or spreads beyond reason.
pub(crate) fn parse(text: &[u8]) -> Result<Value, Complaint> {
    parse_within(text, MOST_BYTES)
}

/// Parses a text that may take this many bytes of memory, by estimate.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_within(text: &[u8], most: usize) -> Result<Value, Complaint> {
    let left = Cell::new(most);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Node { left: &left, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| Complaint::new("", "JSON with each key once, not deeper than 64", error))
}

#[derive(Clone, Copy)]
struct Node<'a> {
    left: &'a Cell<usize>,
    depth: usize,
}

impl Node<'_> {
    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(E::custom("more than a description can be")),
        }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEEPEST { Err(E::custom("a deeper nest")) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.spend(64)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len())?;
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        self.spend(640)?; // what a map takes from its first entry on
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.spend(key.len() + 64)?;
            let value = entries.next_value_seed(inner)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_text_is_as_serde_json_has_it() {
        let text = r#"{"a": [1, -2, 3.5, null, true, "x"], "b": {"c": {}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let error = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error(r#"{"a": 1, "a": 2}"#).contains("`a` twice"));
        assert!(error(&("[".repeat(200_000) + &"]".repeat(200_000))).contains("deeper"));
        assert!(error(&format!("[{}1]", r#"{"":0},"#.repeat(100_000))).contains("more than a description can be"));
        assert!(error("{} {}").contains("trailing"));
        assert!(error("[NaN]").contains("JSON"));
        assert!(parse(b"[\xff]").is_err());
    }
}
