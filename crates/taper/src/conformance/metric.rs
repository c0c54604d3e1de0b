//! Every metric.

use super::registry;
use crate::loss::Head;
use crate::metric::Meter;
use crate::*;

const CLASSES: usize = 7;

/// The one-hot vectors of these classes.
fn one_hot(ids: &[f32], classes: usize) -> Vec<f32> {
    let mut vectors = vec![0.0; ids.len() * classes];
    ids.iter().enumerate().for_each(|(i, id)| vectors[i * classes + *id as usize] = 1.0);
    vectors
}

/// Random probabilities, one row of them per prediction.
fn probabilities(rows: usize, classes: usize) -> Vec<f32> {
    let mut rng = Seed::new(3).rng();
    let mut p: Vec<f32> = (0..rows * classes).map(|_| rng.normal().exp() as f32).collect();
    for row in p.chunks_mut(classes) {
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
    p
}

/// A metric's value.
fn value(metric: Metric, sparse: bool, p: &[f32], y: &[f32], weights: Option<&[f32]>, mask: Option<&[f32]>) -> f64 {
    let mut meter = Meter::new(metric, CLASSES, sparse, true, Head::Plain);
    meter.add(p, y, weights, mask);
    meter.value()
}

/// A class id and its one-hot vector are one target: to the bit, for every metric, plain, weighted, masked, and with several
/// predictions per row.
#[test]
fn a_class_id_means_its_one_hot_vector_to_every_metric() {
    let ids = [3.0, 0.0, 6.0, 3.0, 1.0, 2.0];
    let (p, vectors) = (probabilities(6, CLASSES), one_hot(&ids, CLASSES));
    let (per_prediction, per_row, mask) =
        ([0.5, 2.0, 0.0, 1.0, 3.0, 1.5], [0.5, 2.0, 3.0], [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    for (name, metric) in registry::<Metric>() {
        for weights in [None, Some(&per_prediction[..]), Some(&per_row[..])] {
            for mask in [None, Some(&mask[..])] {
                let by_id = value(metric, true, &p, &ids, weights, mask);
                let by_vector = value(metric, false, &p, &vectors, weights, mask);
                assert!(by_id.is_finite(), "{name}: {by_id}");
                assert_eq!(by_id.to_bits(), by_vector.to_bits(), "{name}: {by_id} {by_vector}");
            }
        }
        // What is lent for one prediction is clean for the next.
        let mut meter = Meter::new(metric, CLASSES, true, false, Head::Plain);
        for _ in 0..2 {
            meter.reset();
            meter.add(&p, &ids, None, None);
        }
        assert_eq!(meter.value().to_bits(), value(metric, true, &p, &ids, None, None).to_bits(), "{name}");
    }
}

/// What a metric says of its direction is true: the right predictions score better than wrong ones.
#[test]
fn right_predictions_are_better_than_wrong_ones() {
    let ids = [3.0, 0.0, 6.0, 3.0, 1.0, 2.0];
    let wrong: Vec<f32> = ids.iter().map(|id| (id + 1.0) % CLASSES as f32).collect();
    for (name, metric) in registry::<Metric>() {
        let (good, bad) = (
            value(metric, true, &one_hot(&ids, CLASSES), &ids, None, None),
            value(metric, true, &one_hot(&wrong, CLASSES), &ids, None, None),
        );
        match metric {
            // The first five of seven are no order among predictions of 0.
            Metric::TopKCategoricalAccuracy { .. } | Metric::SparseTopKCategoricalAccuracy { .. } => {
                assert!(good >= bad && metric.maximize(), "{name}");
            }
            _ => assert!(good != bad && metric.maximize() == (good > bad), "{name}: {good} {bad}"),
        }
    }
}

/// Every metric beside every loss, plain and weighted: a finite number, or a complaint, and never a panic.
#[test]
fn every_metric_stands_beside_every_loss() {
    let ids = [0.0, 1.0, 2.0, 1.0, 0.0, 2.0];
    let rows = |y: Vec<f32>, width: usize| {
        let x = (0..12).map(|i| (i as f32).sin()).collect();
        Dataset::new(Shape::new([2]).unwrap(), x, width, y)
            .unwrap()
            .with_sample_weight(vec![1.0, 2.0, 0.5, 1.0, 0.0, 3.0])
            .unwrap()
    };
    let spec = Sequential::new([2]).layer(Dense::new(3).activation(Activation::Softmax));
    let metrics: Vec<Metric> = registry().into_iter().map(|(_, metric)| metric).collect();
    for (name, loss) in registry::<Loss>() {
        let data = if loss.is_sparse() { rows(ids.to_vec(), 1) } else { rows(one_hot(&ids, 3), 3) };
        let config =
            FitConfig::new(loss).metrics(metrics.clone()).weighted_metrics(metrics.clone()).epochs(2).batch_size(4);
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        let history = fit(&mut model, &data, Some(&data), &config, Seed::new(1), &mut Quiet).unwrap();
        for column in config.metric_names() {
            let values = history.get(&column).unwrap();
            assert!(values.len() == 2 && values.iter().all(|value| value.is_finite()), "{name}: {column}: {values:?}");
        }
        // Targets that are no classes: what cannot be computed is refused, the rest is finite.
        if !loss.is_sparse() {
            let mut kept = 0;
            for metric in &metrics {
                let data = rows((0..18).map(|i| 3.0 * (i as f32).cos()).collect(), 3);
                let mut model = Model::build(&spec, Seed::new(1)).unwrap();
                let config = FitConfig::new(loss).metrics([*metric]);
                match fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet) {
                    Ok(history) => {
                        kept += 1;
                        assert!(history.last(metric.name()).unwrap().is_finite(), "{name}: {metric:?}");
                    }
                    Err(error) => assert!(error.to_string().contains("train.y, row "), "{name}: {error}"),
                }
            }
            assert!(kept == 0 || kept > metrics.len() / 3, "{name}: {kept}");
        }
    }
}

/// `keras.metrics.X().update_state(one_hot, p, sample_weight)`, plain and weighted, of four predictions of three numbers.
#[test]
fn values_beside_class_ids_are_keras_s_beside_one_hot_vectors() {
    let p = [0.2, 0.7, 0.1, 0.4, 0.5, 0.1, 0.1, 0.2, 0.7, 0.3, 0.3, 0.4];
    let (ids, weights) = ([1.0, 0.0, 2.0, 1.0], [1.0, 2.0, 0.5, 3.0]);
    let table = [
        ("\"auc\"", 0.875, 0.686_390_519_142_150_9),
        ("\"binary_accuracy\"", 0.833_333_373_069_763_2, 0.743_589_758_872_985_8),
        ("\"binary_crossentropy\"", 0.429_719_150_066_375_73, 0.547_271_072_864_532_5),
        (r#"{"name": "binary_crossentropy", "label_smoothing": 0.1}"#, 0.475_797_772_407_531_74, f64::NAN),
        ("\"accuracy\"", 0.5, 0.230_769_231_915_473_94),
        ("\"categorical_accuracy\"", 0.5, 0.230_769_231_915_473_94),
        ("\"sparse_categorical_accuracy\"", 0.5, 0.230_769_231_915_473_94),
        ("\"categorical_crossentropy\"", 0.708_403_348_922_729_5, 0.919_924_974_441_528_3),
        (r#"{"name": "categorical_crossentropy", "label_smoothing": 0.1}"#, 0.769_010_186_195_373_5, f64::NAN),
        ("\"sparse_categorical_crossentropy\"", 0.708_403_348_922_729_5, 0.919_924_974_441_528_3),
        ("\"categorical_hinge\"", 0.799_999_952_316_284_2, 0.961_538_434_028_625_5),
        ("\"cosine_similarity\"", 0.759_217_023_849_487_3, 0.647_197_425_365_448),
        ("\"hinge\"", 0.983_333_349_227_905_3, 1.051_282_048_225_402_8),
        ("\"kl_divergence\"", 0.708_400_487_899_780_3, 0.919_921_994_209_289_6),
        ("\"log_cosh\"", 0.065_267_249_941_825_87, 0.089_383_445_680_141_45),
        ("\"mae\"", 0.316_666_662_693_023_7, 0.384_615_391_492_843_63),
        ("\"mape\"", 158_333_344.0, 192_307_712.0),
        ("\"mse\"", 0.136_666_670_441_627_5, 0.188_205_137_848_854_06),
        ("\"msle\"", 0.067_150_026_559_829_71, 0.092_686_109_244_823_46),
        ("\"poisson\"", 0.569_467_663_764_953_6, 0.639_974_892_139_434_8),
        ("\"precision\"", 1.0, 1.0),
        ("\"recall\"", 0.5, 0.230_769_231_915_473_94),
        ("\"root_mean_squared_error\"", 0.369_684_547_185_897_8, 0.433_826_148_509_979_25),
        ("\"squared_hinge\"", 1.120_000_123_977_661, 1.239_487_290_382_385_3),
        (r#"{"name": "top_k_categorical_accuracy", "k": 2}"#, 1.0, 1.0),
        (r#"{"name": "sparse_top_k_categorical_accuracy", "k": 2}"#, 1.0, 1.0),
    ];
    let named = |metric: Metric| table.iter().any(|(text, ..)| text.contains(&format!("\"{}\"", metric.name())));
    registry().into_iter().for_each(|(name, metric)| assert!(named(metric), "{name} has a row"));
    for (text, plain, weighted) in table {
        let metric: Metric = serde_json::from_str(text).unwrap();
        for (weights, want) in [(None, plain), (Some(&weights[..]), weighted)] {
            let mut meter = Meter::new(metric, 3, true, true, Head::Plain);
            meter.add(&p, &ids, weights, None);
            let got = meter.value();
            assert!(want.is_nan() || (got - want).abs() < 2e-6 * (1.0 + want.abs()), "{text}: {got} {want}");
        }
    }
}

/// `keras.metrics.X()` of targets between 0 and 1; and a class that hinge losses call -1 is the negative one.
#[test]
fn labels_that_are_neither_0_nor_1() {
    let of = |metric: Metric, y: &[f32], p: &[f32]| {
        let mut meter = Meter::new(metric, 1, false, false, Head::Plain);
        meter.add(p, y, None, None);
        meter.value()
    };
    let metrics = [
        Metric::BinaryAccuracy { threshold: 0.5 },
        Metric::Precision { threshold: 0.5 },
        Metric::Recall { threshold: 0.5 },
        Metric::Auc { thresholds: 200 },
    ];
    let (soft, p) = ([0.3, 0.0, 1.0, 0.8], [0.2, 0.6, 0.9, 0.4]);
    for (metric, want) in metrics.into_iter().zip([0.25, 0.5, 1.0 / 3.0, 1.0 / 3.0]) {
        assert!((of(metric, &soft, &p) - want).abs() < 1e-6, "{metric:?}: {}", of(metric, &soft, &p));
    }
    for metric in metrics {
        assert_eq!(of(metric, &[-1.0, 1.0, 1.0, -1.0], &p), of(metric, &[0.0, 1.0, 1.0, 0.0], &p), "{metric:?}");
    }
}

/// One output has no classes to compare, and class metrics beside vectors want one-hot ones.
#[test]
fn what_has_no_meaning_is_refused() {
    let refused = |units: usize, y: Vec<f32>, metric: Metric| {
        let data = Dataset::new(Shape::new([1]).unwrap(), vec![0.0; y.len() / units], units, y).unwrap();
        let model = Model::build(&Sequential::new([1]).layer(Dense::new(units)), Seed::new(1)).unwrap();
        evaluate(&model, &data, &FitConfig::new(Loss::Mse).metrics([metric])).unwrap_err().to_string()
    };
    let text = refused(1, vec![0.0, 1.0], Metric::CategoricalAccuracy);
    assert!(text.contains("`categorical_accuracy` compares classes"), "{text}");
    let text = refused(2, vec![0.0, 1.0, 0.5, 0.5], Metric::SparseCategoricalAccuracy);
    assert!(text.starts_with("data.y, row 2: expected a target of one 1 and else 0"), "{text}");
    let text = refused(1, vec![0.0, 3.5], Metric::Auc { thresholds: 200 });
    assert!(
        text.starts_with("data.y, row 2: expected a target from 0 to 1, or -1, which the metric `auc` wants, got 3.5"),
        "{text}"
    );
}
