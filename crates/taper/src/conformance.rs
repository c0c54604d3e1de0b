//! One test that every layer, loss, optimizer and penalty passes. A new one adds its row to the table.

use crate::layer::Mode;
use crate::model::Workspace;
use crate::*;

/// A layer, an input shape, and what must come of it.
struct Row {
    layer: LayerSpec,
    input: Vec<usize>,
    output: Vec<usize>,
    parameters: usize,
    /// Whether the inputs are token ids, so that nothing can be trained below.
    tokens: bool,
}

fn row(layer: impl Into<LayerSpec>, input: &[usize], output: &[usize], parameters: usize) -> Row {
    Row { layer: layer.into(), input: input.to_vec(), output: output.to_vec(), parameters, tokens: false }
}

/// Every layer, with every setting that changes its arithmetic.
fn layers() -> Vec<Row> {
    let mut rows = vec![
        row(Dropout::new(0.4), &[7], &[7], 0),
        row(Flatten::new(), &[3, 4], &[12], 0),
        row(ActivationLayer::new(Activation::Softmax), &[2, 5], &[2, 5], 0),
        row(Dense { use_bias: false, ..Dense::new(3) }, &[5], &[3], 15),
        row(Dense::new(3).activation(Activation::Tanh), &[4, 6], &[4, 3], 21),
        row(Dense::new(1).activation(Activation::Swish), &[6], &[1], 7),
        row(Dense::new(2).kernel_constraint(Constraint::max_norm(3.0)), &[3], &[2], 8),
        row(ActivityRegularization::new(0.0, 0.0), &[3], &[3], 0),
        row(BatchNormalization::new(), &[3], &[3], 12),
        row(BatchNormalization::new(), &[2, 4, 3], &[2, 4, 3], 12),
        row(BatchNormalization { scale: false, ..BatchNormalization::new() }, &[4, 3], &[4, 3], 9),
        row(BatchNormalization { center: false, epsilon: 0.1, ..BatchNormalization::new() }, &[3], &[3], 9),
        row(LayerSpec::from(BatchNormalization::new()).trainable(false), &[3], &[3], 12),
        row(Elu { alpha: 0.7 }, &[8], &[8], 0),
        row(GaussianDropout::new(0.3), &[5], &[5], 0),
        row(GaussianNoise::new(0.3), &[5], &[5], 0),
        row(LayerNormalization::new(), &[5], &[5], 10),
        row(LayerNormalization::new().axis([-1, 2]), &[2, 3, 4], &[2, 3, 4], 24),
        row(LayerNormalization { scale: false, ..LayerNormalization::new() }, &[3, 19], &[3, 19], 19),
        row(LayerNormalization { center: false, epsilon: 0.1, ..LayerNormalization::new() }, &[3, 5], &[3, 5], 5),
        row(LeakyReLu::new(), &[8], &[8], 0),
        row(Permute::new([3, 1, 2]), &[2, 3, 4], &[4, 2, 3], 0),
        row(ReLu::new(), &[8], &[8], 0),
        row(ReLu { max_value: Some(1.0), negative_slope: 0.2, threshold: 0.4 }, &[8], &[8], 0),
        row(RepeatVector::new(3), &[4], &[3, 4], 0),
        row(Rescaling::new(0.5).offset(-1.0), &[3], &[3], 0),
        row(Reshape::new([-1, 3]), &[2, 6], &[4, 3], 0),
        row(Softmax::new(), &[2, 4], &[2, 4], 0),
        row(SpatialDropout1d::new(0.4), &[3, 5], &[3, 5], 0),
        row(SpatialDropout2d::new(0.4), &[2, 3, 5], &[2, 3, 5], 0),
    ];
    for activation in activations() {
        rows.push(row(Dense::new(9).activation(activation), &[6], &[9], 63));
        rows.push(row(Dense::new(9).activation(activation), &[2], &[9], 27));
        rows.push(row(ActivationLayer::new(activation), &[8], &[8], 0));
    }
    rows
}

