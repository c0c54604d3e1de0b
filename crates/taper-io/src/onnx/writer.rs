//! A graph under construction.

use super::proto::{self, Attribute, Message};

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
}

impl Writer {
    fn name(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{}_{}", what.to_ascii_lowercase(), self.count)
    }

    /// A constant of floats.
    pub(super) fn floats(&mut self, sizes: &[usize], data: &[f32]) -> String {
        let name = self.name("weight");
        self.constants.push(proto::floats(&name, sizes, data));
        name
    }

    /// A single number.
    pub(super) fn number(&mut self, value: f32) -> String {
        self.floats(&[], &[value])
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
    pub(super) fn finish(mut self, input: &Value, last: &Value) -> Vec<u8> {
        self.nodes.push(proto::node("Identity", &[&last.name], &["output"], &[]));
        let mut graph = Message::new();
        for node in &self.nodes {
            graph = graph.message(1, node);
        }
        graph = graph.text(2, "taper");
        for constant in &self.constants {
            graph = graph.message(5, constant);
        }
        graph = graph.message(11, &proto::value_info("input", &input.sizes));
        graph = graph.message(12, &proto::value_info("output", &last.sizes));
        let opset = Message::new().text(1, "").int(2, 17);
        let model = Message::new().int(1, 8).text(2, "taper").text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &graph).message(8, &opset).into_bytes()
    }
}
