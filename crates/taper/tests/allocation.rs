//! Nothing allocates inside a step: counted, not believed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use taper::*;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches a thread-local number only.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations during 20 epochs, after one to warm up (a matrix product keeps its packing buffers).
fn allocations(spec: &Sequential, data: &Dataset, validation: &Dataset, config: &FitConfig) -> usize {
    let mut model = Model::build(spec, Seed::new(1)).unwrap();
    let mut state = TrainState::new(&model, config);
    let mut fitting = Fitting::new(&model, data, Some(validation), config, Seed::new(1)).unwrap();
    fitting.epoch(&mut model, &mut state).unwrap();
    let before = COUNT.get();
    for _ in 0..20 {
        state.epoch += 1;
        fitting.epoch(&mut model, &mut state).unwrap();
    }
    COUNT.get() - before
}

#[test]
fn a_step_does_not_allocate() {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1).unwrap()).unwrap().split_at(30).unwrap();
    let penalty = || Regularizer::l1_l2(0.001, 0.001);
    let small = Sequential::new([2])
        .layer(Dense::new(500).activation(Activation::Relu).kernel_regularizer(penalty()))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    let deep = Sequential::new([2])
        .layer(
            LayerSpec::from(Dense::new(64).activation(Activation::Swish).bias_regularizer(penalty()))
                .activity_regularizer(penalty()),
        )
        .layer(Dropout::new(0.3))
        .layer(Dense::new(64).activation(Activation::Tanh))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    // Every way in which a penalty reaches the weights, on kernels that need buffers of their own.
    let moded = |mode: PenaltyMode, cautious: bool| {
        let hidden = |penalty: Regularizer| Dense::new(40).activation(Activation::Relu).kernel_regularizer(penalty);
        let groups =
            Regularizer { l1: 0.001.into(), l2: 0.001.into(), ..Regularizer::group_lasso(0.001, Grouping::Input) };
        let steered = Strength::TargetNorm { target: 1.0, from: 1e-3, gain: 0.05 };
        Sequential::new([2])
            .layer(hidden(Regularizer { cautious, ..Regularizer::l2(steered).mode(mode) }))
            .layer(hidden(Regularizer { cautious, ..groups.anchor(Anchor::Start).mode(mode) }))
            .layer(hidden(Regularizer { cautious, scad: 0.001.into(), ..Regularizer::default() }.mode(mode)))
            .layer(Dense::new(1).activation(Activation::Sigmoid))
    };
    let (proximal, cautious) = (moded(PenaltyMode::Proximal, false), moded(PenaltyMode::Decoupled, true));
    let metrics = [Metric::Accuracy, Metric::Auc { thresholds: 200 }];
    for spec in
        [small, deep, moded(PenaltyMode::Loss, false), moded(PenaltyMode::Independent, false), proximal, cautious]
    {
        for optimizer in
            [Optimizer::adam(), Optimizer::sgd(), Optimizer::rmsprop(), Optimizer::adagrad(), Optimizer::adam_w()]
        {
            for batch_size in [32, 7] {
                let mut config = FitConfig::new(Loss::BINARY_CROSSENTROPY)
                    .optimizer(optimizer.clone().clip(Clip::GlobalNorm(1.0)))
                    .metrics(metrics)
                    .batch_size(batch_size);
                config.measure_train = true;
                assert_eq!(allocations(&spec, &train, &test, &config), 0, "{optimizer:?}, batches of {batch_size}");
            }
        }
    }
}
