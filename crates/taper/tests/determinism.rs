//! Same seed, same bits: again, in another order of rows' batches, at any number of threads.

use serde_json::json;
use taper::*;

fn experiment(resample: &str) -> Experiment {
    Experiment::from_value(json!({
        "data": { "source": "moons", "samples": 60, "noise": 0.2, "random_state": 1, "train": 40 },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 20, "activation": "relu", "kernel_regularizer": { "l1": 0.001 } },
            { "layer": "dropout", "rate": 0.2 },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 20, "batch_size": 8 },
        "study": {
            "axes": [{ "path": "model.layers.0.kernel_regularizer.l2", "values": [0.0, 0.01] },
                     { "path": "fit.optimizer.learning_rate", "values": [0.001, 0.01] }],
            "repeats": 4, "seed": 7, "resample": resample,
        },
    }))
    .unwrap()
}

fn result(experiment: &Experiment, threads: usize) -> String {
    let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut result = pool.install(|| run_study(experiment, &PlainRows::of(&rows, experiment), &Quiet)).unwrap();
    for history in result.trials.iter_mut().flat_map(|trial| &mut trial.runs).filter_map(|run| run.history.as_mut()) {
        // Wall-clock time is the one thing that may differ.
        let seconds = history.names.iter().position(|name| name == "seconds").unwrap();
        history.columns[seconds].clear();
    }
    serde_json::to_string(&result).unwrap()
}

#[test]
fn a_study_has_the_same_bits_at_any_number_of_threads() {
    for resample in ["none", "split", "fresh"] {
        let experiment = experiment(resample);
        let one = result(&experiment, 1);
        assert_eq!(one, result(&experiment, 3), "{resample}");
        assert_eq!(one, result(&experiment, 1), "{resample}");
    }
}

#[test]
fn trials_of_one_repeat_share_rows_and_seed_and_repeats_do_not() {
    let experiment = experiment("none");
    let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
    let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet).unwrap();
    let seeds = |trial: usize| result.trials[trial].runs.iter().map(|run| run.seed).collect::<Vec<_>>();
    assert_eq!(seeds(0), seeds(3));
    assert_ne!(seeds(0)[0], seeds(0)[1]);
    assert_ne!(result.trials[0].runs[0].scores, result.trials[0].runs[1].scores);
}

#[test]
fn a_training_that_is_continued_is_the_training_that_was_not_interrupted() {
    let experiment = experiment("none");
    let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
    let build = || Model::build(&experiment.model, Seed::new(1)).unwrap();
    let mut whole = build();
    fit(&mut whole, &rows, None, &experiment.fit, Seed::new(1), &mut Quiet).unwrap();
    let mut parts = build();
    let mut state = TrainState::new(&parts, &experiment.fit);
    for epochs in [3, 10, 7] {
        let config = experiment.fit.clone().epochs(epochs);
        fit_from(&mut parts, &mut state, &rows, None, &config, Seed::new(1), &mut Quiet).unwrap();
    }
    assert_eq!(whole.params(), parts.params());
}

/// Outside of a pool a large step is shared between all threads of the global one; inside of a pool it is not.
#[test]
fn a_large_step_has_the_same_bits_on_one_thread_and_on_three() {
    rayon::ThreadPoolBuilder::new().num_threads(3).build_global().unwrap();
    let penalty = || Some(Regularizer::l2(1e-4));
    let dense = |units| Dense { kernel_regularizer: penalty(), ..Dense::new(units).activation(Activation::Relu) };
    let conv = Conv2d::new(40, 3).padding(Padding::Same).activation(Activation::Relu);
    let lstm = Lstm { recurrent_regularizer: penalty(), ..Lstm::new(128) };
    let gru = Gru::new(128).return_sequences(true);
    // What penalties do beside the optimizer is shared too.
    let wide = |penalty: Regularizer| Dense::new(400).activation(Activation::Relu).kernel_regularizer(penalty);
    let factors: Vec<f32> = (0..400 * 400).map(|i| (i % 3) as f32).collect();
    let near = Regularizer::l1_l2(1e-4, 1e-3).anchor(Anchor::Start).factors(factors).mode(PenaltyMode::Proximal);
    let cautious = Regularizer { cautious: true, ..Regularizer::l2(1e-3).mode(PenaltyMode::Decoupled) };
    let groups = Regularizer::group_lasso(1e-4, Grouping::Unit).mode(PenaltyMode::Proximal);
    let beside = Sequential::new([400]).layer(wide(near)).layer(wide(cautious)).layer(wide(groups));
    let models = [
        (beside.layer(Dense::new(1)), vec![400], 96),
        (Sequential::new([200]).layer(dense(300)).layer(dense(500)).layer(Dense::new(1)), vec![200], 96),
        (Sequential::new([16, 16, 8]).layer(conv).layer(Flatten::new()).layer(Dense::new(1)), vec![16, 16, 8], 16),
        (Sequential::new([10, 64]).layer(lstm).layer(Dense::new(1)), vec![10, 64], 32),
        (Sequential::new([10, 64]).layer(gru).layer(Gru::new(128)).layer(Dense::new(1)), vec![10, 64], 40),
    ];
    for (spec, input, batch) in models {
        let shape = Shape::new(input).unwrap();
        let mut rng = Seed::new(1).rng();
        let x = (0..2 * batch * shape.len()).map(|_| rng.uniform_f32() - 0.5).collect();
        let data = Dataset::new(shape, x, 1, (0..2 * batch).map(|_| rng.uniform_f32()).collect()).unwrap();
        let config = FitConfig::new(Loss::Mse).epochs(2).batch_size(batch);
        let train = || {
            let mut model = Model::build(&spec, Seed::new(1)).unwrap();
            fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet).unwrap();
            model.params().data().iter().map(|w| w.to_bits()).collect::<Vec<u32>>()
        };
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(train);
        assert_eq!(train(), alone);
    }
}
