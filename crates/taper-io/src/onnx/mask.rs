//! Masks over time steps, as truth values beside the tensors that they are about.

use taper::LayerKind;

use super::proto::{Attribute, Element};
use super::writer::{Value, Writer};

/// The mask of a layer's output; `None` if every step counts.
pub(super) fn of_output(
    writer: &mut Writer,
    kind: &LayerKind,
    inputs: &[Value],
    masks: &[Option<Value>],
    passes: bool,
    output: &[usize],
) -> Option<Value> {
    let x = inputs.first()?;
    match kind {
        LayerKind::Embedding(layer) if layer.mask_zero => {
            let zero = writer.number(0.0);
            let padding = writer.node("Equal", &[&x.name, &zero], &[]);
            Some(Value { name: writer.node("Not", &[&padding], &[]), sizes: x.sizes.clone() })
        }
        LayerKind::Masking(layer) => Some(counted(writer, x, layer.mask_value)),
        LayerKind::Concatenate(layer) => {
            let rank = output.len() as isize;
            let axis = if layer.axis < 0 { layer.axis + rank } else { layer.axis - 1 };
            match axis {
                _ if axis + 1 == rank => any(writer, masks),
                0 if rank == 2 && masks.iter().any(Option::is_some) => {
                    let parts: Vec<String> =
                        inputs.iter().zip(masks).map(|(input, mask)| steps(writer, input, mask.as_ref())).collect();
                    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                    let name = writer.node("Concat", &parts, &[("axis", Attribute::Int(1))]);
                    Some(Value { name, sizes: output[..1].to_vec() })
                }
                _ => None,
            }
        }
        LayerKind::Add(_)
        | LayerKind::Average(_)
        | LayerKind::Maximum(_)
        | LayerKind::Minimum(_)
        | LayerKind::Multiply(_)
        | LayerKind::Subtract(_) => any(writer, masks),
        _ if passes => masks.first().cloned().flatten(),
        _ => None,
    }
}

/// Which steps are not the mask value through and through.
pub(super) fn counted(writer: &mut Writer, x: &Value, value: f32) -> Value {
    let value = writer.number(value);
    let same = writer.node("Equal", &[&x.name, &value], &[]);
    let other = writer.node("Not", &[&same], &[]);
    let other = writer.cast(&other, Element::Float);
    let last = [("axes", Attribute::Ints(vec![-1])), ("keepdims", Attribute::Int(0))];
    let most = writer.node("ReduceMax", &[&other], &last);
    let sizes = x.sizes[..x.sizes.len() - 1].to_vec();
    Value { name: writer.node("Cast", &[&most], &[("to", Attribute::Int(Element::Bool as i64))]), sizes }
}

/// A step counts if it does in any input; without a mask of each there is none.
fn any(writer: &mut Writer, masks: &[Option<Value>]) -> Option<Value> {
    let masks: Vec<Value> = masks.iter().cloned().collect::<Option<_>>()?;
    let either = |a: Value, b: Value| Value { name: writer.node("Or", &[&a.name, &b.name], &[]), sizes: a.sizes };
    masks.into_iter().reduce(either)
}

/// The mask of a sequence; all ones if it has none.
fn steps(writer: &mut Writer, input: &Value, mask: Option<&Value>) -> String {
    if let Some(mask) = mask {
        return mask.name.clone();
    }
    // A number minus itself would not be 0 everywhere; the sizes alone are read.
    let (axes, start, end) = (writer.ints(&[-1]), writer.ints(&[0]), writer.ints(&[1]));
    let first = writer.node("Slice", &[&input.name, &start, &end, &axes], &[]);
    let first = writer.node("Squeeze", &[&first, &axes], &[]);
    let sizes = writer.node("Shape", &[&first], &[]);
    let one = writer.floats(&[1], &[1.0]);
    let ones = writer.node("Expand", &[&one, &sizes], &[]);
    writer.cast(&ones, Element::Bool)
}

/// The numbers of the steps that count; the others are 0.
pub(super) fn only(writer: &mut Writer, x: &str, mask: &str) -> String {
    let (thin, zero) = (thin(writer, mask), writer.number(0.0));
    writer.node("Where", &[&thin, x, &zero], &[])
}

