//! The standard workloads that are measured by the step: what is trained, on what, and how much arithmetic that is.

use taper::{
    Activation, Conv1d, Conv2d, Dataset, Dense, FitConfig, Flatten, GlobalAveragePooling1d, Gru, Loss, Lstm,
    MaxPooling1d, MaxPooling2d, Metric, Padding, Regularizer, Result, Seed, Sequential, Shape,
};

/// A model and the rows that it is trained on, in epochs of several steps.
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// The settings, for people.
    pub(super) what: &'static str,
    pub(super) spec: Sequential,
    pub(super) config: FitConfig,
    input: Vec<usize>,
    rows: usize,
    classes: usize,
    /// Multiply-adds of one row's forward pass as it is computed, in the layer that reads the row and in all others.
    products: [usize; 2],
}

impl Workload {
    /// Steps of one epoch.
    pub(super) fn steps(&self) -> usize {
        self.rows.div_ceil(self.config.batch_size)
    }

    /// Floating-point operations in the matrix products and convolutions of one step: a layer's two gradients cost as much
    /// as its output, each, and nobody asks for the gradient of the rows.
    pub(super) fn flops(&self) -> f64 {
        let [first, others] = self.products.map(|products| products as f64);
        2.0 * self.config.batch_size as f64 * (2.0 * first + 3.0 * others)
    }

    /// Rows of noise: speed does not depend on what they say.
    pub(super) fn data(&self) -> Result<Dataset> {
        let mut rng = Seed::new(1).derive("bench", 0).rng();
        let shape = Shape::new(&self.input[..])?;
        let x = (0..self.rows * shape.len()).map(|_| 2.0 * rng.uniform_f32() - 1.0).collect();
        let y = (0..self.rows)
            .map(|_| if self.classes > 1 { rng.below(self.classes) as f32 } else { rng.uniform_f32() })
            .collect();
        Dataset::new(shape, x, 1, y)
    }

    /// 784-512-512-10, the size of MNIST.
    pub(super) fn mlp() -> Self {
        let dense = |units| Dense::new(units).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(1e-4));
        Self {
            name: "mlp",
            what: "784-512-512-10, batch 128, l2 1e-4",
            spec: Sequential::new([784]).layer(dense(512)).layer(dense(512)).layer(scores(10, 1e-4)),
            config: classifier(128),
            input: vec![784],
            rows: 16 * 128,
            classes: 10,
            products: [784 * 512, 512 * 512 + 512 * 10],
        }
    }

    /// The usual small network for images of 32 × 32 × 3.
    pub(super) fn cnn() -> Self {
        let conv = |filters| {
            Conv2d::new(filters, 3)
                .padding(Padding::Same)
                .activation(Activation::Relu)
                .kernel_regularizer(Regularizer::l2(5e-4))
        };
        let dense = Dense::new(128).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(5e-4));
        let (large, small) = (32 * 32, 16 * 16);
        // Tiles of 4 x 4 outputs take 36 products where the definition has 144; what the transforms take is not counted.
        let convolutions = (large * 9 * 32 * 32 + small * 9 * 32 * 64 + small * 9 * 64 * 64) / 4;
        Self {
            name: "cnn",
            what: "32x32x3, conv 3x3 32, 32, pool, 64, 64, pool, dense 128, 10, batch 32, l2 5e-4",
            spec: Sequential::new([32, 32, 3])
                .layer(conv(32))
                .layer(conv(32))
                .layer(MaxPooling2d::new(2))
                .layer(conv(64))
                .layer(conv(64))
                .layer(MaxPooling2d::new(2))
                .layer(Flatten::new())
                .layer(dense)
                .layer(scores(10, 5e-4)),
            config: classifier(32),
            input: vec![32, 32, 3],
            rows: 8 * 32,
            classes: 10,
            products: [large * 9 * 3 * 32, convolutions + 4096 * 128 + 128 * 10],
        }
    }

    /// 50 steps of 32 features to one number.
    pub(super) fn lstm() -> Self {
        let penalty = || Some(Regularizer::l2(1e-6));
        let lstm = Lstm { kernel_regularizer: penalty(), recurrent_regularizer: penalty(), ..Lstm::new(128) };
        Self {
            name: "lstm",
            what: "32 features, 50 steps, LSTM(128), dense 1, batch 32, l2 1e-6 on both kernels",
            spec: Sequential::new([50, 32]).layer(lstm).layer(Dense::new(1)),
            products: [50 * 32 * 512, 49 * 128 * 512 + 128],
            ..Self::sequence()
        }
    }

    /// As [`lstm`](Self::lstm), with a GRU.
    pub(super) fn gru() -> Self {
        let penalty = || Some(Regularizer::l2(1e-6));
        let gru = Gru { kernel_regularizer: penalty(), recurrent_regularizer: penalty(), ..Gru::new(128) };
        Self {
            name: "gru",
            what: "32 features, 50 steps, GRU(128), dense 1, batch 32, l2 1e-6 on both kernels",
            spec: Sequential::new([50, 32]).layer(gru).layer(Dense::new(1)),
            products: [50 * 32 * 384, 49 * 128 * 384 + 128],
            ..Self::sequence()
        }
    }

    fn sequence() -> Self {
        Self {
            name: "",
            what: "",
            spec: Sequential::new([50, 32]),
            config: FitConfig::new(Loss::Mse).batch_size(32),
            input: vec![50, 32],
            rows: 16 * 32,
            classes: 1,
            products: [0, 0],
        }
    }

    /// A sequence of 128 × 16 through three convolutions.
    pub(super) fn conv1d() -> Self {
        let conv = |filters| {
            let padded = Conv1d { padding: Padding::Same, ..Conv1d::new(filters, 5) };
            padded.activation(Activation::Relu).kernel_regularizer(Regularizer::l2(1e-4))
        };
        Self {
            name: "conv1d",
            what: "128 steps of 16, conv 5 64, 64, pool, 128, mean over steps, dense 10, batch 32, l2 1e-4",
            spec: Sequential::new([128, 16])
                .layer(conv(64))
                .layer(conv(64))
                .layer(MaxPooling1d::new(2))
                .layer(conv(128))
                .layer(GlobalAveragePooling1d::new())
                .layer(scores(10, 1e-4)),
            config: classifier(32),
            input: vec![128, 16],
            rows: 16 * 32,
            classes: 10,
            products: [128 * 5 * 16 * 64, 128 * 5 * 64 * 64 + 64 * 5 * 64 * 128 + 128 * 10],
        }
    }

    /// One million rows of 100 columns.
    pub(super) fn tabular() -> Self {
        let dense = |units| Dense::new(units).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(1e-4));
        Self {
            name: "tabular",
            what: "1,000,000 rows of 100 columns, 100-256-128-1, batch 1024, l2 1e-4",
            spec: Sequential::new([100]).layer(dense(256)).layer(dense(128)).layer(Dense::new(1)),
            config: FitConfig::new(Loss::Mse).batch_size(1024),
            input: vec![100],
            rows: 1_000_000,
            classes: 1,
            products: [100 * 256, 256 * 128 + 128],
        }
    }
}

/// The last layer of a classifier.
fn scores(classes: usize, l2: f64) -> Dense {
    Dense::new(classes).activation(Activation::Softmax).kernel_regularizer(Regularizer::l2(l2))
}

fn classifier(batch_size: usize) -> FitConfig {
    FitConfig::new(Loss::SPARSE_CATEGORICAL_CROSSENTROPY).metrics([Metric::Accuracy]).batch_size(batch_size)
}
