//! Where the gradients of a model's values lie: those that are never held at the same time share a place.

use super::Model;

/// The places of one backward pass.
#[derive(Debug)]
pub(super) struct Places {
    /// The place of each buffer's gradient; `None` where nobody asks for it.
    of: Vec<Option<usize>>,
    /// Numbers per sample in each place.
    lens: Vec<usize>,
}

impl Places {
    /// Places for the gradients that are asked for.
    ///
    /// A gradient is held from the first node that may write it, on the way back, to the node whose output it belongs to.
    pub(super) fn new(model: &Model, asked: &[bool]) -> Self {
        let mut places = Self { of: vec![None; asked.len()], lens: vec![] };
        let mut free = Vec::new();
        let last = model.nodes.len();
        for i in (0..last).rev() {
            let inputs = &model.nodes[i].inputs;
            for buffer in [i + 1].iter().chain(inputs).copied().filter(|buffer| asked[*buffer]) {
                let len = model.lens[buffer];
                if places.of[buffer].is_none() {
                    let place = free.pop().unwrap_or(places.lens.len());
                    places.lens.resize(places.lens.len().max(place + 1), 0);
                    places.lens[place] = places.lens[place].max(len);
                    places.of[buffer] = Some(place);
                }
            }
            free.extend(places.of[i + 1]);
        }
        places
    }

    /// The place of a buffer's gradient.
    pub(super) fn of(&self, buffer: usize) -> Option<usize> {
        self.of[buffer]
    }

    /// Numbers per sample in each place.
    pub(super) fn lens(&self) -> &[usize] {
        &self.lens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;

    #[test]
    fn a_chain_takes_turns() {
        let spec =
            Sequential::new([4]).layer(Dense::new(30)).layer(Dense::new(20)).layer(Dense::new(10)).layer(Dense::new(3));
        let model = Model::build(&spec, Seed::new(1)).unwrap();
        let places = Places::new(&model, &[false, true, true, true, true]);
        assert_eq!((places.of(0), places.lens()), (None, &[20, 30][..]));
        assert_eq!([4, 3, 2, 1].map(|buffer| places.of(buffer)), [Some(0), Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn what_is_held_together_lies_apart() {
        // A branch around two layers: its beginning is written by the sum already.
        let graph: Graph = serde_json::from_value(serde_json::json!({
            "input_shape": [4],
            "nodes": [
                { "name": "a", "layer": "dense", "units": 5 },
                { "name": "b", "layer": "dense", "units": 5, "inputs": ["a"] },
                { "name": "c", "layer": "dense", "units": 5, "inputs": ["b"] },
                { "name": "sum", "layer": "add", "inputs": ["a", "c"] },
            ],
        }))
        .unwrap();
        let model = Model::build(&graph, Seed::new(1)).unwrap();
        let places = Places::new(&model, &[false, true, true, true, true]);
        let [a, b, c, sum] = [1, 2, 3, 4].map(|buffer| places.of(buffer).unwrap());
        assert!(sum != a && sum != c && a != c && b != a && b != c, "{places:?}");
        assert_eq!(places.lens(), [5, 5, 5]);
    }
}
