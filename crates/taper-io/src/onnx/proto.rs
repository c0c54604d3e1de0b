//! As much of ONNX's protocol buffers as a model needs: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

/// A message under construction: numbered fields, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    pub(super) fn int(mut self, field: u64, value: i64) -> Self {
        self.key(field, 0);
        self.varint(value.cast_unsigned());
        self
    }

    pub(super) fn float(mut self, field: u64, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub(super) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

/// The type of a tensor's elements, by its number in ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float = 1,
    Int32 = 6,
    Int64 = 7,
    Text = 8,
    Bool = 9,
    Double = 11,
}

fn tensor(name: &str, sizes: &[usize], kind: Element, data: &[u8]) -> Message {
    let start = sizes.iter().fold(Message::new(), |message, size| message.int(1, *size as i64));
    start.int(2, kind as i64).text(8, name).bytes(9, data)
}

/// A `TensorProto` of floats.
pub(super) fn floats(name: &str, sizes: &[usize], data: &[f32]) -> Message {
    tensor(name, sizes, Element::Float, &data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

/// A `TensorProto` of doubles.
pub(super) fn doubles(name: &str, sizes: &[usize], data: &[f64]) -> Message {
    tensor(name, sizes, Element::Double, &data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

/// A `TensorProto` of strings, in one dimension.
pub(super) fn texts<T: AsRef<str>>(name: &str, data: &[T]) -> Message {
    let start = Message::new().int(1, data.len() as i64).int(2, Element::Text as i64);
    data.iter().fold(start, |message, text| message.text(6, text.as_ref())).text(8, name)
}

/// A `TensorProto` of a single whole number.
pub(super) fn whole(name: &str, value: i64) -> Message {
    tensor(name, &[], Element::Int64, &value.to_le_bytes())
}

/// A `TensorProto` of whole numbers, in one dimension.
pub(super) fn ints(name: &str, data: &[i64]) -> Message {
    tensor(name, &[data.len()], Element::Int64, &data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

/// A `ValueInfoProto`: elements in these sizes, any number of rows first.
pub(super) fn value_info(name: &str, element: Element, sizes: &[usize]) -> Message {
    let rows = Message::new().text(2, "rows");
    let shape = sizes
        .iter()
        .fold(Message::new().message(1, &rows), |shape, size| shape.message(1, &Message::new().int(1, *size as i64)));
    let kind = Message::new().message(1, &Message::new().int(1, element as i64).message(2, &shape));
    Message::new().text(1, name).message(2, &kind)
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub(super) enum Attribute<'a> {
    Int(i64),
    Float(f32),
    Text(&'a str),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<&'a str>),
}

/// The operators that are no part of ONNX's own: words to numbers.
pub(super) const ML: &str = "ai.onnx.ml";

/// A `NodeProto`; those of [`ML`] are known by their names.
pub(super) fn node(
    operation: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[(&str, Attribute<'_>)],
) -> Message {
    let mut node = Message::new();
    for input in inputs {
        node = node.text(1, input);
    }
    for output in outputs {
        node = node.text(2, output);
    }
    node = node.text(4, operation);
    if operation == "LabelEncoder" {
        node = node.text(7, ML);
    }
    for (name, value) in attributes {
        let attribute = Message::new().text(1, name);
        let attribute = match value {
            Attribute::Int(value) => attribute.int(3, *value).int(20, 2),
            Attribute::Float(value) => attribute.float(2, *value).int(20, 1),
            Attribute::Text(value) => attribute.text(4, value).int(20, 3),
            Attribute::Ints(values) => {
                values.iter().fold(attribute, |message, value| message.int(8, *value)).int(20, 7)
            }
            Attribute::Floats(values) => {
                values.iter().fold(attribute, |message, value| message.float(7, *value)).int(20, 6)
            }
            Attribute::Texts(values) => {
                values.iter().fold(attribute, |message, value| message.text(9, value)).int(20, 8)
            }
        };
        node = node.message(5, &attribute);
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_protocol_buffers() {
        assert_eq!(Message::new().int(1, 300).into_bytes(), [0x08, 0xac, 0x02]);
        assert_eq!(Message::new().text(2, "ab").into_bytes(), [0x12, 2, b'a', b'b']);
        assert_eq!(Message::new().float(2, 1.0).into_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(Message::new().int(1, -1).into_bytes().len(), 11);
    }
}
