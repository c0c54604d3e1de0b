//! Who reads whom: names become numbers, and the nodes an order in which they can run.

use std::collections::{BTreeSet, HashMap};

use super::graph::{GraphLayer, GraphNode, INPUT};
use super::{Graph, ModelSpec};
use crate::{Complaint, Complaints, Result, nearest};

/// A graph whose names are resolved. Sources count from 0, the model's input; source `i + 1` is node `i`.
#[derive(Debug)]
pub(super) struct Wiring {
    /// The names of all nodes.
    pub(super) names: Vec<String>,
    /// What each node reads.
    pub(super) inputs: Vec<Vec<usize>>,
    /// The node whose layer each node uses: itself, unless it shares.
    pub(super) owners: Vec<usize>,
    /// The nodes in an order in which each follows those it reads. The output is the last.
    pub(super) order: Vec<usize>,
    /// The key under which nodes stand in the user's file, for places: `layers` or `nodes`.
    pub(super) key: &'static str,
}

impl Wiring {
    /// Resolves the names of a model; `graph` is its graph.
    pub(super) fn new(spec: &ModelSpec, graph: &Graph) -> Result<Self> {
        let (key, word) = match spec {
            ModelSpec::Sequential(_) => ("layers", "layer"),
            ModelSpec::Graph(_) => ("nodes", "node"),
        };
        let mut complaints = Complaints::new();
        complaints.check(!graph.nodes.is_empty(), key, format!("at least one {word}"), "none");
        let names = names(graph, key, word, &mut complaints);
        let owners = owners(&graph.nodes, &names, &mut complaints);
        let inputs = sources(&graph.nodes, &names, &mut complaints);
        let output = output(graph, &names, &mut complaints);
        complaints.finish()?;
        let wiring = Self { order: order(&names, &inputs)?, names, inputs, owners, key };
        wiring.check_that_all_lead_to(output)?;
        Ok(wiring)
    }

    /// The place of a node in the user's file.
    pub(super) fn place(&self, node: usize) -> String {
        format!("{}[{node}]", self.key)
    }

    /// A node that the output does not depend on is a mistake. Without such, the output is the last in every order.
    fn check_that_all_lead_to(&self, output: usize) -> Result<()> {
        let mut leads = vec![false; self.names.len()];
        leads[output] = true;
        for node in self.order.iter().rev() {
            if leads[*node] {
                self.inputs[*node].iter().filter(|source| **source > 0).for_each(|source| leads[source - 1] = true);
            }
        }
        let mut complaints = Complaints::new();
        for (node, leads) in leads.iter().enumerate().filter(|(_, leads)| !**leads) {
            let expected = format!("a node that the output `{}` depends on", self.names[output]);
            let got = format!("`{}`, which leads nowhere", self.names[node]);
            complaints.check(*leads, self.place(node), expected, got);
        }
        complaints.finish()
    }
}

/// Each node's name: its own, or its kind's (its sharer's) with a number from the second on, as Keras counts.
fn names(graph: &Graph, key: &str, word: &str, complaints: &mut Complaints) -> Vec<String> {
    let given = |node: &GraphNode| match &node.layer {
        GraphLayer::Own(layer) => layer.name.clone(),
        GraphLayer::Shared { name, .. } => name.clone(),
    };
    let mut taken: BTreeSet<String> = graph.nodes.iter().filter_map(given).collect();
    let mut seen = BTreeSet::new();
    // Of each kind, the first number that may be free: names are only ever taken.
    let mut next: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let name = match (given(node), &node.layer) {
            (Some(name), _) => {
                let place = format!("{key}[{i}].name");
                let unique = seen.insert(name.clone());
                complaints.check(unique, &place, format!("a name that no other {word} has"), &name);
                let plain = !name.is_empty() && !name.contains('/');
                complaints.check(plain, &place, "a name without `/`", format!("`{name}`"));
                let free = key == "layers" || name != INPUT;
                complaints.check(free, &place, "a name other than `input`, which is the model's input", &name);
                name
            }
            (None, layer) => {
                let base = match layer {
                    GraphLayer::Own(layer) => layer.kind.name(),
                    GraphLayer::Shared { shares, .. } => shares,
                };
                let next = next.entry(base).or_default();
                loop {
                    let name = if *next == 0 { base.to_owned() } else { format!("{base}_{next}") };
                    *next += 1;
                    if taken.insert(name.clone()) {
                        break name;
                    }
                }
            }
        };
        names.push(name);
    }
    names
}

