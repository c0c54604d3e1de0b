//! What is probably not meant about a model and its training as a whole.

use super::finding::{Finding, FindingKind};
use crate::activation::Activation;
use crate::layer::{LayerKind, LayerSpec};
use crate::loss::Loss;
use crate::metric::Metric;
use crate::model::{GraphLayer, Model, ModelSpec};
use crate::train::FitConfig;

/// Looks at a model and its training.
pub(super) fn find(model: &Model, config: &FitConfig, findings: &mut Vec<Finding>) {
    let mut push = |kind: FindingKind, path: String, message: String| findings.push(Finding { kind, path, message });
    let specs = model.spec().owned();
    let shown = model.layers.iter().filter(|layer| !layer.name.is_empty());
    for (spec, built) in specs.iter().zip(shown) {
        if ends_with(&spec.kind) == Some(Activation::Softmax) && built.layer.output_shape().last() == 1 {
            let message =
                "the softmax of one number is always 1, whatever the weights: use sigmoid, or an output for each class";
            push(FindingKind::ConstantOutput, built.name.clone(), message.to_owned());
        }
    }
    let outputs = model.output_shape().last();
    let end = output(model.spec()).and_then(|spec| ends_with(&spec.kind));
    let from_logits = match config.loss {
        Loss::BinaryCrossentropy { from_logits, .. } => Some(from_logits),
        Loss::CategoricalCrossentropy { from_logits, .. } | Loss::SparseCategoricalCrossentropy { from_logits } => {
            if outputs == 1 && end != Some(Activation::Softmax) {
                let message = "over one output a categorical cross-entropy is always 0: use binary_crossentropy";
                push(FindingKind::ConstantOutput, "fit.loss".to_owned(), message.to_owned());
            }
            Some(from_logits)
        }
        Loss::KlDivergence => Some(false),
        Loss::Mse
        | Loss::Mae
        | Loss::Huber { .. }
        | Loss::Hinge
        | Loss::SquaredHinge
        | Loss::CategoricalHinge
        | Loss::LogCosh
        | Loss::Poisson
        | Loss::Msle
        | Loss::Mape
        | Loss::CosineSimilarity => None,
    };
    let Some(end) = end else { return of_training(config, &mut push) };
    if from_logits == Some(false) && !is_probability(end) {
        let settings = match (config.loss, outputs) {
            (Loss::KlDivergence, 1) => "end in sigmoid",
            (Loss::KlDivergence, _) => "end in softmax",
            (loss, _) if loss == Loss::BINARY_CROSSENTROPY => "end in sigmoid, or say from_logits = true",
            (_, 1) => "end in sigmoid, or say from_logits = true",
            _ => "end in softmax, or say from_logits = true",
        };
        let message =
            format!("the loss compares probabilities, and the outputs of `{}` are none: {settings}", name(end));
        push(FindingKind::NoProbabilities, "fit.loss".to_owned(), message);
    }
    if from_logits == Some(true) && !is_probability(end) {
        for (metric, column) in config.metrics.iter().chain(&config.weighted_metrics).zip(config.metric_names()) {
            if let Some(message) = of_logits(metric.metric.resolve(outputs, config.loss.is_sparse())) {
                push(FindingKind::LogitsMeasured, format!("fit.metrics, {column}"), message);
            }
        }
    }
    of_training(config, &mut push);
}

fn of_training(config: &FitConfig, push: &mut dyn FnMut(FindingKind, String, String)) {
    let restores = config.early_stopping.as_ref().is_some_and(|settings| settings.restore_best_weights);
    if config.optimizer.use_ema && restores {
        let message = "the weights of the best epoch take the place of the average that use_ema makes, as in Keras: without \
                       restore_best_weights the average stays";
        push(FindingKind::AverageDiscarded, "fit.early_stopping.restore_best_weights".to_owned(), message.to_owned());
    }
}

/// Why a metric of logits is not what it seems.
fn of_logits(metric: Metric) -> Option<String> {
    let compares = |threshold: f32| {
        let zero = "threshold = 0.0 means the probability 0.5";
        (threshold > 0.0 && threshold < 1.0)
            .then(|| format!("it compares logits with {threshold}, as in Keras: {zero}"))
    };
    let takes = || Some("it takes logits for probabilities, as in Keras: say from_logits = true".to_owned());
    match metric {
        Metric::BinaryAccuracy { threshold } | Metric::Precision { threshold } | Metric::Recall { threshold } => {
            compares(threshold)
        }
        Metric::Auc { .. } => Some(
            "its thresholds lie between 0 and 1, and all logits outside count as 0 or 1: end in sigmoid".to_owned(),
        ),
        Metric::BinaryCrossentropy { from_logits: false, .. }
        | Metric::CategoricalCrossentropy { from_logits: false, .. }
        | Metric::SparseCategoricalCrossentropy { from_logits: false }
        | Metric::KlDivergence => takes(),
        Metric::BinaryCrossentropy { .. }
        | Metric::CategoricalCrossentropy { .. }
        | Metric::SparseCategoricalCrossentropy { .. }
        | Metric::Accuracy
        | Metric::CategoricalAccuracy
        | Metric::SparseCategoricalAccuracy
        | Metric::TopKCategoricalAccuracy { .. }
        | Metric::SparseTopKCategoricalAccuracy { .. }
        | Metric::RootMeanSquaredError
        | Metric::Mse
        | Metric::Mae
        | Metric::Mape
        | Metric::Msle
        | Metric::LogCosh
        | Metric::Poisson
        | Metric::Hinge
        | Metric::SquaredHinge
        | Metric::CategoricalHinge
        | Metric::CosineSimilarity => None,
    }
}

/// Whether its values lie between 0 and 1.
fn is_probability(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Sigmoid | Activation::HardSigmoid | Activation::SparseSigmoid | Activation::Softmax
    )
}

fn name(activation: Activation) -> String {
    let value = serde_json::to_value(activation).unwrap_or_default();
    value.as_str().or_else(|| value["name"].as_str()).unwrap_or_default().to_owned()
}

/// The function that a layer ends with; `None` where it has none of its own.
fn ends_with(kind: &LayerKind) -> Option<Activation> {
    match kind {
        LayerKind::Activation(layer) => Some(layer.activation),
        LayerKind::Softmax(layer) if layer.is_over_last() => Some(Activation::Softmax),
        LayerKind::ReLu(_) => Some(Activation::Relu),
        LayerKind::TimeDistributed(layer) => ends_with(&layer.of.kind),
        other => other.clone().activation_mut().copied(),
    }
}

/// The layer whose value is the model's.
fn output(spec: &ModelSpec) -> Option<&LayerSpec> {
    let ModelSpec::Graph(graph) = spec else { return spec.owned().pop() };
    let named = |name: &str| spec.owned().into_iter().find(|layer| layer.name.as_deref() == Some(name));
    match &graph.output {
        Some(name) => named(name),
        None => match &graph.nodes.last()?.layer {
            GraphLayer::Own(layer) => Some(layer),
            GraphLayer::Shared { shares, .. } => named(shares),
        },
    }
}
