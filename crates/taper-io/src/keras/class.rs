//! Which of Keras's classes are read, and which of their settings need say nothing.
//!
//! Taper's layers have Keras's names in snake case and its settings by Keras's names, so a table of names is nearly all that
//! is needed: what is not in it is refused by name.

use serde_json::{Map, Value, json};
use taper::{Complaint, nearest};

/// What is expected where a layer is none of those that are known here.
pub(super) const A_LAYER: &str = "a layer of Keras's that Taper has";

/// The layers, by Keras's class.
pub(super) const LAYERS: &[&str] = taper::LayerKind::KERAS_CLASSES;

pub(super) const INITIALIZERS: &[&str] = &[
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
];

/// Other names that the same classes have or had: of initializers, constraints and regularizers.
const ALIASES: &[(&str, &str)] = &[
    ("GlorotNormalV2", "GlorotNormal"),
    ("GlorotUniformV2", "GlorotUniform"),
    ("HeNormalV2", "HeNormal"),
    ("HeUniformV2", "HeUniform"),
    ("IdentityInitializer", "Identity"),
    ("L1L2Regularizer", "L1L2"),
    ("L1_L2", "L1L2"),
    ("LecunNormalV2", "LecunNormal"),
    ("LecunUniformV2", "LecunUniform"),
    ("OrthogonalInitializer", "Orthogonal"),
    ("OrthogonalV2", "Orthogonal"),
    ("VarianceScalingV2", "VarianceScaling"),
    ("ConstantV2", "Constant"),
    ("IdentityV2", "Identity"),
    ("OnesV2", "Ones"),
    ("ZerosV2", "Zeros"),
    ("RandomNormalV2", "RandomNormal"),
    ("RandomUniformV2", "RandomUniform"),
    ("TruncatedNormalV2", "TruncatedNormal"),
    ("MaxNormV2", "MaxNorm"),
    ("UnitNormV2", "UnitNorm"),
    ("NonNegV2", "NonNeg"),
    ("MinMaxNormV2", "MinMaxNorm"),
];

pub(super) const CONSTRAINTS: &[&str] = &["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"];

pub(super) const REGULARIZERS: &[&str] = &["L1", "L1L2", "L2", "OrthogonalRegularizer"];

pub(super) const OPTIMIZERS: &[&str] = &["SGD", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "RMSprop"];

/// What an optimizer of this class is called here.
pub(super) fn optimizer_name(class: &str) -> String {
    if class == "RMSprop" { "rmsprop".to_owned() } else { snake_case(class) }
}

pub(super) const SCHEDULES: &[&str] =
    &["CosineDecay", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"];

/// Losses with their names here.
pub(super) const LOSSES: &[(&str, &str)] = &[
    ("BinaryCrossentropy", "binary_crossentropy"),
    ("CategoricalCrossentropy", "categorical_crossentropy"),
    ("CategoricalHinge", "categorical_hinge"),
    ("CosineSimilarity", "cosine_similarity"),
    ("Hinge", "hinge"),
    ("Huber", "huber"),
    ("KLDivergence", "kl_divergence"),
    ("LogCosh", "log_cosh"),
    ("MeanAbsoluteError", "mae"),
    ("MeanAbsolutePercentageError", "mape"),
    ("MeanSquaredError", "mse"),
    ("MeanSquaredLogarithmicError", "msle"),
    ("Poisson", "poisson"),
    ("SquaredHinge", "squared_hinge"),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
];

/// Metrics with their names here.
pub(super) const METRICS: &[(&str, &str)] = &[
    ("AUC", "auc"),
    ("Accuracy", "accuracy"),
    ("BinaryAccuracy", "binary_accuracy"),
    ("BinaryCrossentropy", "binary_crossentropy"),
    ("CategoricalAccuracy", "categorical_accuracy"),
    ("CategoricalCrossentropy", "categorical_crossentropy"),
    ("CategoricalHinge", "categorical_hinge"),
    ("CosineSimilarity", "cosine_similarity"),
    ("Hinge", "hinge"),
    ("KLDivergence", "kl_divergence"),
    ("LogCoshError", "log_cosh"),
    ("MeanAbsoluteError", "mae"),
    ("MeanAbsolutePercentageError", "mape"),
    ("MeanSquaredError", "mse"),
    ("MeanSquaredLogarithmicError", "msle"),
    ("Poisson", "poisson"),
    ("Precision", "precision"),
    ("Recall", "recall"),
    ("RootMeanSquaredError", "root_mean_squared_error"),
    ("SparseCategoricalAccuracy", "sparse_categorical_accuracy"),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
    ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"),
    ("SquaredHinge", "squared_hinge"),
    ("TopKCategoricalAccuracy", "top_k_categorical_accuracy"),
];

/// Where Keras's own classes live. Anything else would be somebody's code.
const MODULES: &[&str] = &[
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.models.sequential",
    "keras.src.engine.functional",
    "keras.src.engine.sequential",
    "tf_keras",
    "tf_keras.src.engine.functional",
    "tf_keras.src.engine.sequential",
];

/// Settings that change no number as long as they have one of these values (`null` is always one of them).
const INERT: &[(&str, &[&str])] = &[
    ("autocast", &["true"]),
    ("centered", &["false"]),
    ("curve", &["\"ROC\""]),
    ("data_format", &["\"channels_last\""]),
    ("dropout", &["0.0", "0"]),
    ("from_logits", &["false"]),
    ("interpolation", &["\"nearest\""]),
    ("keepdims", &["false"]),
    ("multi_label", &["false"]),
    ("ragged", &["false"]),
    ("recurrent_dropout", &["0.0", "0"]),
    ("reduction", &["\"sum_over_batch_size\"", "\"auto\""]),
    ("renorm", &["false"]),
    ("return_state", &["false"]),
    ("rms_scaling", &["false"]),
    ("sparse", &["false"]),
    ("stateful", &["false"]),
    ("summation_method", &["\"interpolation\""]),
    ("synchronized", &["false"]),
    ("use_ema", &["false"]),
    ("zero_output_for_mask", &["false"]),
];

/// Settings that change no number whatever they say, for what is read here: names, streams of random numbers, engines.
const FREE: &[&str] = &["implementation", "renorm_clipping", "renorm_momentum", "seed", "unroll", "use_cudnn"];

/// An object as Keras writes it: `{"module": ..., "class_name": ..., "config": {...}}`.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) class: String,
    pub(super) config: Map<String, Value>,
    /// What stands beside the settings: `inbound_nodes`, `build_config`, ….
    pub(super) rest: Map<String, Value>,
}

