//! Settings of a training that change what a step does, end to end.

use taper::*;

fn data() -> Dataset {
    let x = vec![0.5, -1.0, 2.0, 0.3, -0.7, 1.1, 0.9, -0.2];
    Dataset::new(Shape::new([2]).unwrap(), x, 1, vec![1.0, 0.0, 1.0, 0.0]).unwrap()
}

fn model() -> Model {
    let constrained = Dense::new(3).kernel_constraint(Constraint::max_norm(0.5)).bias_constraint(Constraint::NonNeg);
    let output = Dense::new(1).activation(Activation::Sigmoid);
    Model::build(&Sequential::new([2]).layer(constrained).layer(output), Seed::new(1)).unwrap()
}

fn config() -> FitConfig {
    FitConfig::new(Loss::BINARY_CROSSENTROPY).optimizer(Optimizer::sgd().learning_rate(0.5)).epochs(5)
}

fn trained(data: &Dataset, config: &FitConfig) -> Result<(Model, History)> {
    let mut model = model();
    let history = fit(&mut model, data, None, config, Seed::new(1), &mut Quiet)?;
    Ok((model, history))
}

fn weights(model: &Model) -> &[f32] {
    model.params().data()
}

#[test]
fn constraints_hold_after_every_step() {
    let (model, _) = trained(&data(), &config()).unwrap();
    let (_, kernel) = model.params().get("dense/kernel").unwrap();
    for j in 0..3 {
        assert!(kernel[j].hypot(kernel[3 + j]) <= 0.5 + 1e-6);
    }
    assert!(model.params().get("dense/bias").unwrap().1.iter().all(|b| *b >= 0.0));
}

#[test]
fn class_weights_are_sample_weights_of_training_alone() {
    let by_class = config().class_weight([0.5, 3.0]).weighted_metrics([Metric::Mse]).metrics([Metric::Mse]);
    let by_row = data().with_sample_weight(vec![3.0, 0.5, 3.0, 0.5]).unwrap();
    let plain = FitConfig { class_weight: None, ..by_class.clone() };
    let (a, history) = trained(&data(), &by_class).unwrap();
    let (b, same) = trained(&by_row, &plain).unwrap();
    assert_eq!(weights(&a), weights(&b));
    assert_eq!(history.get("weighted_mse"), same.get("weighted_mse"));
    assert_ne!(history.get("weighted_mse"), history.get("mse"));
    assert_eq!(evaluate(&a, &data(), &by_class).unwrap(), evaluate(&a, &data(), &plain).unwrap());

    assert!(trained(&by_row, &by_class).unwrap_err().to_string().contains("class_weight"));
    assert!(trained(&data(), &config().class_weight([1.0])).unwrap_err().to_string().contains("2 weights"));
}

#[test]
fn excluded_parameters_do_not_decay() {
    let mut config = config();
    config.optimizer = Optimizer::sgd().learning_rate(0.0);
    config.optimizer = config.optimizer.weight_decay(0.1);
    config.optimizer.exclude_from_weight_decay = vec!["bias".to_owned(), "dense_1/*".to_owned()];
    assert!(trained(&data(), &config).is_ok());
    config.optimizer.exclude_from_weight_decay = vec!["biass".to_owned()];
    let error = trained(&data(), &config).unwrap_err().to_string();
    assert!(
        error.starts_with("fit.optimizer.exclude_from_weight_decay[0]: ") && error.contains("dense_1/bias"),
        "{error}"
    );
}

#[test]
fn the_average_of_the_weights_is_what_remains() {
    let mut averaging = config();
    averaging.optimizer.use_ema = true;
    averaging.optimizer.ema_momentum = 0.0;
    let (last, _) = trained(&data(), &config()).unwrap();
    // Without memory the average is taken before the constraints act.
    let unconstrained = |model: &Model| model.params().get("dense_1/kernel").unwrap().1.to_vec();
    assert_eq!(unconstrained(&trained(&data(), &averaging).unwrap().0), unconstrained(&last));
    averaging.optimizer.ema_momentum = 1.0;
    let (first, _) = trained(&data(), &config().epochs(1)).unwrap();
    assert_eq!(unconstrained(&trained(&data(), &averaging).unwrap().0), unconstrained(&first));
}

#[test]
fn gathered_batches_are_one_batch() {
    let mut gathered = config().batch_size(1);
    gathered.optimizer.gradient_accumulation_steps = Some(4);
    let spec = Sequential::new([2]).layer(Dense::new(3)).layer(Dense::new(1).activation(Activation::Sigmoid));
    let weights = |config: &FitConfig| {
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        fit(&mut model, &data(), None, config, Seed::new(1), &mut Quiet).unwrap();
        model.params().data().to_vec()
    };
    let (a, b) = (weights(&gathered), weights(&config().batch_size(4)));
    assert_ne!(a, weights(&config().batch_size(1)));
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn metrics_of_the_same_name_are_told_apart() {
    let labelled = MetricSpec::from(Metric::BinaryAccuracy { threshold: 0.2 }).label("low");
    let mut config = config().weighted_metrics([Metric::Accuracy]);
    config.metrics = vec![Metric::Accuracy.into(), labelled, Metric::Accuracy.into()];
    assert_eq!(config.metric_names(), ["accuracy", "low", "accuracy_1", "weighted_accuracy"]);
    assert!(trained(&data(), &config).unwrap().1.get("low").is_some());
}

#[test]
fn what_is_not_measured_changes_no_training() {
    let whole = config();
    let brief = FitConfig { measure_weights: false, ..config() };
    let ((a, all), (b, some)) = (trained(&data(), &whole).unwrap(), trained(&data(), &brief).unwrap());
    assert_eq!(weights(&a), weights(&b));
    assert!(all.names.iter().any(|name| name == "norm/dense/kernel"));
    assert_eq!(some.names, ["loss", "data_loss", "penalty", "learning_rate", "seconds"]);
    assert_eq!(some.get("loss"), all.get("loss"));

    // The first step throws the weights out of bounds, with no loss to show it.
    let wild = |config: FitConfig| {
        let optimizer = Optimizer::sgd().learning_rate(1e30);
        trained(&data(), &FitConfig { loss: Loss::Mse, ..config.optimizer(optimizer).epochs(1) }).unwrap()
    };
    let ((a, all), (b, some)) = (wild(whole), wild(brief.clone()));
    assert_eq!((&all.stop, weights(&a)), (&some.stop, weights(&b)));
    assert!(!some.stop.is_usable(), "{:?}", some.stop);

    let stopping = EarlyStopping { monitor: "norm/dense/kernel".to_owned(), ..EarlyStopping::new(3) };
    let watching = FitConfig { early_stopping: Some(stopping), ..brief };
    assert!(trained(&data(), &watching).unwrap_err().to_string().contains("early_stopping.monitor"));
}
