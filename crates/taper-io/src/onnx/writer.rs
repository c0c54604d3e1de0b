//! A graph under construction.

use std::collections::BTreeSet;

use super::proto::{self, Attribute, Element, ML, Message};

/// A tensor in the graph, its sizes without the rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) sizes: Vec<usize>,
}

/// Nodes and constants so far.
#[derive(Debug, Default)]
pub(super) struct Writer {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    count: usize,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    metadata: Vec<(String, String)>,
    /// Names that values inside must not have.
    taken: BTreeSet<String>,
}

impl Writer {
    fn name(&mut self, what: &str) -> String {
        loop {
            self.count += 1;
            let name = format!("{}_{}", what.to_ascii_lowercase(), self.count);
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }

    /// Keeps a name for what goes in or out, or the next one like it that is free.
    fn reserve(&mut self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "column" } else { wanted };
        let mut name = wanted.to_owned();
        for i in 1.. {
            if self.taken.insert(name.clone()) {
                break;
            }
            name = format!("{wanted}_{i}");
        }
        name
    }

    /// Declares what goes in; the sizes are those of one row. All of it is declared before the first node.
    pub(super) fn input(&mut self, wanted: &str, element: Element, sizes: &[usize]) -> String {
        let name = self.reserve(wanted);
        self.inputs.push(proto::value_info(&name, element, sizes));
        name
    }

    /// Declares what comes out.
    pub(super) fn output(&mut self, wanted: &str, value: &str, element: Element, sizes: &[usize]) {
        let name = self.reserve(wanted);
        self.nodes.push(proto::node("Identity", &[value], &[&name], &[]));
        self.outputs.push(proto::value_info(&name, element, sizes));
    }

    /// Says something about the model to those who ask for its metadata.
    pub(super) fn say(&mut self, key: &str, value: impl Into<String>) {
        self.metadata.push((key.to_owned(), value.into()));
    }

    /// A constant of floats.
    pub(super) fn floats(&mut self, sizes: &[usize], data: &[f32]) -> String {
        let name = self.name("weight");
        self.constants.push(proto::floats(&name, sizes, data));
        name
    }

    /// A constant of doubles.
    pub(super) fn doubles(&mut self, sizes: &[usize], data: &[f64]) -> String {
        let name = self.name("number");
        self.constants.push(proto::doubles(&name, sizes, data));
        name
    }

    /// A constant of strings.
    pub(super) fn texts<T: AsRef<str>>(&mut self, data: &[T]) -> String {
        let name = self.name("text");
        self.constants.push(proto::texts(&name, data));
        name
    }

    /// The same values as another type.
    pub(super) fn cast(&mut self, input: &str, element: Element) -> String {
        self.node("Cast", &[input], &[("to", Attribute::Int(element as i64))])
    }

    /// A single number.
    pub(super) fn number(&mut self, value: f32) -> String {
        self.floats(&[], &[value])
    }

    /// A single whole number.
    pub(super) fn whole(&mut self, value: i64) -> String {
        let name = self.name("size");
        self.constants.push(proto::whole(&name, value));
        name
    }

    /// A constant of whole numbers.
    pub(super) fn ints(&mut self, data: &[i64]) -> String {
        let name = self.name("sizes");
        self.constants.push(proto::ints(&name, data));
        name
    }

    /// One operator with one result.
    pub(super) fn node(&mut self, operation: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) -> String {
        let output = self.name(operation);
        self.nodes.push(proto::node(operation, inputs, &[&output], attributes));
        output
    }

    /// One operator with several results.
    pub(super) fn node_of(
        &mut self,
        operation: &str,
        inputs: &[&str],
        results: usize,
        attributes: &[(&str, Attribute<'_>)],
    ) -> Vec<String> {
        let outputs: Vec<String> = (0..results).map(|_| self.name(operation)).collect();
        let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
        self.nodes.push(proto::node(operation, inputs, &names, attributes));
        outputs
    }

    pub(super) fn transpose(&mut self, input: &str, order: &[i64]) -> String {
        self.node("Transpose", &[input], &[("perm", Attribute::Ints(order.to_vec()))])
    }

    /// The same numbers, rows kept, in these sizes.
    pub(super) fn reshape(&mut self, input: &str, sizes: &[usize]) -> String {
        let sizes: Vec<i64> = std::iter::once(0).chain(sizes.iter().map(|size| *size as i64)).collect();
        self.reshape_to(input, &sizes)
    }

    /// In these sizes with rows; 0 keeps a size, -1 is worked out.
    pub(super) fn reshape_to(&mut self, input: &str, sizes: &[i64]) -> String {
        let sizes = self.ints(sizes);
        self.node("Reshape", &[input, &sizes], &[])
    }

    /// The whole file.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut graph = Message::new();
        for node in &self.nodes {
            graph = graph.message(1, node);
        }
        graph = graph.text(2, "taper");
        for constant in &self.constants {
            graph = graph.message(5, constant);
        }
        for input in &self.inputs {
            graph = graph.message(11, input);
        }
        for output in &self.outputs {
            graph = graph.message(12, output);
        }
        let opset = |domain: &str, version| Message::new().text(1, domain).int(2, version);
        let model = Message::new().int(1, 8).text(2, "taper").text(3, env!("CARGO_PKG_VERSION"));
        let model = model.message(7, &graph).message(8, &opset("", 17)).message(8, &opset(ML, 3));
        let said = self.metadata.iter();
        said.fold(model, |model, (key, value)| model.message(14, &Message::new().text(1, key).text(2, value)))
            .into_bytes()
    }
}
