//! A layer within a layer.

use super::{Layer, LayerSpec};
use crate::param::ParamSpec;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaints, Result};

/// A wrapped layer, built.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) layer: Box<dyn Layer>,
    /// The layer's own, with its name before theirs.
    pub(super) params: Vec<ParamSpec>,
    /// Numbers in all parameters.
    pub(super) len: usize,
    /// Whether the wrapped layer alone is frozen.
    pub(super) frozen: bool,
    /// Penalty on the wrapped layer's output.
    pub(super) activity_regularizer: Option<Regularizer>,
}

impl Inner {
    /// Builds the layer that `spec` describes; places of complaints are its settings.
    pub(super) fn build(spec: &LayerSpec, name: &str, input: &Shape) -> Result<Self> {
        let mut complaints = Complaints::new();
        complaints.check(!name.is_empty() && !name.contains('/'), "name", "a name without `/`", format!("`{name}`"));
        if let Some(regularizer) = &spec.activity_regularizer {
            regularizer.validate("activity_regularizer", None, &mut complaints);
        }
        complaints.finish()?;
        let layer = spec.kind.build(std::slice::from_ref(input))?;
        let mut complaints = Complaints::new();
        for param in layer.params() {
            param.validate(&mut complaints)?;
        }
        complaints.finish()?;
        let within = |param: &ParamSpec| {
            let trainable = param.trainable && spec.trainable;
            ParamSpec { name: format!("{name}/{}", param.name).into(), trainable, ..param.clone() }
        };
        Ok(Self {
            params: layer.params().iter().map(within).collect(),
            len: layer.params().iter().map(|param| param.shape.len()).sum(),
            frozen: !spec.trainable,
            activity_regularizer: spec.activity_regularizer.clone(),
            layer,
        })
    }
}
