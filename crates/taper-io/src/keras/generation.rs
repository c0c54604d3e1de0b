//! The two generations of Keras whose files are read, and what the first means by settings that the second has otherwise.
//!
//! Layers of Keras 2 are brought to the spelling of Keras 3 before they are read. Where a setting means another computation, it gets
//! another name: the gates of old recurrent layers are `hard_sigmoid_keras2`.

use serde_json::{Map, Value, json};
use taper::Complaint;

use super::class::{Object, brief};

/// Keras 2 (2.0 to 2.15, tf_keras) or Keras 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    Two,
    Three,
}

/// Layers that do not have these settings in Keras 3, and write them in Keras 2 all the same.
const WITHOUT_KERNEL: &[&str] = &["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"];
const ALWAYS_ONE_GROUP: &[&str] =
    &["Conv1DTranspose", "Conv2DTranspose", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"];

/// Names by which the same classes went.
const RENAMED: &[(&str, &str)] = &[
    ("BatchNormalizationV1", "BatchNormalization"),
    ("BatchNormalizationV2", "BatchNormalization"),
    ("SyncBatchNormalization", "BatchNormalization"),
    ("Convolution1D", "Conv1D"),
    ("Convolution2D", "Conv2D"),
    ("Convolution2DTranspose", "Conv2DTranspose"),
    ("AvgPool1D", "AveragePooling1D"),
    ("AvgPool2D", "AveragePooling2D"),
    ("MaxPool1D", "MaxPooling1D"),
    ("MaxPool2D", "MaxPooling2D"),
    ("GlobalAvgPool1D", "GlobalAveragePooling1D"),
    ("GlobalAvgPool2D", "GlobalAveragePooling2D"),
    ("GlobalMaxPool1D", "GlobalMaxPooling1D"),
    ("GlobalMaxPool2D", "GlobalMaxPooling2D"),
    ("DenseV1", "Dense"),
    ("LSTMV2", "LSTM"),
    ("GRUV2", "GRU"),
];

impl Generation {
    /// The generation of a version like `2.12.0`.
    ///
    /// # Errors
    ///
    /// Keras 1, and what is no version.
    pub(super) fn of(version: &str) -> Result<Self, Complaint> {
        match version.split('.').next() {
            Some("2") => Ok(Self::Two),
            Some("3") => Ok(Self::Three),
            _ => Err(Complaint::new("keras_version", "a file of Keras 2 or 3", brief(&version.into()))),
        }
    }

    /// What a class is called in Keras 3.
    pub(super) fn modern_name(self, class: &str) -> &str {
        match class {
            "Identity" => return "Activation",
            "Normalization" => return "BatchNormalization",
            _ => {}
        }
        match (self, RENAMED.iter().find(|(old, _)| *old == class)) {
            (_, Some((_, new))) => new,
            (Self::Two, None) if class == "ThresholdedReLU" => "ReLU",
            _ => class,
        }
    }

    /// A layer in the spelling of Keras 3.
    ///
    /// # Errors
    ///
    /// Steps that come before the batch.
    pub(super) fn modern(self, object: &mut Object) -> Result<(), Complaint> {
        let old = object.class.clone();
        self.modern_name(&old).clone_into(&mut object.class);
        match &*old {
            "Identity" => {
                object.config.insert("activation".to_owned(), json!("linear"));
            }
            "Normalization" => frozen_normalization(&mut object.config)?,
            _ => {}
        }
        if self == Self::Three {
            return Ok(());
        }
        let (class, config) = (object.class.as_str(), &mut object.config);
        for key in ["batch_input_shape", "batch_shape", "input_dtype", "input_length", "noise_shape", "fused"] {
            if key != "noise_shape" || class.starts_with("SpatialDropout") {
                config.remove(key);
            }
        }
        drop_if(config, "time_major", &json!(false));
        drop_if(config, "softmax_robust_masking", &json!(false));
        if ALWAYS_ONE_GROUP.contains(&class) {
            drop_if(config, "groups", &json!(1));
        }
        if WITHOUT_KERNEL.contains(&class) {
            config.retain(|key, _| !key.starts_with("kernel_") || key == "kernel_size");
        }
        match &*old {
            "GRU" | "GRUV2" => {
                // Written down only since there is a choice.
                config.entry("reset_after").or_insert(json!(false));
            }
            "LeakyReLU" => rename(config, "alpha", "negative_slope"),
            "ThresholdedReLU" => rename(config, "theta", "threshold"),
            _ => {}
        }
        for key in ["activation", "recurrent_activation"] {
            if let Some(function) = config.get_mut(key) {
                modern_function(function);
            }
        }
        match config.get("time_major") {
            Some(value) => Err(Complaint::new("time_major", "false (the batch before the steps)", brief(value))),
            None => Ok(()),
        }
    }
}

/// `(x - mean) / max(√variance, 1e-7)`, with what the layer was adapted to: a batch normalization that stays as it is.
fn frozen_normalization(config: &mut Map<String, Value>) -> Result<(), Complaint> {
    for (key, value) in [("mean", json!(null)), ("variance", json!(null)), ("invert", json!(false))] {
        match config.remove(key) {
            Some(given) if given != value => {
                let complaint = Complaint::new(key, format!("{value} (statistics in the file)"), brief(&given));
                return Err(complaint.help("let the layer adapt to the training rows before it is saved"));
            }
            _ => {}
        }
    }
    if config.get("axis").is_none_or(|axis| axis.is_null() || axis == &json!([])) {
        return Err(Complaint::new("axis", "the dimension of the columns", "none"));
    }
    config.extend([
        ("epsilon".to_owned(), json!(1e-14)),
        ("center".to_owned(), json!(false)),
        ("scale".to_owned(), json!(false)),
        ("trainable".to_owned(), json!(false)),
    ]);
    Ok(())
}

fn modern_function(function: &mut Value) {
    if function == &json!("hard_sigmoid") {
        *function = json!("hard_sigmoid_keras2");
    } else if function.get("class_name") == Some(&json!("LeakyReLU"))
        && let Some(Value::Object(config)) = function.get_mut("config")
    {
        rename(config, "alpha", "negative_slope");
    }
}

fn drop_if(config: &mut Map<String, Value>, key: &str, value: &Value) {
    if config.get(key) == Some(value) {
        config.remove(key);
    }
}

fn rename(config: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = config.remove(from) {
        config.insert(to.to_owned(), value);
    }
}
