//! The functions by which masks go from one layer to the next, as Keras writes them down.

use serde_json::{Value, json};
use taper::LayerKind;

use super::{Argument, Network, Tensor};

impl Network {
    /// The mask of a layer's output, by the operations that Keras would work it out with. Left to Keras, they would get the names
    /// that it gives to operations, which may be those of layers.
    pub(super) fn mask(
        &mut self,
        kind: &LayerKind,
        inputs: &[Tensor],
        masks: &[Option<Tensor>],
        passes: bool,
        output: &[usize],
    ) -> Option<Tensor> {
        let x = &inputs[0];
        match kind {
            LayerKind::Embedding(layer) if layer.mask_zero => Some(self.not_equal(x, json!(0))),
            LayerKind::Masking(layer) => {
                let counts = self.not_equal(x, json!(layer.mask_value));
                Some(self.any(counts))
            }
            LayerKind::Concatenate(_) if masks.iter().all(Option::is_none) => None,
            LayerKind::Concatenate(layer) => {
                let parts = inputs.iter().zip(masks).map(|(input, mask)| self.spread(input, mask.clone())).collect();
                let config = [("axis", json!(layer.axis))];
                let args = vec![Argument::List(parts)];
                let joined = self.function("Concatenate", "concatenate", &config, args, output);
                Some(self.any(joined))
            }
            LayerKind::Add(_)
            | LayerKind::Average(_)
            | LayerKind::Maximum(_)
            | LayerKind::Minimum(_)
            | LayerKind::Multiply(_)
            | LayerKind::Subtract(_) => {
                let masks: Vec<Tensor> = masks.iter().cloned().collect::<Option<_>>()?;
                masks.into_iter().reduce(|a, b| {
                    let sizes = a.sizes.clone();
                    self.function("LogicalOr", "logical_or", &[], vec![a.into(), b.into()], &sizes)
                })
            }
            _ if passes => masks[0].clone(),
            _ => None,
        }
    }

    fn not_equal(&mut self, x: &Tensor, value: Value) -> Tensor {
        let args = vec![x.clone().into(), Argument::Number(value)];
        self.function("NotEqual", "not_equal", &[], args, &x.sizes)
    }

    fn any(&mut self, mask: Tensor) -> Tensor {
        let sizes = mask.sizes[..mask.sizes.len() - 1].to_vec();
        self.function("Any", "any", &[("axis", json!(-1)), ("keepdims", json!(false))], vec![mask.into()], &sizes)
    }

    /// A mask with the rank of what it masks.
    fn spread(&mut self, input: &Tensor, mask: Option<Tensor>) -> Tensor {
        let (bool, x) = ([("dtype", json!("bool"))], vec![input.clone().into()]);
        let Some(mask) = mask else { return self.function("OnesLike", "ones_like", &bool, x, &input.sizes) };
        let thin = [&mask.sizes[..], &[1]].concat();
        let thin = self.function("ExpandDims", "expand_dims", &[("axis", json!(-1))], vec![mask.into()], &thin);
        let zeros = self.function("ZerosLike", "zeros_like", &bool, x, &input.sizes);
        self.function("LogicalOr", "logical_or", &[], vec![thin.into(), zeros.into()], &input.sizes)
    }
}

/// Whether Keras hands the mask of its input to such a layer.
pub(super) fn reads_mask(kind: &LayerKind) -> bool {
    matches!(
        kind,
        LayerKind::BatchNormalization(_)
            | LayerKind::Bidirectional(_)
            | LayerKind::GlobalAveragePooling1d(_)
            | LayerKind::Gru(_)
            | LayerKind::Lstm(_)
            | LayerKind::SimpleRnn(_)
            | LayerKind::Softmax(_)
            | LayerKind::TimeDistributed(_)
    )
}
