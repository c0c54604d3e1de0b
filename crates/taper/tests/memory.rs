//! A training holds little more than its numbers: counted, not believed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use taper::*;

thread_local! {
    /// Bytes that this thread holds, and the most that it ever did.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(now.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches thread-local numbers only.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a training with Adam holds at most over two epochs, over the sum of parameters, gradients, two moments and the activations
/// of one batch. `kept` is how many numbers of a row stay from the way there to the way back beside the layers' outputs.
///
/// Beside it, what [`training_bytes`] says in advance, over what was held.
fn ratio(spec: &Sequential, batch: usize, classes: usize, kept: usize) -> (f64, f64) {
    let row: usize = spec.input_shape.iter().product();
    let x = (0..batch * row).map(|i| (i as f32 * 0.37).sin()).collect();
    let y = (0..batch).map(|i| (i % classes) as f32).collect();
    let data = Dataset::new(Shape::new(&spec.input_shape[..]).unwrap(), x, 1, y).unwrap();
    let loss = if classes > 2 { Loss::SPARSE_CATEGORICAL_CROSSENTROPY } else { Loss::Mse };
    let config = FitConfig::new(loss).batch_size(batch);

    let before = NOW.get();
    MOST.set(before);
    let mut model = Model::build(spec, Seed::new(1)).unwrap();
    let mut state = TrainState::new(&model, &config);
    let mut fitting = Fitting::new(&model, &data, None, &config, Seed::new(1)).unwrap();
    for _ in 0..2 {
        fitting.epoch(&mut model, &mut state).unwrap();
        state.epoch += 1;
    }
    let held = MOST.get() - before;
    let told = training_bytes(model.spec(), &config, batch).unwrap() as f64;

    let outputs: usize = model.summary().iter().map(|layer| layer.output_shape.len()).sum();
    let numbers = 4 * model.params().data().len() + batch * (row + outputs + kept);
    (held as f64 / (4 * numbers) as f64, told / held as f64)
}

#[test]
fn a_training_holds_at_most_half_as_much_again_as_its_numbers() {
    let l2 = || Regularizer::l2(1e-4);
    let relu = |units| Dense::new(units).activation(Activation::Relu).kernel_regularizer(l2());
    let scores = || Dense::new(10).activation(Activation::Softmax).kernel_regularizer(l2());
    let conv = |filters| {
        let same = Conv2d::new(filters, 3).padding(Padding::Same);
        same.activation(Activation::Relu).kernel_regularizer(l2())
    };

    let moons = Sequential::new([2]).layer(relu(500)).layer(Dense::new(1).activation(Activation::Sigmoid));
    let mlp = Sequential::new([784]).layer(relu(512)).layer(relu(512)).layer(scores());
    let cnn = Sequential::new([32, 32, 3])
        .layer(conv(32))
        .layer(conv(32))
        .layer(MaxPooling2d::new(2))
        .layer(conv(64))
        .layer(conv(64))
        .layer(MaxPooling2d::new(2))
        .layer(Flatten::new())
        .layer(relu(128))
        .layer(scores());
    let lstm = Lstm { kernel_regularizer: Some(l2()), ..Lstm::new(128) };
    let lstm = Sequential::new([50, 32]).layer(lstm).layer(Dense::new(1));
    // Four gates and two states of 128 units at every step.
    let steps = 50 * 6 * 128;
    // Two thirds of what moons needs are its hidden values, which are worked out again instead of being held.
    let without_hidden = 1.0 / 3.0;

    for (name, spec, batch, classes, kept, least) in [
        ("moons", moons, 30, 2, 0, without_hidden),
        ("mlp", mlp, 128, 10, 0, 1.0),
        ("cnn", cnn, 32, 10, 0, 1.0),
        ("lstm", lstm, 32, 2, steps, 1.0),
    ] {
        let (ratio, told) = ratio(&spec, batch, classes, kept);
        assert!(ratio <= 1.5, "{name}: {ratio:.3}");
        assert!(ratio >= least, "{name}: counted too little, {ratio:.3}");
        // Said in advance are hidden values too that are worked out again.
        assert!((0.8..2.5).contains(&(told * least)), "{name}: told {told:.3} of what was held");
    }
}
