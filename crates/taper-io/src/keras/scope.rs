//! A model as its configuration says it, models within it included: which layers there are, and what each of their uses reads.

use serde_json::{Map, Value, json};
use taper::{Complaint, Complaints, LayerSpec, Result};

use super::call::{Tensor, arithmetic, call, history, is_operation, mask_operations, tensor};
use super::class::{LAYERS, Object, brief, check_name, snake_case};
use super::generation::Generation;
use super::layer;
use crate::json;

const MODELS: &[&str] = &["Functional", "Model", "Sequential"];

/// A model: Keras's `Sequential` or `Functional`.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) name: String,
    /// Whether each layer reads the one before.
    pub(super) sequential: bool,
    /// Whether its layers may be trained, if they may themselves.
    pub(super) trainable: bool,
    /// What the input is called.
    pub(super) input: String,
    /// The sizes of one row, as far as they are said.
    pub(super) input_shape: Vec<Option<usize>>,
    pub(super) output: Tensor,
    pub(super) members: Vec<Member>,
}

/// A layer or a model, and its uses.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: MemberKind,
    /// What its group in a file of weights is called after, if it is not what it is here.
    pub(super) file_class: Option<String>,
    /// What each use reads.
    pub(super) calls: Vec<Vec<Tensor>>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a model has few layers, and they are read once
pub(super) enum MemberKind {
    Layer(LayerSpec),
    Model(Scope),
}

/// Reads a model.
///
/// # Errors
///
/// All that is not understood, layer by layer.
pub(super) fn scope(object: Object, generation: Generation) -> Result<Scope> {
    object.check(MODELS)?;
    let sequential = object.class == "Sequential";
    let mut config = object.config;
    json::check_layers("config.layers", config.get("layers"))?;
    let layers = match config.remove("layers") {
        Some(Value::Array(layers)) => layers,
        other => return Err(Complaint::new("config.layers", "a list", brief(&other.unwrap_or_default())).into()),
    };
    let reader = Reader { generation, complaints: Complaints::new(), scope: Scope::empty(&config, sequential) };
    if sequential { reader.sequential(layers, &config) } else { reader.functional(layers, &config) }
}

impl Scope {
    fn empty(config: &Map<String, Value>, sequential: bool) -> Self {
        let name = config.get("name").and_then(Value::as_str).unwrap_or("model").to_owned();
        let trainable = config.get("trainable") != Some(&json!(false));
        let output = Tensor { layer: String::new(), node: 0 };
        Self { name, sequential, trainable, input: String::new(), input_shape: vec![], output, members: vec![] }
    }

    /// In files of Keras 2, a model that is called within another has had a use before: its own.
    fn count_uses_from_zero(&mut self) {
        let models: Vec<(String, usize)> = self
            .members
            .iter()
            .filter(|member| matches!(member.kind, MemberKind::Model(_)))
            .map(|member| (member.name.clone(), member.calls.len()))
            .collect();
        for (name, uses) in models {
            let calls = self.members.iter_mut().flat_map(|member| member.calls.iter_mut().flatten());
            let mut of_model: Vec<&mut Tensor> =
                calls.chain([&mut self.output]).filter(|tensor| tensor.layer == name).collect();
            if of_model.iter().any(|tensor| tensor.node == uses) {
                of_model.iter_mut().for_each(|tensor| tensor.node = tensor.node.saturating_sub(1));
            }
        }
    }
}

/// The class that a file of weights knows a layer by.
fn file_class(object: &Object, generation: Generation) -> Option<String> {
    (generation.modern_name(&object.class) != object.class).then(|| snake_case(&object.class))
}

fn place(i: usize, object: &Object) -> String {
    format!("config.layers[{i}] ({})", object.class)
}

/// Reads one model; what is wrong is gathered over its layers.
struct Reader {
    generation: Generation,
    complaints: Complaints,
    scope: Scope,
}

