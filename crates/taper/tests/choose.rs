//! A choice is a function of experiment and rows: at any number of threads, stopped and begun again, or undisturbed.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use taper::*;

fn experiment(choose: &Value) -> Experiment {
    Experiment::from_value(json!({
        "data": { "source": "moons" },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 16, "activation": "relu" },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 30,
                 "optimizer": { "name": "adam", "learning_rate": 0.05 } },
        "choose": choose,
    }))
    .unwrap()
}

fn moons(n: usize) -> Dataset {
    Dataset::from_sample(&data::make_moons(n, 0.3, 1).unwrap()).unwrap()
}

fn plain(data: &Dataset, development: usize) -> PlainRows<'_> {
    PlainRows { data, development, standardize: true, classes: true, ordered: false }
}

fn text(chosen: &Chosen) -> String {
    let weights: Vec<u32> = chosen.model.params().data().iter().map(|w| w.to_bits()).collect();
    format!("{}\n{weights:?}", serde_json::to_string(&chosen.choice).unwrap())
}

const SMALL: &str = r#"{ "penalties": ["l2", "dropout", "early_stopping", "group"], "folds": 3, "repeats": 2, "points": 4, "outer_folds": 2 }"#;

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (data, experiment) = (moons(60), experiment(&serde_json::from_str(SMALL).unwrap()));
    let at = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| text(&choose(&experiment, &plain(&data, 60), &MemoryStore::new(), &Quiet).unwrap()))
    };
    assert_eq!(at(1), at(3));
}

/// Fails from the n-th outcome on, as a full disk does.
struct Full {
    inner: MemoryStore,
    left: AtomicUsize,
}

impl TrialStore for Full {
    fn get(&self, key: &str) -> Result<Option<TrialOutcome>> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()> {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Err(Error::Store("the disk is full".into()));
        }
        self.inner.put(key, spec, outcome)
    }
}

#[test]
fn a_choice_that_was_stopped_goes_on_to_the_same_bytes() {
    let (data, experiment) = (moons(60), experiment(&serde_json::from_str(SMALL).unwrap()));
    let rows = plain(&data, 40);
    let undisturbed = text(&choose(&experiment, &rows, &MemoryStore::new(), &Quiet).unwrap());
    let store = Full { inner: MemoryStore::new(), left: AtomicUsize::new(0) };
    for more in [1, 7, 20] {
        store.left.store(more, Ordering::SeqCst);
        let known = store.inner.len();
        let error = choose(&experiment, &rows, &store, &Quiet).unwrap_err();
        assert_eq!(error.to_string(), "the disk is full");
        assert_eq!(store.inner.len(), known + more, "every outcome that was kept counts");
    }
    store.left.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(text(&choose(&experiment, &rows, &store, &Quiet).unwrap()), undisturbed);
    let full = store.inner.len();
    store.left.store(0, Ordering::SeqCst);
    assert_eq!(text(&choose(&experiment, &rows, &store, &Quiet).unwrap()), undisturbed, "nothing is trained twice");
    assert_eq!(store.inner.len(), full);
}

/// Stops after some trials.
struct Impatient(AtomicUsize);

