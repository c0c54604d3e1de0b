//! Every optimizer.

use crate::*;

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
    for (name, optimizer) in super::registry::<Optimizer>() {
        let kind = |text: &str| std::mem::discriminant(&serde_json::from_str::<Optimizer>(text).unwrap().kind);
        assert!(table.iter().any(|text| kind(text) == std::mem::discriminant(&optimizer.kind)), "{name} has a row");
    }
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