impl Object {
    /// Takes an object apart, if it is of Keras's own.
    ///
    /// # Errors
    ///
    /// Another module or a registered name: code of somebody's.
    pub(super) fn new(value: Value, what: &str) -> Result<Self, Complaint> {
        let wrong = |got: String| Complaint::new("", format!("{what} as Keras writes it"), got);
        let Value::Object(mut rest) = value else { return Err(wrong(brief(&value))) };
        let class = match rest.remove("class_name") {
            Some(Value::String(class)) => class,
            other => return Err(wrong(format!("class_name {}", brief(&other.unwrap_or_default())))),
        };
        if class == "Lambda" {
            let complaint = Complaint::new("", A_LAYER, "`Lambda`");
            return Err(complaint.help("it holds Python code, which is never run"));
        }
        let module = rest.remove("module").unwrap_or_default();
        // In HDF5 files a class is said by its name alone, which has to be one of the closed list of its kind.
        let known = module.is_null() || module.as_str().is_some_and(|module| MODULES.contains(&module));
        if !known {
            let expected = format!("a class of Keras's own ({})", MODULES.join(", "));
            return Err(Complaint::new("module", expected, brief(&module)).help(format!("of class `{class}`")));
        }
        let registered = rest.remove("registered_name").unwrap_or_default();
        if !registered.is_null() && registered != *class {
            let complaint = Complaint::new("registered_name", "a class of Keras's own", brief(&registered));
            return Err(complaint.help("custom classes hold Python code, which is never run"));
        }
        let config = match rest.remove("config") {
            Some(Value::Object(config)) => config,
            Some(Value::Null) | None => Map::new(),
            // The layers alone, before Keras 2.2.3.
            Some(layers @ Value::Array(_)) if class == "Sequential" => Map::from_iter([("layers".to_owned(), layers)]),
            Some(other) => return Err(wrong(format!("config {}", brief(&other)))),
        };
        let class = ALIASES.iter().find(|(old, _)| *old == class).map_or(class, |(_, now)| (*now).to_owned());
        Ok(Self { class, config, rest })
    }

    /// Complains unless the class is one of these.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), Complaint> {
        check_name(&self.class, known)
    }

    /// Takes off what need not be said.
    pub(super) fn drop_inert(&mut self) {
        drop_inert(&mut self.config);
    }
}

pub(super) fn drop_inert(config: &mut Map<String, Value>) {
    config.retain(|key, value| !is_inert(key, value));
}

/// Complains about a name that is not one of these.
pub(super) fn check_name(name: &str, known: &[&str]) -> Result<(), Complaint> {
    if known.contains(&name) {
        return Ok(());
    }
    let expected = if known == LAYERS { A_LAYER.to_owned() } else { format!("one of {}", known.join(", ")) };
    let complaint = Complaint::new("", expected, format!("`{}`", cut(name)));
    Err(match nearest(name, known.iter().copied()) {
        Some(near) => complaint.help(format!("did you mean `{near}`?")),
        None => complaint,
    })
}

