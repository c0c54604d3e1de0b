//! probe
use taper::*;
fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    for l2 in [0.0, 1e-1, 1e-2, 1e-3, 1e-4] {
        let spec = Sequential::new([2])
            .layer(Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(l2)))
            .layer(Dense::new(1).activation(Activation::Sigmoid));
        let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(4000);
        let mut acc = vec![];
        let t = std::time::Instant::now();
        let n = 10;
        for s in 0..n {
            let mut model = Model::build(&spec, Seed::new(s))?;
            let h = fit(&mut model, &train, None, &config, Seed::new(s), &mut Quiet)?;
            let te = evaluate(&model, &test, &config)?;
            let tr = evaluate(&model, &train, &config)?;
            acc.push((tr.metrics[0], te.metrics[0], te.data_loss, h.last("norm/dense/kernel").unwrap()));
        }
        let t = t.elapsed().as_secs_f64() / n as f64;
        let m = |f: fn(&(f64, f64, f64, f64)) -> f64| acc.iter().map(f).sum::<f64>() / n as f64;
        println!(
            "{l2} train {:.4} test {:.4} loss {:.4} norm {:.3}  {:.2} ms/fit",
            m(|a| a.0),
            m(|a| a.1),
            m(|a| a.2),
            m(|a| a.3),
            t * 1e3
        );
    }
    Ok(())
}
