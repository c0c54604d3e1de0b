//! A model as Keras's network of operations: its layers, the functions by which masks go from one to the next, and their order.
//!
//! The order decides which weights are whose: Keras counts the groups of a file and the variables of an optimizer in it.

mod mask;
mod order;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use taper::{Model, ModelSpec};

use mask::reads_mask;

/// All operations of a model.
pub(super) struct Network {
    /// The first is the input.
    operations: Vec<Operation>,
    output: Tensor,
}

/// Something that is called: once, or more often if it is a shared layer.
struct Operation {
    name: String,
    kind: Kind,
    calls: Vec<Call>,
}

/// What is called.
enum Kind {
    Input,
    /// The model's layer of this number.
    Layer(usize),
    /// One of Keras's functions, with its settings.
    Function(&'static str, Map<String, Value>),
}

struct Call {
    args: Vec<Argument>,
    mask: Option<Tensor>,
}

enum Argument {
    One(Tensor),
    List(Vec<Tensor>),
    Number(Value),
}

/// What a call gives.
#[derive(Clone)]
struct Tensor {
    operation: usize,
    call: usize,
    sizes: Vec<usize>,
    dtype: &'static str,
}

impl Network {
    /// The network of a model; a stack is a graph too.
    pub(super) fn new(model: &Model) -> Self {
        let (summary, specs) = (model.summary(), model.spec().owned());
        let taken = |name: &str| summary.iter().any(|layer| layer.name == name);
        let input = Operation { name: free_name("input", &taken), kind: Kind::Input, calls: vec![] };
        let sizes = model.input_shape().sizes().to_vec();
        let input_tensor = Tensor { operation: 0, call: 0, sizes, dtype: "float32" };
        let mut operations = vec![input];
        for (i, layer) in summary.iter().enumerate() {
            operations.push(Operation { name: layer.name.clone(), kind: Kind::Layer(i), calls: vec![] });
        }
        let mut network = Self { operations, output: input_tensor.clone() };
        let mut values: Vec<(Tensor, Option<Tensor>)> = vec![(input_tensor, None)];
        for usage in model.uses() {
            let (tensors, masks): (Vec<_>, Vec<_>) = usage.inputs.iter().map(|input| values[*input].clone()).unzip();
            let kind = &specs[usage.layer].kind;
            let mask = masks.first().cloned().flatten().filter(|_| reads_mask(kind));
            let sizes = summary[usage.layer].output_shape.sizes().to_vec();
            let made = network.mask(kind, &tensors, &masks, usage.passes_mask, &sizes);
            let args = match <[Tensor; 1]>::try_from(tensors) {
                Ok([tensor]) => vec![Argument::One(tensor)],
                Err(tensors) => vec![Argument::List(tensors)],
            };
            let tensor = network.call(usage.layer + 1, Call { args, mask }, sizes, "float32");
            values.push((tensor.clone(), made));
            network.output = tensor;
        }
        network
    }

    /// The model's layers in Keras's order.
    pub(super) fn layers(&self) -> Vec<usize> {
        let layer = |operation: usize| match self.operations[operation].kind {
            Kind::Layer(layer) => Some(layer),
            Kind::Input | Kind::Function(..) => None,
        };
        self.order().into_iter().filter_map(layer).collect()
    }

    /// The name of the input.
    pub(super) fn input(&self) -> &str {
        &self.operations[0].name
    }

    /// The output, as a configuration names it.
    pub(super) fn output(&self) -> Value {
        json!([self.operations[self.output.operation].name, self.output.call, 0])
    }

    /// All operations in Keras's order; `object` says what the input (`None`) and the layers are.
    pub(super) fn write<E>(&self, mut object: impl FnMut(Option<usize>) -> Result<Value, E>) -> Result<Vec<Value>, E> {
        let mut list = Vec::new();
        for operation in self.order().into_iter().map(|operation| &self.operations[operation]) {
            let mut value = match &operation.kind {
                Kind::Input => object(None)?,
                Kind::Layer(layer) => object(Some(*layer))?,
                Kind::Function(class, config) => {
                    let mut config = config.clone();
                    config.insert("name".to_owned(), json!(operation.name));
                    json!({ "module": "keras.src.ops.numpy", "class_name": class, "config": config,
                            "registered_name": class })
                }
            };
            value["name"] = json!(operation.name);
            value["inbound_nodes"] = operation.calls.iter().map(|call| self.written(call)).collect();
            list.push(value);
        }
        Ok(list)
    }

    fn written(&self, call: &Call) -> Value {
        let tensor = |tensor: &Tensor| {
            let history = json!([self.operations[tensor.operation].name, tensor.call, 0]);
            let shape: Value =
                std::iter::once(Value::Null).chain(tensor.sizes.iter().map(|size| json!(size))).collect();
            let config = json!({ "shape": shape, "dtype": tensor.dtype, "keras_history": history });
            json!({ "class_name": "__keras_tensor__", "config": config })
        };
        let argument = |argument: &Argument| match argument {
            Argument::One(one) => tensor(one),
            Argument::List(list) => list.iter().map(tensor).collect(),
            Argument::Number(number) => number.clone(),
        };
        let args: Value = call.args.iter().map(argument).collect();
        let kwargs: Map<String, Value> = call.mask.iter().map(|mask| ("mask".to_owned(), tensor(mask))).collect();
        json!({ "args": args, "kwargs": kwargs })
    }

    fn call(&mut self, operation: usize, call: Call, sizes: Vec<usize>, dtype: &'static str) -> Tensor {
        let calls = &mut self.operations[operation].calls;
        calls.push(call);
        Tensor { operation, call: calls.len() - 1, sizes, dtype }
    }

    /// A function of masks, called once.
    fn function(
        &mut self,
        class: &'static str,
        name: &str,
        config: &[(&str, Value)],
        args: Vec<Argument>,
        sizes: &[usize],
    ) -> Tensor {
        let name = free_name(name, &|name| self.operations.iter().any(|operation| operation.name == name));
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.operations.push(Operation { name, kind: Kind::Function(class, config), calls: vec![] });
        self.call(self.operations.len() - 1, Call { args, mask: None }, sizes.to_vec(), "bool")
    }
}

impl From<Tensor> for Argument {
    fn from(tensor: Tensor) -> Self {
        Self::One(tensor)
    }
}

/// The numbers of a model's layers in Keras's order.
pub(super) fn layer_order(model: &Model) -> Vec<usize> {
    match model.spec() {
        ModelSpec::Sequential(stack) => (0..stack.layers.len()).collect(),
        ModelSpec::Graph(_) => Network::new(model).layers(),
    }
}

/// This name, or the first with a number behind it that is not taken.
pub(super) fn free_name(name: &str, taken: &impl Fn(&str) -> bool) -> String {
    let mut free = name.to_owned();
    let mut number = 0;
    while taken(&free) {
        number += 1;
        free = format!("{name}_{number}");
    }
    free
}
