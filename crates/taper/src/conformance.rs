//! One test that every layer, loss, optimizer and penalty passes. A new one adds its row to the table of its room.

mod gradient;
mod graph;
mod layer;
mod loss;
mod optimizer;
mod penalty;
mod sequence;
