//! Candle on the CPU: `candle moons|mlp`. The penalty is a term of the loss, Adam is `AdamW` without decay.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap};
use peers::{EPSILON, LEARNING_RATE, MLP, MLP_BATCH, MLP_L2, MOONS_L2, MOONS_UNITS, TRAIN_ROWS};

const VERSION: &str = "0.10.2";
const CPU: Device = Device::Cpu;

struct Network {
    layers: Vec<Linear>,
    optimizer: AdamW,
    /// The penalty of the first `penalized` kernels.
    l2: f64,
    penalized: usize,
}

impl Network {
    fn new(sizes: &[usize], l2: f64, penalized: usize) -> Result<Self> {
        let variables = VarMap::new();
        let builder = VarBuilder::from_varmap(&variables, DType::F32, &CPU);
        let layer = |(i, size): (usize, &[usize])| candle_nn::linear(size[0], size[1], builder.pp(i.to_string()));
        let layers = sizes.windows(2).enumerate().map(layer).collect::<Result<_>>()?;
        let adam = ParamsAdamW { lr: LEARNING_RATE, eps: EPSILON, weight_decay: 0.0, ..ParamsAdamW::default() };
        Ok(Self { layers, optimizer: AdamW::new(variables.all_vars(), adam)?, l2, penalized })
    }

    fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let last = self.layers.len() - 1;
        let hidden = self.layers[..last].iter().try_fold(x.clone(), |x, layer| layer.forward(&x)?.relu())?;
        self.layers[last].forward(&hidden)
    }

    fn step(&mut self, data_loss: impl Fn(&Tensor) -> Result<Tensor>, x: &Tensor) -> Result<()> {
        let mut loss = data_loss(&self.logits(x)?)?;
        for layer in &self.layers[..self.penalized] {
            loss = (loss + (layer.weight().sqr()?.sum_all()? * self.l2)?)?;
        }
        self.optimizer.backward_step(&loss)
    }
}

fn moons() -> Result<()> {
    let (x, y) = peers::moons();
    let rows = |from: usize, to: usize| Tensor::from_slice(&x[2 * from..2 * to], (to - from, 2), &CPU);
    let (train, test) = (rows(0, TRAIN_ROWS)?, rows(TRAIN_ROWS, y.len())?);
    let labels = Tensor::from_slice(&y[..TRAIN_ROWS], (TRAIN_ROWS, 1), &CPU)?;
    let network = std::cell::RefCell::new(Network::new(&[2, MOONS_UNITS, 1], MOONS_L2, 1)?);
    let loss = |logits: &Tensor| candle_nn::loss::binary_cross_entropy_with_logit(logits, &labels);
    let epoch = || network.borrow_mut().step(loss, &train).expect("a step");
    let logits = || network.borrow().logits(&test).and_then(|z| z.flatten_all()?.to_vec1()).expect("logits");
    peers::moons_line("candle", VERSION, epoch, &y[TRAIN_ROWS..], logits);
    Ok(())
}

fn mlp() -> Result<()> {
    let mut batches = Vec::new();
    for (x, y) in peers::batches() {
        batches.push((Tensor::from_vec(x, (MLP_BATCH, MLP[0]), &CPU)?, Tensor::from_vec(y, MLP_BATCH, &CPU)?));
    }
    let mut network = Network::new(&MLP, MLP_L2, 3)?;
    peers::mlp_line("candle", VERSION, |i| {
        let (x, y) = &batches[i];
        network.step(|logits| candle_nn::loss::cross_entropy(logits, y), x).expect("a step");
    });
    Ok(())
}

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("moons") { moons() } else { mlp() }
}