/// A mask with one dimension more, of size 1.
fn thin(writer: &mut Writer, mask: &str) -> String {
    let last = writer.ints(&[-1]);
    writer.node("Unsqueeze", &[mask, &last], &[])
}

/// The mean of the steps that count.
pub(super) fn mean(writer: &mut Writer, x: &str, mask: &str) -> String {
    let kept = only(writer, x, mask);
    let axis = writer.ints(&[1]);
    let none_kept = [("keepdims", Attribute::Int(0))];
    let sum = writer.node("ReduceSum", &[&kept, &axis], &none_kept);
    let count = writer.cast(mask, Element::Float);
    let count = writer.node("ReduceSum", &[&count, &axis], &[("keepdims", Attribute::Int(1))]);
    writer.node("Div", &[&sum, &count], &[])
}

/// The steps of a sequence that count, brought together at its beginning, and how to put results back.
pub(super) struct Together {
    /// The sequence, steps that count first.
    pub(super) x: String,
    /// How many count in each row, as int32.
    pub(super) lengths: String,
    /// How many count up to each step and with it, as floats.
    so_far: String,
    mask: String,
    steps: usize,
}

impl Together {
    pub(super) fn new(writer: &mut Writer, x: &Value, mask: &str) -> Self {
        let steps = x.sizes[0];
        let places: Vec<f32> = (0..steps).map(|step| step as f32).collect();
        let later: Vec<f32> = places.iter().map(|place| place + steps as f32).collect();
        let (places, later) = (writer.floats(&[1, steps], &places), writer.floats(&[1, steps], &later));
        let keys = writer.node("Where", &[mask, &places, &later], &[]);
        let count = writer.ints(&[steps as i64]);
        let smallest = [("axis", Attribute::Int(1)), ("largest", Attribute::Int(0)), ("sorted", Attribute::Int(1))];
        let order = writer.node_of("TopK", &[&keys, &count], 2, &smallest).pop().unwrap_or_default();
        let first = gather(writer, &x.name, &order);
        let counts = writer.cast(mask, Element::Float);
        let axis = writer.ints(&[1]);
        let lengths = writer.node("ReduceSum", &[&counts, &axis], &[("keepdims", Attribute::Int(0))]);
        let lengths = writer.cast(&lengths, Element::Int32);
        let axis = writer.whole(1);
        let so_far = writer.node("CumSum", &[&counts, &axis], &[]);
        Self { x: first, lengths, so_far, mask: mask.to_owned(), steps }
    }

    /// Results (rows, steps, units) of the steps that count, at all steps: one that does not count has the result of the last one
    /// before it that does (behind it, if they were read backwards), or 0; with `zeros` it has 0 in any case.
    pub(super) fn back(&self, writer: &mut Writer, results: &str, backwards: bool, zeros: bool) -> String {
        let (zero, one) = (writer.number(0.0), writer.number(1.0));
        let counts = writer.cast(&self.mask, Element::Float);
        let (place, is_there) = if backwards {
            let before = writer.node("Sub", &[&self.so_far, &counts], &[]);
            let lengths = writer.cast(&self.lengths, Element::Float);
            let lengths = writer.reshape_to(&lengths, &[-1, 1]);
            let last = writer.number((self.steps - 1) as f32);
            (writer.node("Min", &[&before, &last], &[]), writer.node("Less", &[&before, &lengths], &[]))
        } else {
            let before = writer.node("Sub", &[&self.so_far, &one], &[]);
            (writer.node("Max", &[&before, &zero], &[]), writer.node("Greater", &[&self.so_far, &zero], &[]))
        };
        let place = writer.cast(&place, Element::Int64);
        let all = gather(writer, results, &place);
        only(writer, &all, if zeros { &self.mask } else { &is_there })
    }
}

/// Of each row the steps at these places.
fn gather(writer: &mut Writer, x: &str, places: &str) -> String {
    let thin = thin(writer, places);
    let sizes = writer.node("Shape", &[x], &[]);
    let everywhere = writer.node("Expand", &[&thin, &sizes], &[]);
    writer.node("GatherElements", &[x, &everywhere], &[("axis", Attribute::Int(1))])
}