impl Reader {
    fn open(&mut self, i: usize, value: Value) -> Result<Option<Object>> {
        let known = |value| {
            let object = Object::new(value, "a layer")?;
            if object.class != "InputLayer" && !MODELS.contains(&&*object.class) {
                check_name(self.generation.modern_name(&object.class), LAYERS)?;
            }
            Ok(object)
        };
        let result = known(value).map_err(|complaint: Complaint| complaint.into());
        self.complaints.take(format!("config.layers[{i}]"), result)
    }

    /// The layer or model that an object says; `None` if something about it was complained of.
    fn member(&mut self, place: &str, object: Object) -> Result<Option<MemberKind>> {
        let read = if MODELS.contains(&&*object.class) {
            scope(object, self.generation).map(MemberKind::Model)
        } else {
            layer::layer(object, self.generation).map(MemberKind::Layer)
        };
        self.complaints.take(place, read)
    }

    fn sequential(mut self, layers: Vec<Value>, config: &Map<String, Value>) -> Result<Scope> {
        let mut input = None;
        let mut before = Tensor { layer: String::new(), node: 0 };
        for (i, value) in layers.into_iter().enumerate() {
            let Some(object) = self.open(i, value)? else { continue };
            let place = place(i, &object);
            if object.class == "InputLayer" {
                if i > 0 {
                    self.complaints.push(Complaint::new(place, "the input first", "another layer before it"));
                    continue;
                }
                input = self.complaints.take(&place, shape_of_input(&object).map_err(Into::into))?;
                continue;
            }
            if i == 0
                && let Some(shape) = object.config.get("batch_input_shape").or_else(|| object.config.get("batch_shape"))
            {
                input = self.complaints.take(&place, sizes_of(shape).map_err(Into::into))?;
            }
            let Some(Value::String(name)) = object.config.get("name").cloned() else {
                self.complaints.push(Complaint::new(place, "a layer with a name", "none"));
                continue;
            };
            let file_class = file_class(&object, self.generation);
            let Some(kind) = self.member(&place, object)? else { continue };
            if let (MemberKind::Model(model), true) = (&kind, i == 0) {
                input = Some(model.input_shape.clone());
            }
            self.scope.members.push(Member { name: name.clone(), kind, file_class, calls: vec![vec![before]] });
            before = Tensor { layer: name, node: 0 };
        }
        if input.is_none()
            && let Some(shape) = config.get("build_input_shape").filter(|shape| !shape.is_null())
        {
            input = self.complaints.take("config.build_input_shape", sizes_of(shape).map_err(Into::into))?;
        }
        self.complaints.finish()?;
        let Some(input) = input else {
            let expected = "an InputLayer first (save the model after it is built)";
            return Err(Complaint::new("config.layers", expected, "none").into());
        };
        Ok(Scope { input_shape: input, output: before, ..self.scope })
    }

