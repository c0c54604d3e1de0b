//! A layer as the user writes it down.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Layer, LayerConfig};
use crate::Result;
use crate::activation::Activation;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling;

/// One layer of a model: what every layer has, and the settings of its kind.
///
/// In a file, a table with the kind under `layer` and everything else beside it:
/// `{ layer = "dense", name = "hidden", units = 500, activation = "relu" }`.
///
/// # Example
///
/// ```
/// use taper::{Dense, LayerSpec};
///
/// let frozen = LayerSpec::from(Dense::new(8)).name("embedding").trainable(false);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// Unique in its model. Default: the kind in snake case, with a number from the second on (`dense`, `dense_1`).
    pub name: Option<String>,
    /// Whether training changes it. A frozen layer carries no weight penalty. Default: yes.
    pub trainable: bool,
    /// Penalty on the output, summed over the batch and divided by its rows. Default: none.
    pub activity_regularizer: Option<Regularizer>,
    /// The kind and its settings.
    pub kind: LayerKind,
}

impl LayerSpec {
    /// The same layer with a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same layer, frozen or not.
    #[must_use]
    pub fn trainable(mut self, trainable: bool) -> Self {
        self.trainable = trainable;
        self
    }

    /// The same layer with a penalty on its output.
    #[must_use]
    pub fn activity_regularizer(mut self, regularizer: Regularizer) -> Self {
        self.activity_regularizer = Some(regularizer);
        self
    }
}

/// Declares the closed set of layers: one line each (its name in files, its class in Keras, its settings) makes the
/// enum and the way to read, write and build it.
macro_rules! layers {
    ($($name:literal $class:literal => $kind:ident($config:ident),)+) => {
        /// The kinds of layers.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // each variant's settings have their own page
        #[non_exhaustive]
        pub enum LayerKind {
            $($kind(super::$config),)+
        }

        impl LayerKind {
            /// The names of all kinds, as written in files.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// Their classes in Keras, in the same order.
            pub const KERAS_CLASSES: &'static [&'static str] = &[$($class,)+];

            /// The name of this kind: `dense`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)+ }
            }

            pub(crate) fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
                match self { $(Self::$kind(config) => config.build(inputs),)+ }
            }

            /// The settings of each kind, described.
            #[cfg(feature = "schema")]
            pub(crate) fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, Value)> {
                vec![$(($name, <super::$config as schemars::JsonSchema>::json_schema(generator).to_value()),)+]
            }

            fn settings(&self) -> serde_json::Result<Value> {
                match self { $(Self::$kind(config) => serde_json::to_value(config),)+ }
            }

            fn read<E: serde::de::Error>(name: &str, settings: Value) -> Result<Self, E> {
                match name {
                    $($name => spelling::read_inner(settings).map(Self::$kind),)+
                    other => Err(spelling::smuggle("layer", format!(
                        "unknown variant `{other}`, expected one of {}",
                        Self::NAMES.name_list()
                    ))),
                }
            }
        }

        $(impl From<super::$config> for LayerSpec {
            fn from(config: super::$config) -> Self {
                Self { name: None, trainable: true, activity_regularizer: None, kind: LayerKind::$kind(config) }
            }
        })+
    };
}

