//! Which variable of a Keras file is which parameter.

use std::collections::BTreeMap;
use std::ops::Range;

use taper::{
    Complaint, Complaints, LayerKind, LearningRate, Optimizer, OptimizerKind, OptimizerState, ParamSlot, Result,
};

use super::emit::Branch;
use super::generation::Generation;
use crate::hdf5::{Dataset, Group, Values};

/// The layer whose weights are followed by a count.
const NORMALIZATION: &str = "normalization";

/// The layers' parameters: where each lies in a file.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// For each slot: its group (`layers/lstm/cell/vars`) and its number there.
    pub(super) places: Vec<(String, usize)>,
    /// For each layer: its group (`layers/lstm`) and name (`encoder`).
    pub(super) groups: Vec<(String, String)>,
    /// The groups that hold one number more, which counts rows, and their first slots.
    pub(super) counted: Vec<(String, usize)>,
    /// The layers and models of the outermost model: their names and slots.
    pub(super) outermost: Vec<(String, Range<usize>)>,
}

impl Layout {
    /// Where the parameters `slots` of these layers lie, which stand in the order of the layers. Groups are called after classes,
    /// counted in the order of a model's layers.
    pub(super) fn new(layers: &[Branch], slots: &[ParamSlot]) -> Self {
        let mut layout = Self::default();
        layout.add("layers", layers, slots, true);
        assert_eq!(layout.places.len(), slots.len(), "slots belong to the layers");
        layout
    }

    fn add(&mut self, within: &str, layers: &[Branch], slots: &[ParamSlot], outermost: bool) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for branch in layers {
            let (class, name) = match branch {
                Branch::Layer(name, spec, class) => (class.as_deref().unwrap_or(spec.kind.name()), name),
                Branch::Model(class, name, _) => (*class, name),
            };
            let before = counts.entry(class).or_insert(0);
            let group = if *before == 0 { format!("{within}/{class}") } else { format!("{within}/{class}_{before}") };
            *before += 1;
            let start = self.places.len();
            match branch {
                Branch::Layer(name, spec, _) => {
                    let own = |slot: &&ParamSlot| {
                        slot.path.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/'))
                    };
                    let count = slots[start..].iter().take_while(own).count();
                    let variables = variables(&spec.kind, count);
                    self.places.extend(variables.into_iter().map(|(path, i)| (format!("{group}/{path}"), i)));
                }
                Branch::Model(_, _, layers) => self.add(&format!("{group}/layers"), layers, slots, false),
            }
            if class == NORMALIZATION {
                self.counted.push((format!("{group}/vars"), start));
            }
            self.groups.push((group, name.clone()));
            if outermost {
                self.outermost.push((name.clone(), start..self.places.len()));
            }
        }
    }
}

/// The variables of one layer: their group within the layer's, and their number there.
fn variables(kind: &LayerKind, count: usize) -> Vec<(String, usize)> {
    let within = |outer: &str, inner: Vec<(String, usize)>| {
        inner.into_iter().map(|(path, i)| (format!("{outer}/{path}"), i)).collect::<Vec<_>>()
    };
    let plain = |group: &str| (0..count).map(|i| (group.to_owned(), i)).collect();
    match kind {
        LayerKind::SimpleRnn(_) | LayerKind::Lstm(_) | LayerKind::Gru(_) => plain("cell/vars"),
        LayerKind::Bidirectional(layer) => {
            let mut all = within("forward_layer", variables(&layer.of.kind, count / 2));
            let backward = layer.backward_layer.as_deref().unwrap_or(&layer.of);
            all.extend(within("backward_layer", variables(&backward.kind, count - count / 2)));
            all
        }
        LayerKind::TimeDistributed(layer) => within("layer", variables(&layer.of.kind, count)),
        _ => plain("vars"),
    }
}

/// Opens the group at a path; `None` if it is not there.
pub(super) fn open<'a>(root: &Group<'a>, path: &str) -> Result<Option<Group<'a>>, Complaint> {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (root.group(first)?, rest) {
        (Some(group), Some(rest)) => open(&group, rest),
        (group, _) => Ok(group),
    }
}