    fn functional(mut self, layers: Vec<Value>, config: &Map<String, Value>) -> Result<Scope> {
        let input = self.complaints.take("", ends(config, "input_layers").map_err(Into::into))?;
        let output = self.complaints.take("", ends(config, "output_layers").map_err(Into::into))?;
        let masks = mask_operations(&layers, &mut self.complaints);
        let mut shape = None;
        for (i, value) in layers.into_iter().enumerate() {
            if is_operation(&value) {
                if let Some((class, name, use_)) = arithmetic(&value) {
                    let place = format!("config.layers[{i}] ({class})");
                    let calls = self.complaints.take(place, call(use_, &masks, true).map_err(Into::into))?;
                    let layer = taper::read(json!({ "layer": snake_case(class), "name": name }))?;
                    let kind = MemberKind::Layer(layer);
                    self.scope.members.push(Member {
                        name: name.to_owned(),
                        kind,
                        file_class: None,
                        calls: calls.into_iter().collect(),
                    });
                }
                continue;
            }
            let Some(mut object) = self.open(i, value)? else { continue };
            let place = place(i, &object);
            let name = match object.rest.remove("name").or_else(|| object.config.get("name").cloned()) {
                Some(Value::String(name)) => name,
                other => {
                    let got = brief(&other.unwrap_or_default());
                    self.complaints.push(Complaint::new(place, "a layer with a name", got));
                    continue;
                }
            };
            if object.class == "InputLayer" {
                if input.as_ref().is_some_and(|input| input.layer == name) {
                    shape = self.complaints.take(&place, shape_of_input(&object).map_err(Into::into))?;
                }
                continue;
            }
            object.config.insert("name".to_owned(), name.clone().into());
            let uses = match object.rest.remove("inbound_nodes") {
                Some(Value::Array(uses)) if !uses.is_empty() => uses,
                other => {
                    let got = brief(&other.unwrap_or_default());
                    self.complaints.push(Complaint::new(format!("{place}.inbound_nodes"), "a list of calls", got));
                    continue;
                }
            };
            let mut calls = Vec::new();
            for (k, use_) in uses.into_iter().enumerate() {
                let read = call(&use_, &masks, false).map_err(Into::into);
                calls.extend(self.complaints.take(format!("{place}.inbound_nodes[{k}]"), read)?);
            }
            let file_class = file_class(&object, self.generation);
            if let Some(kind) = self.member(&place, object)? {
                self.scope.members.push(Member { name, kind, file_class, calls });
            }
        }
        self.complaints.finish()?;
        let (Some(input), Some(output)) = (input, output) else {
            return Err(Complaint::new("config.input_layers", "one input and one output", "others").into());
        };
        let Some(input_shape) = shape else {
            let expected = format!("an InputLayer `{}`", input.layer);
            return Err(Complaint::new("config.layers", expected, "none").into());
        };
        let mut scope = Scope { input: input.layer, input_shape, output, ..self.scope };
        scope.count_uses_from_zero();
        Ok(scope)
    }
}

/// The sizes of one row, of a shape with the batch in front.
fn sizes_of(shape: &Value) -> Result<Vec<Option<usize>>, Complaint> {
    let wrong = || Complaint::new("batch_shape", "a list of sizes (the batch, then those of one row)", brief(shape));
    let size = |value: &Value| match value {
        Value::Null => Some(None),
        _ => value.as_u64().and_then(|size| usize::try_from(size).ok()).map(Some),
    };
    let sizes = shape.as_array().and_then(|shape| shape.get(1..)).ok_or_else(wrong)?;
    sizes.iter().map(size).collect::<Option<_>>().ok_or_else(wrong)
}

/// The shape of one row.
fn shape_of_input(object: &Object) -> Result<Vec<Option<usize>>, Complaint> {
    let config = &object.config;
    for (key, value) in config {
        let good = match &**key {
            "batch_shape" | "batch_input_shape" | "name" | "optional" => true,
            "dtype" => ["float32", "int32", "int64"].iter().any(|dtype| value == dtype),
            _ => value.is_null() || value == &json!(false),
        };
        if !good {
            return Err(Complaint::new(key, "an ordinary dense input", brief(value)));
        }
    }
    let shape = config.get("batch_shape").or_else(|| config.get("batch_input_shape"));
    sizes_of(shape.unwrap_or(&Value::Null))
}

/// The model's only input or output: `["name", 0, 0]`, alone, in a list, or under its name.
fn ends(config: &Map<String, Value>, key: &str) -> Result<Tensor, Complaint> {
    let value = config.get(key).unwrap_or(&Value::Null);
    let only = match value {
        Value::Array(list) if list.len() == 1 => &list[0],
        Value::Object(map) if map.len() == 1 && !map.contains_key("class_name") => {
            map.values().next().unwrap_or(&Value::Null)
        }
        other => other,
    };
    match tensor(only).or_else(|| history(only)) {
        Some(tensor) => Ok(tensor),
        None => {
            let several = match value {
                Value::Array(list) => list.len(),
                Value::Object(map) => map.len(),
                _ => 0,
            };
            let got = if several > 1 { format!("{several}: {}", brief(value)) } else { brief(value) };
            Err(Complaint::new(format!("config.{key}"), "exactly one", got))
        }
    }
}
