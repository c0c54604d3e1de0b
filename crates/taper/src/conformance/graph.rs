//! Layers that merge, and ways in which nodes can be wired.

use super::gradient::check_gradients;
use crate::layer::Mode;
use crate::*;

/// A layer of several inputs: for an input of this shape, branches of these widths, the output.
type MergeRow = (LayerSpec, &'static [usize], &'static [usize], &'static [usize]);

/// Every layer that merges.
fn merges() -> Vec<MergeRow> {
    vec![
        (Add::new().into(), &[5], &[5, 5, 5], &[5]),
        (Add::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Subtract::new().into(), &[5], &[5, 5], &[5]),
        (Subtract::new().into(), &[2, 3], &[1, 3], &[2, 3]),
        (Multiply::new().into(), &[5], &[5, 5, 5], &[5]),
        (Multiply::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Average::new().into(), &[5], &[5, 5, 5], &[5]),
        (Average::new().into(), &[2, 3], &[1, 3], &[2, 3]),
        (Maximum::new().into(), &[5], &[5, 5, 5], &[5]),
        (Maximum::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Minimum::new().into(), &[5], &[5, 5, 5], &[5]),
        (Concatenate::new().into(), &[4], &[2, 3, 1], &[6]),
        (Concatenate::new().into(), &[2, 4], &[2, 3], &[2, 5]),
        (Concatenate::new().axis(1).into(), &[2, 4], &[3, 3], &[4, 3]),
        (Concatenate::new().axis(-2).into(), &[2, 2, 4], &[3, 3], &[2, 4, 3]),
    ]
}

#[test]
fn every_merge_conforms() {
    for (layer, input, widths, output) in merges() {
        let text = serde_json::to_string(&layer).unwrap();
        assert_eq!(serde_json::from_str::<LayerSpec>(&text).unwrap(), layer, "{text}");
        let unknown = text.replacen('{', r#"{"no_such_setting": 1,"#, 1);
        assert!(serde_json::from_str::<LayerSpec>(&unknown).is_err(), "{text} takes unknown settings");

        let names: Vec<String> = (0..widths.len()).map(|i| format!("branch_{i}")).collect();
        let mut graph = Graph::new(input);
        for (name, width) in names.iter().zip(widths) {
            graph = graph.node(name, ["input"], Dense::new(*width));
        }
        let layer = GraphLayer::Own(layer);
        graph.nodes.push(GraphNode { inputs: Some(names), layer });
        let model = Model::build(&graph, Seed::new(1)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(model.output_shape().sizes(), output, "{text}");
        check_gradients(&graph.into(), false, Mode::Training, &text);
    }
}

/// Ways in which nodes can be wired: values read twice, layers used twice, penalties on their outputs.
fn graphs() -> Vec<(&'static str, Graph)> {
    let dense = || Dense::new(4).activation(Activation::Tanh);
    let l2 = Regularizer::l2(0.3);
    let penalized = || LayerSpec::from(dense().kernel_regularizer(l2.clone())).activity_regularizer(l2.clone());
    let out = || Dense::new(2).activation(Activation::Sigmoid);
    vec![
        (
            "residual",
            Graph::new([4])
                .node("a", ["input"], dense())
                .node("b", ["a"], dense())
                .node("sum", ["a", "b"], Add::new())
                .node("out", ["sum"], out()),
        ),
        (
            "diamond",
            Graph::new([4])
                .node("top", ["input"], penalized())
                .node("left", ["top"], dense())
                .node("right", ["top"], penalized())
                .node("bottom", ["left", "right"], Multiply::new())
                .node("out", ["bottom"], out()),
        ),
        (
            "a layer that reads one value twice",
            Graph::new([4])
                .node("a", ["input"], penalized())
                .node("twice", ["a", "a"], Add::new())
                .node("squares", ["twice", "a", "twice"], Multiply::new())
                .node("out", ["squares"], out()),
        ),
        (
            "a shared layer, in a row and side by side",
            Graph::new([4])
                .node("a", ["input"], penalized())
                .shared("again", ["a"], "a")
                .shared("aside", ["input"], "a")
                .node("joined", ["again", "aside"], Concatenate::new())
                .node("out", ["joined"], out()),
        ),
        (
            "a shared layer as the output",
            Graph::new([4])
                .node("a", ["input"], LayerSpec::from(Dense { activation: Activation::Sigmoid, ..dense() }))
                .shared("out", ["a"], "a"),
        ),
        (
            "a penalized shared layer as the output",
            Graph::new([4])
                .node(
                    "a",
                    ["input"],
                    LayerSpec::from(Dense { activation: Activation::Softmax, ..dense() })
                        .activity_regularizer(l2.clone()),
                )
                .shared("out", ["a"], "a"),
        ),
        (
            "penalties on the outputs of both directions",
            Graph::new([4])
                .node("steps", ["input"], Reshape::new([2, 2]))
                .node(
                    "both",
                    ["steps"],
                    Bidirectional::new(LayerSpec::from(Lstm::new(2)).activity_regularizer(l2.clone())),
                )
                .node("out", ["both"], out()),
        ),
        (
            "an activation of its own as the output",
            Graph::new([4]).node("a", ["input"], dense()).node("b", ["input", "a"], Add::new()).node(
                "out",
                ["b"],
                LayerSpec::from(ActivationLayer::new(Activation::Softmax)),
            ),
        ),
    ]
}

/// The gradient of the total loss of a graph, its penalties included, against difference quotients.
#[test]
fn every_graph_conforms() {
    for (text, graph) in graphs() {
        let spec = ModelSpec::from(&graph);
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ModelSpec>(&again).unwrap(), spec, "{text}");

        let mut model = Model::build(&graph, Seed::new(2)).unwrap();
        let mut rng = Seed::new(1).rng();
        model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
        let outputs = model.output_shape().len();
        let x: Vec<f32> = (0..16).map(|_| rng.normal() as f32).collect();
        let y: Vec<f32> =
            (0..4 * outputs).map(|i| if i % outputs == i / outputs % outputs { 1.0 } else { 0.0 }).collect();
        let data = Dataset::new(Shape::new([4]).unwrap(), x, outputs, y).unwrap();
        for loss in [Loss::BINARY_CROSSENTROPY, Loss::CATEGORICAL_CROSSENTROPY, Loss::Mse] {
            let config = FitConfig::new(loss).batch_size(4);
            let first = first_batch(&model, &data, &config).unwrap();
            assert!((first.loss - evaluate(&model, &data, &config).unwrap().loss).abs() < 1e-6);
            for i in 0..model.params().data().len() {
                let w = model.params().data()[i];
                let mut at = |w: f32| {
                    model.params_mut().data_mut()[i] = w;
                    evaluate(&model, &data, &config).unwrap().loss
                };
                let quotient = (at(w + 4e-3) - at(w - 4e-3)) / 8e-3;
                at(w);
                let gradient = f64::from(first.gradients[i]);
                assert!((quotient - gradient).abs() < 2e-3, "{text}: {loss:?} {i}: {gradient} {quotient}");
            }
        }
    }
}

/// The penalty of a shared layer's weights counts once, that of its outputs once for each use.
#[test]
fn a_shared_layer_is_penalized_once() {
    let layer = Dense { use_bias: false, ..Dense::new(2) }.kernel_regularizer(Regularizer::l2(0.5));
    let layer = LayerSpec::from(layer).activity_regularizer(Regularizer::l1(1.0));
    let graph = Graph::new([2]).node("a", ["input"], layer).shared("b", ["a"], "a");
    let mut model = Model::build(&graph, Seed::new(1)).unwrap();
    assert_eq!(model.params().slots().len(), 1);
    model.params_mut().data_mut().copy_from_slice(&[2.0, 0.0, 0.0, 2.0]);
    assert_eq!(model.params().penalty_at(0), 0.5 * 8.0);
    let data = Dataset::new(Shape::new([2]).unwrap(), vec![1.0, 0.0, 0.0, -3.0], 2, vec![0.0; 4]).unwrap();
    let scores = evaluate(&model, &data, &FitConfig::new(Loss::Mse)).unwrap();
    assert_eq!(scores.penalty, 4.0 + (2.0 + 6.0) / 2.0 + (4.0 + 12.0) / 2.0);
}