layers! {
    "activation" "Activation" => Activation(ActivationLayer),
    "activity_regularization" "ActivityRegularization" => ActivityRegularization(ActivityRegularization),
    "add" "Add" => Add(Add),
    "average" "Average" => Average(Average),
    "average_pooling1d" "AveragePooling1D" => AveragePooling1d(AveragePooling1d),
    "average_pooling2d" "AveragePooling2D" => AveragePooling2d(AveragePooling2d),
    "batch_normalization" "BatchNormalization" => BatchNormalization(BatchNormalization),
    "bidirectional" "Bidirectional" => Bidirectional(Bidirectional),
    "concatenate" "Concatenate" => Concatenate(Concatenate),
    "conv1d" "Conv1D" => Conv1d(Conv1d),
    "conv1d_transpose" "Conv1DTranspose" => Conv1dTranspose(Conv1dTranspose),
    "conv2d" "Conv2D" => Conv2d(Conv2d),
    "conv2d_transpose" "Conv2DTranspose" => Conv2dTranspose(Conv2dTranspose),
    "cropping1d" "Cropping1D" => Cropping1d(Cropping1d),
    "cropping2d" "Cropping2D" => Cropping2d(Cropping2d),
    "dense" "Dense" => Dense(Dense),
    "depthwise_conv1d" "DepthwiseConv1D" => DepthwiseConv1d(DepthwiseConv1d),
    "depthwise_conv2d" "DepthwiseConv2D" => DepthwiseConv2d(DepthwiseConv2d),
    "dropout" "Dropout" => Dropout(Dropout),
    "elu" "ELU" => Elu(Elu),
    "embedding" "Embedding" => Embedding(Embedding),
    "flatten" "Flatten" => Flatten(Flatten),
    "gaussian_dropout" "GaussianDropout" => GaussianDropout(GaussianDropout),
    "gaussian_noise" "GaussianNoise" => GaussianNoise(GaussianNoise),
    "global_average_pooling1d" "GlobalAveragePooling1D" => GlobalAveragePooling1d(GlobalAveragePooling1d),
    "global_average_pooling2d" "GlobalAveragePooling2D" => GlobalAveragePooling2d(GlobalAveragePooling2d),
    "global_max_pooling1d" "GlobalMaxPooling1D" => GlobalMaxPooling1d(GlobalMaxPooling1d),
    "global_max_pooling2d" "GlobalMaxPooling2D" => GlobalMaxPooling2d(GlobalMaxPooling2d),
    "gru" "GRU" => Gru(Gru),
    "layer_normalization" "LayerNormalization" => LayerNormalization(LayerNormalization),
    "leaky_re_lu" "LeakyReLU" => LeakyReLu(LeakyReLu),
    "lstm" "LSTM" => Lstm(Lstm),
    "maximum" "Maximum" => Maximum(Maximum),
    "masking" "Masking" => Masking(Mask),
    "max_pooling1d" "MaxPooling1D" => MaxPooling1d(MaxPooling1d),
    "max_pooling2d" "MaxPooling2D" => MaxPooling2d(MaxPooling2d),
    "minimum" "Minimum" => Minimum(Minimum),
    "multiply" "Multiply" => Multiply(Multiply),
    "permute" "Permute" => Permute(Permute),
    "p_re_lu" "PReLU" => PReLu(PReLu),
    "re_lu" "ReLU" => ReLu(ReLu),
    "repeat_vector" "RepeatVector" => RepeatVector(RepeatVector),
    "rescaling" "Rescaling" => Rescaling(Rescaling),
    "reshape" "Reshape" => Reshape(Reshape),
    "separable_conv1d" "SeparableConv1D" => SeparableConv1d(SeparableConv1d),
    "separable_conv2d" "SeparableConv2D" => SeparableConv2d(SeparableConv2d),
    "simple_rnn" "SimpleRNN" => SimpleRnn(SimpleRnn),
    "softmax" "Softmax" => Softmax(Softmax),
    "spatial_dropout1d" "SpatialDropout1D" => SpatialDropout1d(SpatialDropout1d),
    "spatial_dropout2d" "SpatialDropout2D" => SpatialDropout2d(SpatialDropout2d),
    "subtract" "Subtract" => Subtract(Subtract),
    "time_distributed" "TimeDistributed" => TimeDistributed(TimeDistributed),
    "up_sampling1d" "UpSampling1D" => UpSampling1d(UpSampling1d),
    "up_sampling2d" "UpSampling2D" => UpSampling2d(UpSampling2d),
    "zero_padding1d" "ZeroPadding1D" => ZeroPadding1d(ZeroPadding1d),
    "zero_padding2d" "ZeroPadding2D" => ZeroPadding2d(ZeroPadding2d),
}

