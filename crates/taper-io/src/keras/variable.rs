//! Which variable of a Keras file is which parameter.

use std::collections::BTreeMap;

use taper::{
    Complaint, Complaints, FitConfig, LayerKind, LayerSpec, LearningRate, OptimizerKind, OptimizerState, ParamSlot,
    Result,
};

use crate::hdf5::{Dataset, Group, Values};

/// The layers' parameters: for each that has some, its group in the file, and the names of the variables' groups within.
pub(super) struct Layout {
    /// For each slot: its group (`layers/lstm/cell/vars`) and its number there.
    pub(super) places: Vec<(String, usize)>,
    /// For each layer: its group (`lstm`) and name (`encoder`).
    pub(super) groups: Vec<(String, String)>,
}

impl Layout {
    /// Where the parameters `slots` of these named layers lie. Groups are called after classes, counted in the order of layers.
    pub(super) fn new(layers: &[(&str, &LayerSpec)], slots: &[ParamSlot]) -> Self {
        let mut groups: Vec<(String, String)> = Vec::new();
        let mut places = Vec::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rest = slots.iter().peekable();
        for (name, spec) in layers {
            let kind = spec.kind.name();
            let before = counts.entry(kind).or_insert(0);
            let group = if *before == 0 { kind.to_owned() } else { format!("{kind}_{before}") };
            *before += 1;
            // The slots stand in the order of the layers.
            let own = |slot: &&ParamSlot| slot.path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
            let mut count = 0;
            while rest.next_if(own).is_some() {
                count += 1;
            }
            let variables = variables(&spec.kind, count);
            places.extend(variables.into_iter().map(|(path, i)| (format!("layers/{group}/{path}"), i)));
            groups.push((group, (*name).to_owned()));
        }
        assert_eq!(places.len(), slots.len(), "slots belong to the layers");
        Self { places, groups }
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
fn open<'a>(root: &Group<'a>, path: &str) -> Result<Option<Group<'a>>, Complaint> {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (root.group(first)?, rest) {
        (Some(group), Some(rest)) => open(&group, rest),
        (group, _) => Ok(group),
    }
}

