//! `taper convert`.

use crate::bench::Bench;

#[test]
fn a_model_goes_through_every_format_and_comes_back() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml").quiet();
    bench.taper("convert e-fit/model.safetensors a.keras").quiet();
    bench.taper("convert a.keras b.safetensors").quiet();
    bench.taper("convert b.safetensors c.keras").quiet();
    bench.taper("convert c.keras d.onnx").quiet();
    bench.taper("convert c.keras d.weights.h5").quiet();
    let parameters = |file: &str| bench.taper(&format!("inspect {file} --json")).quiet().json()["parameters"].clone();
    assert_eq!(parameters("a.keras"), parameters("e-fit/model.safetensors"));
    assert_eq!(parameters("c.keras"), parameters("b.safetensors"));
    assert!(bench.read("a.keras") == bench.read("c.keras"));
    assert!(bench.read("d.onnx").len() > 4 * 21 && bench.read("d.weights.h5").len() > 4 * 21);
}