/// Names that may be meant, with their nodes.
struct Known<'a> {
    names: Vec<&'a str>,
    nodes: HashMap<&'a str, usize>,
}

impl<'a> Known<'a> {
    /// These nodes' names. Of two of the same name the first is meant.
    fn new(nodes: impl Iterator<Item = (usize, &'a String)>) -> Self {
        let mut known = Self { names: vec![], nodes: HashMap::new() };
        for (node, name) in nodes {
            known.names.push(name);
            known.nodes.entry(name).or_insert(node);
        }
        known
    }

    /// The node of a name, or a complaint with the nearest one.
    fn find(&self, name: &str, place: &str, what: &str) -> Result<usize, Complaint> {
        if let Some(node) = self.nodes.get(name) {
            return Ok(*node);
        }
        let complaint =
            Complaint::new(place, format!("{what} ({})", crate::table::list(&self.names)), format!("`{name}`"));
        Err(match nearest(name, self.names.iter().copied()) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint,
        })
    }
}

fn owners(nodes: &[GraphNode], names: &[String], complaints: &mut Complaints) -> Vec<usize> {
    let owns = |node: usize| match nodes[node].layer {
        GraphLayer::Own(_) => true,
        GraphLayer::Shared { .. } => false,
    };
    let owned = Known::new(names.iter().enumerate().filter(|(node, _)| owns(*node)));
    let mut owners = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let GraphLayer::Shared { shares, .. } = &node.layer else {
            owners.push(i);
            continue;
        };
        let what = "the name of a node with a layer of its own";
        match owned.find(shares, &format!("nodes[{i}].shares"), what) {
            Ok(owner) => owners.push(owner),
            Err(complaint) => {
                complaints.push(complaint);
                owners.push(i);
            }
        }
    }
    owners
}

fn sources(nodes: &[GraphNode], names: &[String], complaints: &mut Complaints) -> Vec<Vec<usize>> {
    let known = Known::new(names.iter().enumerate());
    let mut all = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let Some(inputs) = &node.inputs else {
            all.push(vec![i]); // the node before, or the input
            continue;
        };
        complaints.check(!inputs.is_empty(), format!("nodes[{i}].inputs"), "at least one name", "none");
        let mut sources = Vec::new();
        for (j, input) in inputs.iter().enumerate() {
            if input == INPUT {
                sources.push(0);
                continue;
            }
            match known.find(input, &format!("nodes[{i}].inputs[{j}]"), "`input` or the name of a node") {
                Ok(node) => sources.push(node + 1),
                Err(complaint) => complaints.push(complaint),
            }
        }
        all.push(sources);
    }
    all
}

fn output(graph: &Graph, names: &[String], complaints: &mut Complaints) -> usize {
    let known = Known::new(names.iter().enumerate());
    match &graph.output {
        None => names.len().saturating_sub(1),
        Some(name) => known.find(name, "output", "the name of a node").unwrap_or_else(|complaint| {
            complaints.push(complaint);
            0
        }),
    }
}

/// The nodes in an order in which each follows those it reads, otherwise as they stand.
fn order(names: &[String], inputs: &[Vec<usize>]) -> Result<Vec<usize>> {
    let count = names.len();
    let mut waits: Vec<usize> =
        inputs.iter().map(|inputs| inputs.iter().filter(|source| **source > 0).count()).collect();
    let mut readers: Vec<Vec<usize>> = vec![vec![]; count];
    for (node, inputs) in inputs.iter().enumerate() {
        inputs.iter().filter(|source| **source > 0).for_each(|source| readers[source - 1].push(node));
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|node| waits[*node] == 0).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for reader in &readers[node] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.insert(*reader);
            }
        }
    }
    if order.len() == count {
        return Ok(order);
    }
    // Whoever still waits reads somebody who waits: following that leads into the circle, and once around it.
    let waiting = |node: usize| {
        inputs[node].iter().filter(|source| **source > 0).map(|source| source - 1).find(|n| waits[*n] > 0)
    };
    let mut node = (0..count).find(|node| waits[*node] > 0).unwrap_or(0);
    for _ in 0..count {
        node = waiting(node).unwrap_or(node);
    }
    let mut circle = vec![node];
    while let Some(next) = waiting(node) {
        circle.push(next);
        node = next;
        if node == circle[0] {
            break;
        }
    }
    let circle: Vec<&str> = circle.iter().map(|node| names[*node].as_str()).collect();
    let expected = "nodes that can be put in an order";
    Err(Complaint::new("nodes", expected, format!("a circle: {}", circle.join(" <- "))).into())
}