/// Complains unless a file of this length can hold so many numbers.
pub(super) fn check_len(slots: &[ParamSlot], file_len: usize) -> Result<(), Complaint> {
    let len = slots.iter().map(|slot| slot.range.len()).sum::<usize>();
    if len > file_len / 4 {
        let expected = format!("{len} numbers, as the configuration says");
        return Err(Complaint::new("", expected, format!("a file of {file_len} bytes")));
    }
    Ok(())
}

/// The weights of the files (`roots`; several if each holds a part), each where its slot says. Nothing is allocated before all shapes
/// are as the model says.
pub(super) fn weights(roots: &[Group<'_>], layout: &Layout, slots: &[ParamSlot], file_len: usize) -> Result<Vec<f32>> {
    check_len(slots, file_len)?;
    let mut complaints = Complaints::new();
    let layers = roots.iter().filter_map(|root| layers(root).transpose()).collect::<Result<Vec<_>, _>>()?;
    layers.iter().for_each(|layers| check_layers(layers, layout, &mut complaints));

    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    layout.places.iter().for_each(|(path, _)| *counts.entry(path).or_default() += 1);
    let mut sets: Vec<Option<Dataset<'_>>> = Vec::with_capacity(slots.len());
    let mut group: Option<(&str, Option<Group<'_>>)> = None;
    for (slot, (path, number)) in slots.iter().zip(&layout.places) {
        if group.as_ref().is_none_or(|(open, _)| open != path) {
            let opened = open_first(&layers, path.strip_prefix("layers/").unwrap_or(path))?;
            let wanted = counts[path.as_str()];
            let got = opened.as_ref().map_or(0, |group| group.names_of_members().count());
            let counted = layout.counted.iter().any(|(group, _)| group == path);
            complaints.check(got == wanted || counted && got == wanted + 1, path, format!("{wanted} variables"), got);
            group = Some((path, opened));
        }
        let opened = group.as_ref().and_then(|(_, group)| group.as_ref());
        let set = opened.map_or(Ok(None), |group| group.dataset(&number.to_string()))?;
        match &set {
            Some(set) => check_shape(set, slot, &format!("{path}/{number}"), &mut complaints),
            None => complaints.push(Complaint::new(format!("{path}/{number}"), format!("`{}`", slot.path), "nothing")),
        }
        sets.push(set);
    }
    complaints.finish()?;

    let mut weights = vec![0.0; slots.iter().map(|slot| slot.range.len()).sum()];
    for (slot, set) in slots.iter().zip(sets.iter().flatten()) {
        fill(&mut weights[slot.range.clone()], set);
    }
    Ok(weights)
}

/// The group of all layers, by the names that it has had.
fn layers<'a>(root: &Group<'a>) -> Result<Option<Group<'a>>, Complaint> {
    match root.group("layers")? {
        Some(layers) => Ok(Some(layers)),
        None => root.group("_layer_checkpoint_dependencies"),
    }
}

/// The group at a path in the first of these where it is and holds something.
fn open_first<'a>(groups: &[Group<'a>], path: &str) -> Result<Option<Group<'a>>, Complaint> {
    let mut empty = None;
    for group in groups {
        match open(group, path)? {
            Some(found) if found.names_of_members().next().is_some() => return Ok(Some(found)),
            found => empty = empty.or(found),
        }
    }
    Ok(empty)
}

/// Every layer in the file must be one of the model.
fn check_layers(layers: &Group<'_>, layout: &Layout, complaints: &mut Complaints) {
    for name in layers.names_of_members() {
        let path = format!("layers/{name}");
        let known = layout.groups.iter().any(|(group, _)| *group == path) || name.starts_with("input_layer");
        complaints.check(known, path, "a layer of the configuration", "another");
    }
}