/// The weights of the file, each where its slot says. Nothing is allocated before all shapes are as the model says.
pub(super) fn weights(root: &Group<'_>, layout: &Layout, slots: &[ParamSlot], file_len: usize) -> Result<Vec<f32>> {
    let mut complaints = Complaints::new();
    let len = slots.iter().map(|slot| slot.range.len()).sum::<usize>();
    if len > file_len / 4 {
        let expected = format!("{len} numbers, as the configuration says");
        return Err(Complaint::new("", expected, format!("a file of {file_len} bytes")).into());
    }
    let layers = root.group("layers")?;
    check_layers(layers.as_ref(), layout, &mut complaints);

    let mut sets: Vec<Option<Dataset<'_>>> = Vec::with_capacity(slots.len());
    let mut group: Option<(&str, Option<Group<'_>>)> = None;
    for (slot, (path, number)) in slots.iter().zip(&layout.places) {
        if group.as_ref().is_none_or(|(open, _)| open != path) {
            let within = path.strip_prefix("layers/").unwrap_or(path);
            let opened = layers.as_ref().map_or(Ok(None), |layers| open(layers, within))?;
            let wanted = layout.places.iter().filter(|(other, _)| other == path).count();
            let got = opened.as_ref().map_or(0, |group| group.names_of_members().count());
            complaints.check(got == wanted, path, format!("{wanted} variables"), got);
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

    let mut weights = vec![0.0; len];
    for (slot, set) in slots.iter().zip(sets.iter().flatten()) {
        fill(&mut weights[slot.range.clone()], set);
    }
    Ok(weights)
}

/// Every layer in the file must be one of the model.
fn check_layers(layers: Option<&Group<'_>>, layout: &Layout, complaints: &mut Complaints) {
    for name in layers.iter().flat_map(|layers| layers.names_of_members()) {
        let known = layout.groups.iter().any(|(group, _)| group == name) || name.starts_with("input_layer");
        complaints.check(known, format!("layers/{name}"), "a layer of the configuration", "another");
    }
}

fn check_shape(set: &Dataset<'_>, slot: &ParamSlot, place: &str, complaints: &mut Complaints) {
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
pub(super) fn optimizer_variables(fit: &FitConfig, slots: &[ParamSlot], built: bool) -> Vec<Variable> {
    let optimizer = &fit.optimizer;
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
    fit: &mut FitConfig,
    slots: &[ParamSlot],
    file_len: usize,
) -> Result<Option<OptimizerState>> {
    let Some(group) = open(root, "optimizer/vars")? else { return Ok(None) };
    let (unbuilt, built) = (optimizer_variables(fit, slots, false), optimizer_variables(fit, slots, true));
    let count = group.names_of_members().count();
    let place = "optimizer/vars";
    let variables = match count {
        _ if count == built.len() => built,
        _ if count == unbuilt.len() => unbuilt,
        _ => {
            let expected = format!("{} variables (or {}, before training)", built.len(), unbuilt.len());
            return Err(Complaint::new(place, expected, count).into());
        }
    };
    let mut complaints = Complaints::new();
    let mut sets = Vec::with_capacity(variables.len());
    for (i, variable) in variables.iter().enumerate() {
        let place = format!("{place}/{i}");
        let Some(set) = group.dataset(&i.to_string())? else {
            return Err(Complaint::new(place, "a variable", "none").into());
        };
        match variable {
            Variable::Iterations | Variable::LearningRate | Variable::MomentumProduct => {
                complaints.check(set.shape.is_empty(), place, "a single number", format!("{:?}", set.shape));
            }
            Variable::Average(slot) | Variable::Accumulated(slot) | Variable::Moment(_, slot) => {
                check_shape(&set, &slots[*slot], &place, &mut complaints);
            }
        }
        sets.push(set);
    }
    complaints.finish()?;

    let buffers = fit.optimizer.kind.moments().iter().map(|group| group.len()).sum::<usize>()
        + usize::from(fit.optimizer.use_ema)
        + usize::from(fit.optimizer.gradient_accumulation_steps.is_some());
    if count == 1 + usize::from(matches!(fit.optimizer.learning_rate, LearningRate::Constant(_))) && buffers > 0 {
        return Ok(None);
    }
    // Every number is one of the file's, but several of its variables could be the same bytes.
    let trained = slots.iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.len()).sum::<usize>();
    if trained.saturating_mul(buffers) > file_len / 4 {
        let got = format!("{buffers} times {trained} numbers");
        return Err(Complaint::new(place, "a state that fits the file", got).into());
    }
    let steps = sets.first().and_then(number);
    let Some(steps) = steps.filter(|steps| *steps >= 0.0) else {
        return Err(Complaint::new("optimizer/vars/0", "a number of steps", format!("{steps:?}")).into());
    };
    let mut state = OptimizerState::new(&fit.optimizer, slots);
    state.iterations = steps as u64;
    let places: Vec<_> =
        slots.iter().map(|slot| if slot.spec.trainable { state.place(&slot.range) } else { 0..0 }).collect();
    let place = |slot: &usize| places[*slot].clone();
    for (variable, set) in variables.iter().zip(sets) {
        let single = number(&set);
        match variable {
            Variable::Iterations => {}
            Variable::LearningRate => {
                if let (LearningRate::Constant(rate), Some(now)) = (&mut fit.optimizer.learning_rate, single)
                    && *rate as f32 != now as f32
                {
                    *rate = now;
                }
            }
            Variable::MomentumProduct => state.momentum_product = single.map_or(1.0, |product| product as f32),
            Variable::Average(slot) => fill(&mut state.average[place(slot)], &set),
            Variable::Accumulated(slot) => fill(&mut state.accumulated[place(slot)], &set),
            Variable::Moment(moment, slot) => fill(&mut state.moments[*moment][place(slot)], &set),
        }
    }
    Ok(Some(state))
}

fn number(set: &Dataset<'_>) -> Option<f64> {
    match set.values {
        Values::F32([bytes]) => Some(f64::from(f32::from_le_bytes(*bytes))),
        Values::I64([bytes]) => Some(i64::from_le_bytes(*bytes) as f64),
        Values::I32([bytes]) => Some(f64::from(i32::from_le_bytes(*bytes))),
        _ => None,
    }
}

fn fill(to: &mut [f32], set: &Dataset<'_>) {
    if let Values::F32(numbers) = set.values {
        to.iter_mut().zip(numbers).for_each(|(to, bytes)| *to = f32::from_le_bytes(*bytes));
    }
}
