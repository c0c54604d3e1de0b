//! Activation functions as operators.

use taper::Activation;

use super::proto::Attribute;
use super::writer::Writer;

/// f(x).
pub(super) fn activation(writer: &mut Writer, function: Activation, x: String) -> String {
    let (operation, attributes) = match function {
        Activation::Linear => return x,
        Activation::Relu => ("Relu", vec![]),
        Activation::Relu6 => {
            let (least, most) = (writer.number(0.0), writer.number(6.0));
            return writer.node("Clip", &[&x, &least, &most], &[]);
        }
        Activation::LeakyRelu { negative_slope } => ("LeakyRelu", vec![("alpha", Attribute::Float(negative_slope))]),
        Activation::Elu { alpha } => ("Elu", vec![("alpha", Attribute::Float(alpha))]),
        Activation::Selu => ("Selu", vec![]),
        Activation::Sigmoid => return sigmoid(writer, &x),
        Activation::HardSigmoid => ("HardSigmoid", vec![("alpha", Attribute::Float(1.0 / 6.0))]),
        Activation::HardSigmoidKeras2 => ("HardSigmoid", vec![("alpha", Attribute::Float(0.2))]),
        Activation::Tanh => ("Tanh", vec![]),
        Activation::Softplus => ("Softplus", vec![]),
        Activation::Softsign => ("Softsign", vec![]),
        Activation::Exponential => ("Exp", vec![]),
        Activation::Softmax => ("Softmax", vec![("axis", Attribute::Int(-1))]),
        Activation::Swish => {
            let gate = sigmoid(writer, &x);
            return writer.node("Mul", &[&x, &gate], &[]);
        }
        Activation::Gelu => {
            // x / 2 · (1 + erf(x / √2))
            let [root, one, half] = [std::f32::consts::FRAC_1_SQRT_2, 1.0, 0.5].map(|number| writer.number(number));
            let scaled = writer.node("Mul", &[&x, &root], &[]);
            let erf = writer.node("Erf", &[&scaled], &[]);
            let gate = writer.node("Add", &[&erf, &one], &[]);
            let product = writer.node("Mul", &[&x, &gate], &[]);
            return writer.node("Mul", &[&product, &half], &[]);
        }
        Activation::Celu { alpha } => ("Celu", vec![("alpha", Attribute::Float(alpha))]),
        Activation::HardShrink => ("Shrink", vec![("lambd", Attribute::Float(0.5))]),
        Activation::SoftShrink => ("Shrink", vec![("lambd", Attribute::Float(0.5)), ("bias", Attribute::Float(0.5))]),
        Activation::HardSilu => ("HardSwish", vec![]),
        Activation::HardTanh => {
            let (least, most) = (writer.number(-1.0), writer.number(1.0));
            return writer.node("Clip", &[&x, &least, &most], &[]);
        }
        Activation::LogSigmoid => {
            let turned = writer.node("Neg", &[&x], &[]);
            let softplus = writer.node("Softplus", &[&turned], &[]);
            return writer.node("Neg", &[&softplus], &[]);
        }
        Activation::Mish => {
            let softplus = writer.node("Softplus", &[&x], &[]);
            let gate = writer.node("Tanh", &[&softplus], &[]);
            return writer.node("Mul", &[&x, &gate], &[]);
        }
        Activation::SparseSigmoid => ("HardSigmoid", vec![("alpha", Attribute::Float(0.5))]),
        Activation::SparsePlus => {
            // A square up to 1, and what is above 1.
            let one = writer.number(1.0);
            let ramp = writer.node("HardSigmoid", &[&x], &[("alpha", Attribute::Float(0.5))]);
            let square = writer.node("Mul", &[&ramp, &ramp], &[]);
            let beyond = writer.node("Sub", &[&x, &one], &[]);
            let beyond = writer.node("Relu", &[&beyond], &[]);
            return writer.node("Add", &[&square, &beyond], &[]);
        }
        Activation::Squareplus => {
            let [four, half] = [4.0, 0.5].map(|number| writer.number(number));
            let square = writer.node("Mul", &[&x, &x], &[]);
            let sum = writer.node("Add", &[&square, &four], &[]);
            let root = writer.node("Sqrt", &[&sum], &[]);
            let both = writer.node("Add", &[&x, &root], &[]);
            return writer.node("Mul", &[&both, &half], &[]);
        }
        Activation::TanhShrink => {
            let tanh = writer.node("Tanh", &[&x], &[]);
            return writer.node("Sub", &[&x, &tanh], &[]);
        }
    };
    writer.node(operation, &[&x], &attributes)
}

/// 1 / (1 + exp(-x)). The operator of that name is 0 from -18 on in the runtime that most people have.
pub(super) fn sigmoid(writer: &mut Writer, x: &str) -> String {
    let turned = writer.node("Neg", &[x], &[]);
    let power = writer.node("Exp", &[&turned], &[]);
    let one = writer.number(1.0);
    let sum = writer.node("Add", &[&power, &one], &[]);
    writer.node("Reciprocal", &[&sum], &[])
}
