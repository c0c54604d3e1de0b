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
