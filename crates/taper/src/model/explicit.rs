//! A model's specification with every penalty written at its layer.

use serde_json::{Map, Value};

use super::{Model, ModelSpec};
use crate::layer::LayerSpec;
use crate::param::Role;
use crate::{Complaint, Complaints, Result, read};

impl Model {
    /// The specification in which every parameter's penalty is a setting of its layer, as it is in force: what formats need that
    /// know no policy.
    ///
    /// # Errors
    ///
    /// A penalty that no setting of its layer can say: that of one direction of a bidirectional layer.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Dense, Model, Regularizer, Seed, Sequential};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let spec = Sequential::new([2]).layer(Dense::new(1)).regularization(Regularizer::l2(1e-4));
    /// let model = Model::build(&spec, Seed::new(1))?;
    /// let written = Sequential::new([2]).layer(Dense::new(1).kernel_regularizer(Regularizer::l2(1e-4)));
    /// assert_eq!(model.explicit_spec()?, written.into());
    /// # Ok(())
    /// # }
    /// ```
    pub fn explicit_spec(&self) -> Result<ModelSpec> {
        let mut spec = self.spec.clone();
        spec.set_regularization(None);
        let names: Vec<String> = self.summary().into_iter().map(|layer| layer.name).collect();
        for (layer, name) in spec.owned_mut().into_iter().zip(&names) {
            let prefix = format!("{name}/");
            let own = self.params.slots().iter().filter_map(|slot| Some((slot.path.strip_prefix(&prefix)?, slot)));
            let mut settings = serde_json::to_value(&*layer).unwrap_or_default();
            for (path, slot) in own {
                let Some(table) = table(&mut settings, path) else { continue };
                let parameter = match slot.spec.role {
                    Role::DepthwiseKernel => "depthwise", // which a depthwise convolution alone calls its kernel
                    _ => path.rsplit('/').next().unwrap_or(path),
                };
                let key = format!("{}_regularizer", parameter.strip_suffix("_kernel").unwrap_or(parameter));
                match &slot.spec.regularizer {
                    Some(regularizer) => {
                        table.insert(key, serde_json::to_value(regularizer).unwrap_or_default());
                    }
                    None => {
                        table.remove(&key);
                    }
                }
            }
            *layer = read::<LayerSpec>(settings)?;
        }
        let mut complaints = Complaints::new();
        for (slot, written) in self.params.slots().iter().zip(Self::plan(&spec)?) {
            if slot.spec.regularizer != written.spec.regularizer {
                let expected = "a penalty that a setting of its layer can say";
                complaints.push(Complaint::new(&slot.path, expected, "one of this parameter alone"));
            }
        }
        complaints.finish()?;
        Ok(spec)
    }
}

/// The settings that a parameter of this path belongs to: the layer's own, or those of a layer within it.
fn table<'a>(settings: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    let inner = match settings.get("of") {
        None => return settings.as_object_mut(),
        Some(_) if path.starts_with("backward_") && settings.get("backward_layer").is_some() => "backward_layer",
        Some(_) => "of",
    };
    settings.get_mut(inner)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use crate::{Bidirectional, Dense, Lstm, Model, Policy, Regularizer, Role, Seed, Sequential, TimeDistributed};

    fn model(policy: Policy) -> Model {
        let spec = Sequential::new([4, 3])
            .layer(Bidirectional::new(Lstm::new(2).return_sequences(true)))
            .layer(TimeDistributed::new(Dense::new(2).kernel_regularizer(Regularizer::l1(0.5))))
            .regularization(policy);
        Model::build(&spec, Seed::new(1)).unwrap()
    }

    #[test]
    fn wrapped_layers_get_their_settings_too() {
        let model = model(Policy::new(Regularizer::l2(0.1)).roles([Role::RecurrentKernel, Role::Bias]));
        let again = Model::build(model.explicit_spec().unwrap(), Seed::new(1)).unwrap();
        assert_eq!(again.spec().regularization(), None);
        assert_eq!(again.params(), model.params());
    }

    #[test]
    fn one_direction_alone_cannot_be_said() {
        let model = model(Policy::default().path("forward_*", Regularizer::l2(0.1)));
        let error = model.explicit_spec().unwrap_err().to_string();
        assert!(error.contains("bidirectional/forward_lstm/lstm_cell/kernel"), "{error}");
    }
}
