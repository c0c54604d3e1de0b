//! A model as a graph of layers: the models within it are taken apart, and each of their layers is one of the whole.

use std::collections::BTreeSet;

use taper::{Complaint, Graph, GraphLayer, GraphNode, LayerSpec, ModelSpec, Result, Sequential};

use super::call::Tensor;
use super::network::free_name;
use super::scope::{Member, MemberKind, Scope};

/// The most uses of layers, over all uses of the models that they are in.
const MOST_USES: usize = 16_384;
/// The most models that a tensor is handed through before a layer makes it.
const MOST_STEPS: usize = 256;

/// The layers as they lie in files of weights: in their models.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // a model has few layers, and they are read once
pub(super) enum Branch {
    /// A layer by its name in the whole, and what its group is called after, if it is not what the layer is here.
    Layer(String, LayerSpec, Option<String>),
    /// A model in the model: its class in snake case, its name and its layers.
    Model(&'static str, String, Vec<Branch>),
}

/// The whole as one model of an input of this shape, and where its layers are in the files.
pub(super) fn emit(scope: Scope, input_shape: Vec<usize>) -> Result<(ModelSpec, Vec<Branch>)> {
    let mut scope = scope;
    name_apart(&mut scope);
    if let Some(layers) = stack(&scope) {
        let branches = branches(&scope);
        return Ok((Sequential { input_shape, layers, regularization: None }.into(), branches));
    }
    let mut graph = Graph { input_shape, nodes: vec![], output: None, regularization: None };
    let whole = Use { scope: &scope, number: 0, within: None };
    whole.emit(&mut graph)?;
    graph.output = Some(whole.resolve(&scope.output, 0)?);
    Ok((graph.into(), branches(&scope)))
}

/// Gives each layer a name of its own in the whole, and freezes those of frozen models. Layers that are in no other model keep
/// theirs.
fn name_apart(scope: &mut Scope) {
    fn layers<'a>(scope: &'a Scope, names: &mut BTreeSet<&'a str>) {
        for member in &scope.members {
            if let MemberKind::Layer(_) = member.kind {
                names.insert(&member.name);
            }
        }
    }
    fn inner(scope: &mut Scope, trainable: bool, outer: Option<&str>, taken: &mut BTreeSet<String>) {
        let trainable = trainable && scope.trainable;
        let own = scope.name.clone();
        for member in &mut scope.members {
            match &mut member.kind {
                MemberKind::Layer(spec) => {
                    let name = match outer {
                        Some(_) if taken.contains(&member.name) => {
                            free_name(&format!("{own}_{}", member.name), &|name| taken.contains(name))
                        }
                        _ => member.name.clone(),
                    };
                    taken.insert(name.clone());
                    spec.name = Some(name);
                    spec.trainable &= trainable;
                }
                MemberKind::Model(model) => inner(model, trainable, Some(&own), taken),
            }
        }
    }
    let mut own = BTreeSet::new();
    layers(scope, &mut own);
    let mut taken = own.into_iter().map(str::to_owned).chain(["input".to_owned()]).collect();
    inner(scope, true, None, &mut taken);
}

/// The layers, if each reads the one before.
fn stack(scope: &Scope) -> Option<Vec<LayerSpec>> {
    let mut layers = Vec::new();
    for member in scope.sequential.then_some(&scope.members)? {
        match &member.kind {
            MemberKind::Layer(spec) => layers.push(spec.clone()),
            MemberKind::Model(model) => layers.extend(stack(model)?),
        }
    }
    Some(layers)
}

fn branches(scope: &Scope) -> Vec<Branch> {
    let branch = |member: &Member| match &member.kind {
        MemberKind::Layer(spec) => {
            Branch::Layer(spec.name.clone().unwrap_or_default(), spec.clone(), member.file_class.clone())
        }
        MemberKind::Model(model) => {
            let class = if model.sequential { "sequential" } else { "functional" };
            Branch::Model(class, member.name.clone(), branches(model))
        }
    };
    scope.members.iter().map(branch).collect()
}

/// What stands for use number `k` of a layer.
fn node_name(layer: &str, k: usize) -> String {
    if k == 0 { layer.to_owned() } else { format!("{layer}:{k}") }
}

/// One use of a model.
#[derive(Clone, Copy)]
struct Use<'a> {
    scope: &'a Scope,
    /// Counted over all uses of the models around it.
    number: usize,
    /// What uses it, and what it reads there.
    within: Option<(&'a Use<'a>, &'a [Tensor])>,
}

impl Use<'_> {
    fn emit(&self, graph: &mut Graph) -> Result<()> {
        for member in &self.scope.members {
            for (k, call) in member.calls.iter().enumerate() {
                let number = self.number.saturating_mul(member.calls.len()).saturating_add(k);
                if graph.nodes.len() >= MOST_USES {
                    let expected = format!("at most {MOST_USES} uses of layers");
                    return Err(Complaint::new("config.layers", expected, "more").into());
                }
                let spec = match &member.kind {
                    MemberKind::Model(scope) => {
                        Use { scope, number, within: Some((self, call)) }.emit(graph)?;
                        continue;
                    }
                    MemberKind::Layer(spec) => spec,
                };
                let inputs = call.iter().map(|tensor| self.resolve(tensor, 0)).collect::<Result<_>>()?;
                let name = spec.name.clone().unwrap_or_default();
                let layer = match number {
                    0 => GraphLayer::Own(spec.clone()),
                    _ => GraphLayer::Shared { name: Some(node_name(&name, number)), shares: name },
                };
                graph.nodes.push(GraphNode { inputs: Some(inputs), layer });
            }
        }
        Ok(())
    }

    /// The node that makes a tensor.
    fn resolve(&self, tensor: &Tensor, steps: usize) -> Result<String> {
        if steps > MOST_STEPS {
            let expected = "tensors that layers make";
            return Err(Complaint::new("config.layers", expected, "models that read each other in a circle").into());
        }
        let scope = self.scope;
        // The first layer of a stack reads what is not named.
        if tensor.layer == scope.input {
            return match self.within {
                None => Ok("input".to_owned()),
                Some((outer, [only])) => outer.resolve(only, steps + 1),
                Some((_, several)) => {
                    let place = format!("the model `{}`", scope.name);
                    Err(Complaint::new(place, "one input", several.len()).into())
                }
            };
        }
        let Some(member) = scope.members.iter().find(|member| member.name == tensor.layer) else {
            let place = format!("config.layers (of `{}`)", scope.name);
            return Err(Complaint::new(place, "tensors of its layers", format!("one of `{}`", tensor.layer)).into());
        };
        let number = self.number.saturating_mul(member.calls.len()).saturating_add(tensor.node);
        match &member.kind {
            MemberKind::Layer(spec) => Ok(node_name(spec.name.as_deref().unwrap_or_default(), number)),
            MemberKind::Model(model) => match member.calls.get(tensor.node) {
                Some(call) => {
                    Use { scope: model, number, within: Some((self, call)) }.resolve(&model.output, steps + 1)
                }
                None => {
                    let place = format!("the model `{}`", member.name);
                    let expected = format!("one of its {} uses", member.calls.len());
                    Err(Complaint::new(place, expected, format!("number {}", tensor.node)).into())
                }
            },
        }
    }
}