fn activations() -> Vec<Activation> {
    let named = [
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "swish",
        "gelu",
        "exponential",
        "softmax",
    ];
    named.iter().map(|name| serde_json::from_value((*name).into()).unwrap()).collect()
}

const BATCH: usize = 5;

#[test]
fn every_layer_conforms() {
    for Row { layer, input, output, parameters, tokens } in layers() {
        // Serialization: what is written is read back, and unknown settings are refused.
        let text = serde_json::to_string(&layer).unwrap();
        assert_eq!(serde_json::from_str::<LayerSpec>(&text).unwrap(), layer, "{text}");
        let unknown = text.replacen('{', r#"{"no_such_setting": 1,"#, 1);
        assert!(serde_json::from_str::<LayerSpec>(&unknown).is_err(), "{text} takes unknown settings");

        // Shapes and parameters.
        let alone = Sequential::new(input.clone()).layer(layer.clone());
        let model = Model::build(&alone, Seed::new(1)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(model.output_shape().sizes(), output, "{text}");
        assert_eq!(model.params().data().len(), parameters, "{text}");

        // Gradients of the parameters and, through a trainable layer below, of the input.
        let mut spec = Sequential::new(input.clone());
        if !tokens {
            let width = *input.last().unwrap();
            spec = spec.layer(LayerSpec::from(Dense::new(width)).name("below"));
        }
        let spec = spec.layer(layer.clone());
        for mode in [Mode::Training, Mode::Inference] {
            check_gradients(&spec, tokens, mode, &text);
        }
    }
}

/// Backward against central differences of Σ c·y, one parameter at a time (at most 40 of each), in f32: within 1% of the
/// largest gradient of that parameter.
fn check_gradients(spec: &Sequential, tokens: bool, mode: Mode, text: &str) {
    let mut model = Model::build(spec, Seed::new(2)).unwrap();
    let mut rng = Seed::new(3).rng();
    // Biases begin at 0, where many a mistake hides.
    model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
    let mut workspace = Workspace::new(&model, BATCH, true);
    let x: Vec<f32> = (0..BATCH * model.input_shape().len())
        .map(|_| if tokens { rng.below(6) as f32 } else { rng.normal() as f32 })
        .collect();
    let c: Vec<f64> = (0..BATCH * model.output_shape().len()).map(|_| rng.normal()).collect();
    let value = |model: &Model, workspace: &mut Workspace| -> f64 {
        workspace.input_mut(x.len()).copy_from_slice(&x);
        workspace.forward(model, BATCH, mode, Seed::new(4));
        workspace.output(model, BATCH).iter().zip(&c).map(|(y, c)| f64::from(*y) * c).sum()
    };
    value(&model, &mut workspace);
    workspace.backward_from(&model, BATCH, &c.iter().map(|c| *c as f32).collect::<Vec<_>>());
    let gradient = workspace.dparams.clone();

    let slots = model.params().slots().to_vec();
    for slot in slots.iter().filter(|slot| slot.spec.trainable) {
        let scale = gradient[slot.range.clone()].iter().fold(0.0f32, |max, g| max.max(g.abs())).max(0.05);
        let stride = slot.range.len().div_ceil(40);
        for i in slot.range.clone().step_by(stride) {
            const STEP: f32 = 4e-3;
            let w = model.params().data()[i];
            let mut at = |w: f32| {
                model.params_mut().data_mut()[i] = w;
                value(&model, &mut workspace)
            };
            // A kink (relu, pooling) inside the step spoils a difference quotient: it must agree on either side.
            let (up, middle, down) = (at(w + STEP), at(w), at(w - STEP));
            let quotient = (up - down) / f64::from(2.0 * STEP);
            let sides = [(up - middle) / f64::from(STEP), (middle - down) / f64::from(STEP)];
            let error = [quotient, sides[0], sides[1]]
                .into_iter()
                .map(|quotient| (quotient - f64::from(gradient[i])).abs())
                .fold(f64::INFINITY, f64::min);
            assert!(
                error < 0.01 * f64::from(scale),
                "{text} {mode:?}: d/d {}[{}] is {} but the difference quotient {quotient} (largest {scale})",
                slot.path,
                i - slot.range.start,
                gradient[i],
            );
            at(w);
        }
    }
}

/// Every loss: serialization, and its gradient against central differences.
#[test]
fn every_loss_conforms() {
    let probabilities = [0.2f32, 0.5, 0.3, 0.7, 0.1, 0.2];
    let free = [0.4f32, -1.3, 2.0, -0.2, 0.9, 0.1];
    let one_hot = [0.0f32, 1.0, 0.0, 1.0, 0.0, 0.0];
    let ids = [1.0f32, 0.0];
    let real = [0.1f32, 0.2, 0.3, -1.0, 2.0, 0.5];
    let table: Vec<(&str, &[f32], &[f32])> = vec![
        (r#""binary_crossentropy""#, &probabilities, &one_hot),
        (r#"{"name": "binary_crossentropy", "from_logits": true, "label_smoothing": 0.1}"#, &free, &one_hot),
        (r#""categorical_crossentropy""#, &probabilities, &one_hot),
        (r#"{"name": "categorical_crossentropy", "from_logits": true, "label_smoothing": 0.1}"#, &free, &one_hot),
        (r#""sparse_categorical_crossentropy""#, &probabilities, &ids),
        (r#"{"name": "sparse_categorical_crossentropy", "from_logits": true}"#, &free, &ids),
        (r#""mse""#, &free, &real),
        (r#""mae""#, &free, &real),
        (r#"{"name": "huber", "delta": 0.7}"#, &free, &real),
        (r#""hinge""#, &free, &one_hot),
        (r#""squared_hinge""#, &free, &one_hot),
        (r#""categorical_hinge""#, &free, &one_hot),
        (r#""log_cosh""#, &free, &real),
        (r#""kl_divergence""#, &probabilities, &one_hot),
        (r#""poisson""#, &probabilities, &one_hot),
        (r#""msle""#, &probabilities, &real),
        (r#""mape""#, &[0.3, 0.3, 0.1, -0.8, 1.7, 0.1], &real),
        (r#""cosine_similarity""#, &free, &real),
    ];
    for (text, p, y) in table {
        let loss: Loss = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&loss).unwrap();
        assert_eq!(serde_json::from_str::<Loss>(&again).unwrap(), loss, "{text}");
        let weights = [0.5f32, 0.25];
        let mut dp = vec![f32::NAN; p.len()];
        let value = loss.rows(false, 3, p, y, &weights, &mut dp);
        assert!((value - loss.rows(false, 3, p, y, &weights, &mut [])).abs() < 1e-12);
        for i in 0..p.len() {
            let at = |step: f32| {
                let mut p = p.to_vec();
                p[i] += step;
                loss.rows(false, 3, &p, y, &weights, &mut [])
            };
            let quotient = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!(
                (quotient - f64::from(dp[i])).abs() < 2e-3 * (1.0 + quotient.abs()),
                "{text}: {i}: {} {quotient}",
                dp[i]
            );
        }
    }
}

/// Every optimizer: serialization, and that it brings a convex problem to its end.
#[test]
fn every_optimizer_conforms() {
    let table = [
        r#"{"name": "sgd", "learning_rate": 0.1}"#,
        r#"{"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}"#,
        r#"{"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": true, "clipnorm": 10}"#,
        r#"{"name": "adam", "learning_rate": 0.02, "global_clipnorm": 10}"#,
        r#"{"name": "adam_w", "learning_rate": 0.02, "weight_decay": 0}"#,
        r#"{"name": "adam", "learning_rate": 0.05, "amsgrad": true}"#,
        r#"{"name": "adam", "learning_rate": 0.05, "gradient_accumulation_steps": 2}"#,
        r#"{"name": "adamax", "learning_rate": 0.05}"#,
        r#"{"name": "nadam", "learning_rate": 0.02}"#,
        r#"{"name": "lion", "learning_rate": 0.005, "use_ema": true, "ema_momentum": 0.9}"#,
        r#"{"name": "rmsprop", "learning_rate": 0.005, "clipvalue": 10}"#,
        r#"{"name": "rmsprop", "learning_rate": 0.001, "momentum": 0.9, "centered": true}"#,
        r#"{"name": "adagrad", "learning_rate": 0.5}"#,
    ];
    let mut rng = Seed::new(1).rng();
    let x: Vec<f32> = (0..80).map(|_| rng.normal() as f32).collect();
    let y: Vec<f32> = x.chunks(2).map(|x| 2.0 * x[0] - x[1] + 0.5).collect();
    let data = Dataset::new(Shape::new([2]).unwrap(), x, 1, y).unwrap();
    for text in table {
        let optimizer: Optimizer = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<Optimizer>(&again).unwrap(), optimizer, "{text}");
        let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(1)), Seed::new(1)).unwrap();
        let config = FitConfig::new(Loss::Mse).optimizer(optimizer).epochs(600);
        let history = fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet).unwrap();
        assert!(history.last("loss").unwrap() < 1e-3, "{text}: {:?}", history.last("loss"));
    }
}

/// Every penalty, on a weight and on an activity: the total gradient is that of the total loss.
#[test]
fn every_penalty_conforms() {
    for text in [
        r#"{"l1": 0.3}"#,
        r#"{"l2": 0.2}"#,
        r#"{"l1": 0.1, "l2": 0.2}"#,
        r#"{"orthogonal": 0.7}"#,
        r#"{"orthogonal": 0.7, "mode": "columns", "l2": 0.1}"#,
    ] {
        let penalty: Regularizer = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&penalty).unwrap();
        assert_eq!(serde_json::from_str::<Regularizer>(&again).unwrap(), penalty, "{text}");
        let hidden = Dense::new(6).activation(Activation::Tanh);
        let elementwise = Regularizer { orthogonal: 0.0.into(), ..penalty.clone() };
        let hidden = hidden.kernel_regularizer(penalty.clone()).bias_regularizer(elementwise.clone());
        let spec = Sequential::new([3])
            .layer(LayerSpec::from(hidden).activity_regularizer(elementwise.clone()))
            .layer(LayerSpec::from(Dense::new(2).activation(Activation::Sigmoid)).activity_regularizer(elementwise));
        let mut rng = Seed::new(1).rng();
        let x: Vec<f32> = (0..12).map(|_| rng.normal() as f32).collect();
        let y = vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let data = Dataset::new(Shape::new([3]).unwrap(), x.clone(), 2, y.clone()).unwrap();
        let config = FitConfig::new(Loss::BINARY_CROSSENTROPY);
        let mut model = Model::build(&spec, Seed::new(2)).unwrap();
        model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);

        let mut workspace = Workspace::new(&model, 4, true);
        workspace.input_mut(12).copy_from_slice(&x);
        workspace.forward(&model, 4, Mode::Training, Seed::new(1));
        workspace.loss(&model, config.loss, 4, &y, &[0.25; 4], true);
        workspace.backward(&model, 4, 0);
        model.params.add_penalty_gradients(0, &mut workspace.dparams, &mut workspace.penalty_scratch);
        for i in 0..model.params().data().len() {
            let w = model.params().data()[i];
            let mut at = |w: f32| {
                model.params_mut().data_mut()[i] = w;
                evaluate(&model, &data, &config).unwrap().loss
            };
            let quotient = (at(w + 2e-3) - at(w - 2e-3)) / 4e-3;
            at(w);
            assert!(
                (quotient - f64::from(workspace.dparams[i])).abs() < 2e-3,
                "{text}: {i}: {} {quotient}",
                workspace.dparams[i]
            );
        }
    }
}