impl LayerKind {
    /// The function that such a layer ends with, where it is a setting beside others.
    pub(crate) fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Dense(layer) => Some(&mut layer.activation),
            Self::Conv1d(layer) => Some(&mut layer.activation),
            Self::Conv2d(layer) => Some(&mut layer.activation),
            Self::Conv1dTranspose(layer) => Some(&mut layer.activation),
            Self::Conv2dTranspose(layer) => Some(&mut layer.activation),
            Self::DepthwiseConv1d(layer) => Some(&mut layer.activation),
            Self::DepthwiseConv2d(layer) => Some(&mut layer.activation),
            Self::SeparableConv1d(layer) => Some(&mut layer.activation),
            Self::SeparableConv2d(layer) => Some(&mut layer.activation),
            _ => None,
        }
    }
}

/// Names in backticks, as serde lists them.
trait NameList {
    fn name_list(&self) -> String;
}
impl NameList for [&str] {
    fn name_list(&self) -> String {
        self.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

impl Serialize for LayerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = Map::new();
        map.insert("layer".into(), self.kind.name().into());
        if let Some(name) = &self.name {
            map.insert("name".into(), name.as_str().into());
        }
        if !self.trainable {
            map.insert("trainable".into(), false.into());
        }
        if let Value::Object(settings) = self.kind.settings().map_err(S::Error::custom)? {
            map.extend(settings);
        }
        if let Some(regularizer) = &self.activity_regularizer {
            map.insert("activity_regularizer".into(), serde_json::to_value(regularizer).map_err(S::Error::custom)?);
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LayerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = spelling::table::<D::Error>(Value::deserialize(deserializer)?)?;
        let mut take = |key: &str| map.remove(key);
        let kind = take("layer");
        let name = take("name").map(|value| field("name", value)).transpose()?;
        let trainable = take("trainable").map_or(Ok(true), |value| field("trainable", value))?;
        let activity_regularizer =
            take("activity_regularizer").map(|value| field("activity_regularizer", value)).transpose()?;
        let kind: String = match kind {
            Some(value) => field("layer", value)?,
            None => return Err(serde::de::Error::missing_field("layer")),
        };
        let kind = LayerKind::read(&kind, Value::Object(map))?;
        Ok(Self { name, trainable, activity_regularizer, kind })
    }
}

fn field<T: serde::de::DeserializeOwned, E: serde::de::Error>(key: &str, value: Value) -> Result<T, E> {
    spelling::read_inner::<T, serde_json::Error>(value).map_err(|error| spelling::smuggle(key, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dense;

    fn read(text: &str) -> Result<LayerSpec> {
        spelling::read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_layer_survives_the_round_trip() {
        let spec = LayerSpec::from(
            Dense::new(5)
                .activation(Activation::LeakyRelu { negative_slope: 0.1 })
                .kernel_regularizer(Regularizer::l2(0.001)),
        )
        .name("hidden")
        .trainable(false)
        .activity_regularizer(Regularizer::l1(0.5));
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(read(&text).unwrap(), spec);
    }

    #[test]
    fn mistakes_name_their_place_and_the_nearest_word() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error(r#"{"layer": "dence", "units": 1}"#).starts_with("layer: expected one of activation,"));
        assert!(error(r#"{"layer": "dence", "units": 1}"#).ends_with("got `dence` (did you mean `dense`?)"));
        assert!(error(r#"{"layer": "dense", "unit": 1}"#).contains("did you mean `units`?"));
        assert!(error(r#"{"layer": "dense", "units": 1, "activation": "rleu"}"#).starts_with("activation: "));
        assert!(error(r#"{"layer": "dense", "units": 1, "activation": "rleu"}"#).contains("did you mean `relu`?"));
        let nested = error(r#"{"layer": "dense", "units": 1, "kernel_regularizer": {"l3": 1}}"#);
        assert!(nested.starts_with("kernel_regularizer"), "{nested}");
        assert!(error(r#"{"layer": "dense", "units": -1}"#).starts_with("units: "));
        assert!(error(r#"{"units": 1}"#).contains("layer"));
    }
}
