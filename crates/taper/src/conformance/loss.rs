//! Every loss.

use crate::*;

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
    for (name, loss) in super::registry::<Loss>() {
        let is_tested = |text: &str| {
            std::mem::discriminant(&serde_json::from_str::<Loss>(text).unwrap()) == std::mem::discriminant(&loss)
        };
        assert!(table.iter().any(|(text, ..)| is_tested(text)), "{name} has a row");
    }
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