impl ChooseObserver for Impatient {
    fn trial_end(&self, event: &ChooseEvent<'_>) -> Flow {
        assert!(event.done <= event.total);
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn an_observer_may_stop_it() {
    let (data, experiment) = (moons(60), experiment(&serde_json::from_str(SMALL).unwrap()));
    let store = MemoryStore::new();
    let error = choose(&experiment, &plain(&data, 40), &store, &Impatient(AtomicUsize::new(5))).unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert!(store.len() >= 5 && store.len() < 20);
}

#[test]
fn a_trial_is_plain_data_and_means_the_same_elsewhere() {
    let (data, experiment) = (moons(60), experiment(&json!({})));
    let spec = TrialSpec {
        experiment: Experiment { choose: None, ..experiment },
        on: vec![Role::Kernel],
        candidate: Candidate::new("l2", 0.01),
        rows: Selection::Folds(vec![FoldAt { seed: 3, folds: 5, fold: 2 }]),
        quarters: None,
        seed: 9,
        detail: Detail { history: true, rows: Some("data_loss".into()), calibration: true, points: false },
    };
    let copy: TrialSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
    assert_eq!((&copy, copy.key()), (&spec, spec.key()));
    let outcome = run_trial(&spec, &plain(&data, 60)).unwrap();
    assert_eq!(run_trial(&copy, &plain(&data, 60)).unwrap(), outcome);
    let read: TrialOutcome = serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap();
    assert_eq!(read, outcome);
    let rows = outcome.rows.unwrap();
    assert_eq!(rows.len(), 12);
    assert!((rows.iter().sum::<f64>() / 12.0 - outcome.scores["data_loss"]).abs() < 1e-6);
    assert_ne!(TrialSpec { seed: 10, ..spec.clone() }.key(), spec.key());
}

#[test]
fn mistakes_are_told_before_any_training() {
    let data = moons(60);
    let error = |choose: Value, development: usize| {
        check_choose(&experiment(&choose), &plain(&data, development)).unwrap_err().to_string()
    };
    let unread = |choose: Value| {
        let mut value = experiment(&json!({})).to_value();
        value["choose"] = choose;
        Experiment::from_value(value).unwrap_err().to_string()
    };
    assert!(error(json!({ "score": "acuracy" }), 60).contains("did you mean `accuracy`?"));
    assert!(error(json!({ "penalties": ["l22"] }), 60).contains("choose.penalties[0]"));
    assert!(error(json!({ "folds": 55 }), 50).contains("choose.folds"));
    assert!(unread(json!({ "rule": "2se" })).contains("choose.rule"));
    assert!(unread(json!({ "fold": 3 })).contains("did you mean `folds`?"));
}

/// Rows on which the network overfits, and a grid of which most is clearly too weak or too strong.
fn racing(race: bool, rule: &str) -> Choice {
    let data = moons(160);
    let choose_ = json!({ "grid": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0], "race": race, "rule": rule, "evidence": false });
    let mut experiment = experiment(&choose_);
    experiment.fit.epochs = 200;
    choose(&experiment, &plain(&data, 80), &MemoryStore::new(), &Quiet).unwrap().choice
}

#[test]
fn a_race_comes_to_the_same_choice_for_less() {
    let (raced, full) = (racing(true, "min"), racing(false, "min"));
    let place = |choice: &Choice| full.grid.iter().position(|point| point.value == choice.chosen.value).unwrap();
    assert!(place(&raced).abs_diff(place(&full)) <= 1);
    assert!(raced.grid.iter().any(|point| point.beaten));
    assert_eq!((full.runs.done, full.runs.saved_by_racing), (9 * 50 + 2, 0));
    assert_eq!(raced.runs.done + raced.runs.saved_by_racing, full.runs.done);
    assert!(raced.runs.done < full.runs.done * 7 / 10, "{:?}", raced.runs);
    // What both have run is the same to the bit.
    for (raced, full) in raced.grid.iter().zip(&full.grid) {
        assert_eq!(raced.splits[..], full.splits[..raced.splits.len()]);
    }
    let one_se = racing(true, "1se");
    assert_eq!(one_se.lambda_min, raced.lambda_min);
    assert!(one_se.lambda_1se >= one_se.lambda_min && one_se.chosen.value == one_se.lambda_1se);
}

#[test]
fn a_path_goes_on_with_one_model_and_is_refitted_the_same_way() {
    let data = moons(60);
    let spec = json!({ "mode": "path", "penalties": ["l1"], "folds": 3, "repeats": 2, "points": 5, "path_epochs": 5 });
    let chosen = choose(&experiment(&spec), &plain(&data, 40), &MemoryStore::new(), &Quiet).unwrap();
    let choice = &chosen.choice;
    assert_eq!(choice.grid.len(), 5);
    assert!(choice.grid.iter().all(|point| point.score.n == 6 && point.norm.is_some() && point.zeros.is_some()));
    assert!(choice.notes.iter().any(|note| note.contains("along a path")));
    if let Some(path) = &choice.chosen.path {
        assert_eq!(path.values.last(), Some(&choice.chosen.value));
        assert_eq!(path.epochs, 5);
    }
    // A point of a path is the end of a shorter one.
    let to = |values: &[f64], points: bool| TrialSpec {
        experiment: Experiment { choose: None, ..experiment(&json!({})) },
        on: vec![Role::Kernel],
        candidate: Candidate {
            path: Some(Path { values: values.to_vec(), epochs: 5 }),
            ..Candidate::new("l1", *values.last().unwrap())
        },
        rows: Selection::Test,
        quarters: None,
        seed: 9,
        detail: Detail { points, ..Detail::default() },
    };
    let rows = plain(&data, 40);
    let (long, short) = (run_trial(&to(&[1e-3, 1e-2], true), &rows), run_trial(&to(&[1e-3], false), &rows));
    assert_eq!(long.unwrap().points[0], short.unwrap());
    assert!(run_trial(&to(&[1e-2, 1e-3], false), &rows).is_err(), "falling");
}

#[test]
fn rows_in_groups_or_in_the_order_of_time_are_chosen_on() {
    let data = moons(90);
    let spec = json!({ "grid": [1e-3, 1e-1], "folds": 3, "repeats": 1, "outer_folds": 2 });
    let rows = PlainRows { ordered: true, ..plain(&data, 60) };
    let choice = choose(&experiment(&spec), &rows, &MemoryStore::new(), &Quiet).unwrap().choice;
    assert_eq!(choice.gain.n, 20, "stretches of time");
    assert!(choice.notes.iter().any(|note| note.contains("order of time")));
}
