//! In which order Keras has the operations of a network.

use super::{Argument, Network, Tensor};

impl Network {
    /// The operations that the output depends on, as Keras sorts them (`keras.src.ops.function.map_graph`): the farthest from the
    /// output first, and those equally far in the order in which a search from the output finds them.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut found: Vec<Option<usize>> = vec![None; self.operations.len()];
        let mut finished: Vec<(usize, usize)> = Vec::new();
        let mut done: Vec<Vec<bool>> =
            self.operations.iter().map(|operation| vec![false; operation.calls.len().max(1)]).collect();
        // Depth first: a call, what it reads, and how much of that is done.
        let open = |tensor: &Tensor| ((tensor.operation, tensor.call), self.reads(tensor.operation, tensor.call), 0);
        let mut stack = vec![open(&self.output)];
        let mut count = 0;
        while let Some((node, reads, next)) = stack.last_mut() {
            found[node.0].get_or_insert_with(|| {
                count += 1;
                count
            });
            match reads.get(*next) {
                Some(tensor) => {
                    *next += 1;
                    let tensor = *tensor;
                    if !done[tensor.operation][tensor.call] {
                        stack.push(open(tensor));
                    }
                }
                None => {
                    done[node.0][node.1] = true;
                    finished.push(*node);
                    stack.pop();
                }
            }
        }
        let mut far: Vec<Vec<usize>> = done.iter().map(|calls| vec![0; calls.len()]).collect();
        let mut farthest = vec![0; self.operations.len()];
        for (operation, call) in finished.into_iter().rev() {
            let depth = far[operation][call].max(farthest[operation]);
            farthest[operation] = depth;
            for tensor in self.reads(operation, call) {
                let before = &mut far[tensor.operation][tensor.call];
                *before = (*before).max(depth + 1);
            }
        }
        let mut order: Vec<usize> = (0..self.operations.len()).filter(|i| found[*i].is_some()).collect();
        order.sort_by_key(|i| (std::cmp::Reverse(farthest[*i]), found[*i]));
        order
    }

    /// What a call reads, in Keras's order: the mask last.
    fn reads(&self, operation: usize, call: usize) -> Vec<&Tensor> {
        let Some(call) = self.operations[operation].calls.get(call) else { return vec![] };
        let args = call.args.iter().flat_map(|argument| match argument {
            Argument::One(tensor) => std::slice::from_ref(tensor),
            Argument::List(tensors) => tensors,
            Argument::Number(_) => &[],
        });
        args.chain(&call.mask).collect()
    }
}