/// What a setting has to be, as far as that is known without its layer.
pub(super) fn expected_of(key: &str) -> String {
    if key == "dtype" {
        return "\"float32\"".to_owned();
    }
    match INERT.iter().find(|(name, _)| *name == key) {
        Some((_, values)) => values[0].to_owned(),
        None => "no such setting".to_owned(),
    }
}

fn is_inert(key: &str, value: &Value) -> bool {
    if FREE.contains(&key) || value.is_null() {
        return true;
    }
    if key == "dtype" {
        return is_float32(value);
    }
    let text = value.to_string();
    INERT.iter().any(|(name, values)| *name == key && values.contains(&text.as_str()))
}

/// `"float32"`, or the policy of that name.
fn is_float32(dtype: &Value) -> bool {
    match dtype {
        Value::String(name) => name == "float32",
        Value::Object(policy) => {
            ["DTypePolicy", "Policy"].iter().any(|class| policy.get("class_name") == Some(&json!(class)))
                && policy.get("config").and_then(|config| config.get("name")) == Some(&json!("float32"))
        }
        _ => false,
    }
}

/// `Conv2DTranspose` becomes `conv2d_transpose`: Keras's way with names of files and variables.
pub(super) fn snake_case(class: &str) -> String {
    let split = |text: &str, before: fn(&[char], usize) -> bool| {
        let letters: Vec<char> = text.chars().collect();
        let mut out = String::new();
        for (i, letter) in letters.iter().enumerate() {
            if i > 0 && before(&letters, i) {
                out.push('_');
            }
            out.push(*letter);
        }
        out
    };
    // A capital that begins a word, then one that follows a small letter.
    let words = split(class, |letters, i| {
        letters[i].is_ascii_uppercase() && letters.get(i + 1).is_some_and(char::is_ascii_lowercase)
    });
    split(&words, |letters, i| letters[i].is_ascii_uppercase() && letters[i - 1].is_ascii_lowercase())
        .to_ascii_lowercase()
}

/// The class of this snake-case name.
pub(super) fn class_of(name: &str, known: &[&'static str]) -> Option<&'static str> {
    known.iter().find(|class| snake_case(class) == name).copied()
}

/// A value short enough for a message.
pub(super) fn brief(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `keras.src.utils.naming.to_snake_case`.
    #[test]
    fn snake_case_is_that_of_keras() {
        for (class, name) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("SeparableConv2D", "separable_conv2d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("UpSampling2D", "up_sampling2d"),
            ("InputLayer", "input_layer"),
            ("SpatialDropout1D", "spatial_dropout1d"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }

    #[test]
    fn every_class_has_its_layer_here() {
        for class in LAYERS {
            assert!(taper::LayerKind::NAMES.contains(&&*snake_case(class)), "{class}");
        }
        for name in taper::LayerKind::NAMES {
            assert!(class_of(name, LAYERS).is_some(), "{name}");
        }
    }

    /// The values that every name of a registry stands for: what serde lists when it meets a name that is none.
    fn registry<T: serde::de::DeserializeOwned>() -> Vec<(String, T)> {
        let Err(error) = serde_json::from_str::<T>(r#""?""#) else { panic!("`?` is no name") };
        let text = error.to_string();
        let names: Vec<&str> = text.split('`').skip(3).step_by(2).collect();
        assert!(names.len() > 1, "{text}");
        names.iter().map(|name| ((*name).to_owned(), named(name))).collect()
    }

    fn named<T: serde::de::DeserializeOwned>(name: &str) -> T {
        serde_json::from_value(json!(name)).unwrap()
    }

    #[test]
    fn every_optimizer_loss_and_metric_has_its_class() {
        for (name, optimizer) in registry::<taper::Optimizer>() {
            assert!(
                OPTIMIZERS.iter().any(|class| named::<taper::Optimizer>(&optimizer_name(class)) == optimizer),
                "{name}"
            );
        }
        for (name, loss) in registry::<taper::Loss>() {
            assert!(LOSSES.iter().any(|(_, own)| named::<taper::Loss>(own) == loss), "{name}");
        }
        for (name, metric) in registry::<taper::Metric>() {
            assert!(METRICS.iter().any(|(_, own)| named::<taper::Metric>(own) == metric), "{name}");
        }
    }

    #[test]
    fn foreign_code_is_refused_by_name() {
        let error = |value: Value| Object::new(value, "a layer").unwrap_err().to_string();
        let lambda = json!({"module": "keras.layers", "class_name": "Lambda", "config": {}});
        assert!(error(lambda).contains("got `Lambda` (it holds Python code, which is never run)"));
        let foreign = json!({"module": "os", "class_name": "system", "config": {}});
        assert!(error(foreign).contains(r#"got "os" (of class `system`)"#));
        let custom = json!({"module": "keras.layers", "class_name": "X", "registered_name": "Custom>X"});
        assert!(error(custom).contains("Custom>X"));
    }
}