pub(super) fn check_shape(set: &Dataset<'_>, slot: &ParamSlot, place: &str, complaints: &mut Complaints) {
    let wanted = slot.spec.shape.sizes();
    let same = set.shape.len() == wanted.len() && set.shape.iter().zip(wanted).all(|(a, b)| *a == *b as u64);
    let expected = || format!("shape {} of `{}`", slot.spec.shape, slot.path);
    complaints.check(same, place, expected(), format!("{:?}", set.shape));
    complaints.check(matches!(set.values, Values::F32(_)), place, "numbers of type float32", "integers");
}

/// Complains about weights that are not finite.
pub(super) fn check_finite(weights: &[f32], slots: &[ParamSlot]) -> Result<()> {
    let mut complaints = Complaints::new();
    for slot in slots {
        let w = &weights[slot.range.clone()];
        if let Some(first) = w.iter().position(|w| !w.is_finite()) {
            let count = w.iter().filter(|w| !w.is_finite()).count();
            let got = format!("{} at {first} ({count} such in all)", w[first]);
            complaints.push(Complaint::new(&slot.path, "finite numbers", got));
        }
    }
    complaints.finish()
}

/// A variable of an optimizer, in Keras's order.
pub(super) enum Variable {
    Iterations,
    LearningRate,
    /// Of one slot.
    Average(usize),
    Accumulated(usize),
    Moment(usize, usize),
    /// Nadam's product of momenta.
    MomentumProduct,
}

/// The variables of this optimizer for these parameters; `built` says whether it has seen them.
pub(super) fn optimizer_variables(optimizer: &Optimizer, slots: &[ParamSlot], built: bool) -> Vec<Variable> {
    let trainable: Vec<usize> = (0..slots.len()).filter(|slot| slots[*slot].spec.trainable).collect();
    let mut all = vec![Variable::Iterations];
    if matches!(optimizer.learning_rate, LearningRate::Constant(_)) {
        all.push(Variable::LearningRate);
    }
    if !built {
        return all;
    }
    if optimizer.use_ema {
        all.extend(trainable.iter().map(|slot| Variable::Average(*slot)));
    }
    if optimizer.gradient_accumulation_steps.is_some() {
        all.extend(trainable.iter().map(|slot| Variable::Accumulated(*slot)));
    }
    let mut first = 0;
    for group in optimizer.kind.moments() {
        for slot in &trainable {
            all.extend((0..group.len()).map(|i| Variable::Moment(first + i, *slot)));
        }
        first += group.len();
    }
    if matches!(optimizer.kind, OptimizerKind::Nadam { .. }) {
        all.push(Variable::MomentumProduct);
    }
    all
}

/// What the optimizer remembers; `None` if it has not begun. A learning rate that was changed by hand is carried over.
pub(super) fn optimizer_state(
    root: &Group<'_>,
    optimizer: &mut Optimizer,
    generation: Generation,
    slots: &[ParamSlot],
    file_len: usize,
) -> Result<Option<OptimizerState>> {
    let Some(group) = open(root, "optimizer/vars")? else { return Ok(None) };
    let [unbuilt, built] = [false, true].map(|built| {
        let mut variables = optimizer_variables(optimizer, slots, built);
        // Keras 2 has it in the configuration alone.
        variables.retain(|variable| generation == Generation::Three || !matches!(variable, Variable::LearningRate));
        variables
    });
    let count = group.names_of_members().count();
    let place = "optimizer/vars";
    let trained = slots.iter().filter(|slot| slot.spec.trainable).count();
    let variables = match count {
        // Keras 2 has momenta whether they are used or not.
        _ if generation == Generation::Two && built.len() == 1 && count == 1 + trained => built,
        _ if count == built.len() => built,
        _ if count == unbuilt.len() => vec![],
        _ => {
            let expected = format!("{} variables (or {}, before training)", built.len(), unbuilt.len());
            return Err(Complaint::new(place, expected, count).into());
        }
    };
    if variables.is_empty() {
        return Ok(None);
    }
    let mut sets = Vec::with_capacity(variables.len());
    for i in 0..variables.len() {
        let missing = || Complaint::new(format!("{place}/{i}"), "a variable", "none");
        sets.push(group.dataset(&i.to_string())?.ok_or_else(missing)?);
    }
    restore(&variables, &sets, optimizer, slots, file_len, place).map(Some)
}

