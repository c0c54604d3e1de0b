//! Burn on its ndarray backend: `burn moons|mlp`. The penalty is a term of the loss.

use burn::backend::{Autodiff, NdArray};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams, Optimizer};
use burn::tensor::activation::{relu, softplus};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use peers::{EPSILON, LEARNING_RATE, MLP, MLP_BATCH, MLP_L2, MOONS_L2, MOONS_UNITS, TRAIN_ROWS};

const VERSION: &str = "0.20.1";
type B = Autodiff<NdArray>;

#[derive(Module, Debug)]
struct Network<B: Backend> {
    layers: Vec<Linear<B>>,
}

impl Network<B> {
    fn new(sizes: &[usize]) -> Self {
        let layer = |size: &[usize]| LinearConfig::new(size[0], size[1]).init(&Default::default());
        Self { layers: sizes.windows(2).map(layer).collect() }
    }

    fn logits(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let last = self.layers.len() - 1;
        let hidden = self.layers[..last].iter().fold(x, |x, layer| relu(layer.forward(x)));
        self.layers[last].forward(hidden)
    }

    /// The penalty of the first kernels.
    fn penalty(&self, l2: f64, kernels: usize) -> Tensor<B, 1> {
        let one = |layer: &Linear<B>| layer.weight.val().powi_scalar(2).sum() * l2;
        self.layers[..kernels].iter().map(one).reduce(|a, b| a + b).expect("a kernel")
    }
}

fn train(network: Network<B>, optimizer: &mut impl Optimizer<Network<B>, B>, loss: Tensor<B, 1>) -> Network<B> {
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    optimizer.step(LEARNING_RATE, network, gradients)
}

fn rows(x: &[f32], columns: usize) -> Tensor<B, 2> {
    Tensor::from_data(TensorData::new(x.to_vec(), [x.len() / columns, columns]), &Default::default())
}

fn moons() {
    let (x, y) = peers::moons();
    let (inputs, test) = (rows(&x[..2 * TRAIN_ROWS], 2), rows(&x[2 * TRAIN_ROWS..], 2));
    let labels = rows(&y[..TRAIN_ROWS], 1);
    let mut optimizer = AdamConfig::new().with_epsilon(EPSILON as f32).init();
    let network = std::cell::RefCell::new(Some(Network::new(&[2, MOONS_UNITS, 1])));
    let epoch = || {
        let now = network.take().expect("a network");
        let logits = now.logits(inputs.clone());
        let loss = (softplus(logits.clone(), 1.0) - labels.clone() * logits).mean() + now.penalty(MOONS_L2, 1);
        network.replace(Some(train(now, &mut optimizer, loss)));
    };
    let logits = || {
        let last = network.take().expect("a network");
        last.logits(test).into_data().to_vec().expect("numbers")
    };
    peers::moons_line("burn ndarray", VERSION, epoch, &y[TRAIN_ROWS..], logits);
}

fn mlp() {
    let classes = |y: Vec<u32>| Tensor::<B, 1, Int>::from_data(TensorData::new(y, [MLP_BATCH]), &Default::default());
    let batches: Vec<_> = peers::batches().into_iter().map(|(x, y)| (rows(&x, MLP[0]), classes(y))).collect();
    let cross_entropy = CrossEntropyLossConfig::new().init(&Default::default());
    let mut optimizer = AdamConfig::new().with_epsilon(EPSILON as f32).init();
    let mut network = Some(Network::new(&MLP));
    peers::mlp_line("burn ndarray", VERSION, |i| {
        let now = network.take().expect("a network");
        let (x, y) = batches[i].clone();
        let loss = cross_entropy.forward(now.logits(x), y) + now.penalty(MLP_L2, 3);
        network = Some(train(now, &mut optimizer, loss));
    });
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("moons") { moons() } else { mlp() }
}