/// How many numbers an optimizer keeps for each weight.
fn buffers(optimizer: &Optimizer) -> usize {
    optimizer.kind.moments().iter().map(|group| group.len()).sum::<usize>()
        + usize::from(optimizer.use_ema)
        + usize::from(optimizer.gradient_accumulation_steps.is_some())
}

/// The state that these variables are of.
///
/// # Errors
///
/// Other shapes than the weights have; more than the file can hold.
pub(super) fn restore(
    variables: &[Variable],
    sets: &[Dataset<'_>],
    optimizer: &mut Optimizer,
    slots: &[ParamSlot],
    file_len: usize,
    place: &str,
) -> Result<OptimizerState> {
    let mut complaints = Complaints::new();
    for (i, (variable, set)) in variables.iter().zip(sets).enumerate() {
        let place = format!("{place}/{i}");
        match variable {
            Variable::Iterations | Variable::LearningRate | Variable::MomentumProduct => {
                complaints.check(set.shape.is_empty(), place, "a single number", format!("{:?}", set.shape));
            }
            Variable::Average(slot) | Variable::Accumulated(slot) | Variable::Moment(_, slot) => {
                check_shape(set, &slots[*slot], &place, &mut complaints);
            }
        }
    }
    complaints.finish()?;
    // Every number is one of the file's, but several of its variables could be the same bytes.
    let trained = slots.iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.len()).sum::<usize>();
    let buffers = buffers(optimizer);
    if trained.saturating_mul(buffers) > file_len / 4 {
        let got = format!("{buffers} times {trained} numbers");
        return Err(Complaint::new(place, "a state that fits the file", got).into());
    }
    let steps = sets.first().and_then(number);
    let Some(steps) = steps.filter(|steps| *steps >= 0.0) else {
        return Err(Complaint::new(format!("{place}/0"), "a number of steps", format!("{steps:?}")).into());
    };
    let mut state = OptimizerState::new(optimizer, slots);
    state.iterations = steps as u64;
    let places: Vec<_> =
        slots.iter().map(|slot| if slot.spec.trainable { state.place(&slot.range) } else { 0..0 }).collect();
    let place = |slot: &usize| places[*slot].clone();
    for (variable, set) in variables.iter().zip(sets) {
        let single = number(set);
        match variable {
            Variable::Iterations => {}
            Variable::LearningRate => {
                if let (LearningRate::Constant(rate), Some(now)) = (&mut optimizer.learning_rate, single)
                    && *rate as f32 != now as f32
                {
                    *rate = now;
                }
            }
            Variable::MomentumProduct => state.momentum_product = single.map_or(1.0, |product| product as f32),
            Variable::Average(slot) => fill(&mut state.average[place(slot)], set),
            Variable::Accumulated(slot) => fill(&mut state.accumulated[place(slot)], set),
            Variable::Moment(moment, slot) => fill(&mut state.moments[*moment][place(slot)], set),
        }
    }
    Ok(state)
}

fn number(set: &Dataset<'_>) -> Option<f64> {
    match set.values {
        Values::F32([bytes]) => Some(f64::from(f32::from_le_bytes(*bytes))),
        Values::I64([bytes]) => Some(i64::from_le_bytes(*bytes) as f64),
        Values::I32([bytes]) => Some(f64::from(i32::from_le_bytes(*bytes))),
        _ => None,
    }
}

pub(super) fn fill(to: &mut [f32], set: &Dataset<'_>) {
    if let Values::F32(numbers) = set.values {
        to.iter_mut().zip(numbers).for_each(|(to, bytes)| *to = f32::from_le_bytes(*bytes));
    }
}
