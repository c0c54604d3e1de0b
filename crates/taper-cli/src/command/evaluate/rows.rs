//! The rows of a file, as a model takes them.

use taper::table::{Prepared, Target};
use taper::{Complaint, DataSpec, Dataset, GraphLayer, GraphNode, LayerSpec, Model, ModelSpec, Rescaling};
use taper_io::{SavedModel, TableFile, is_table};

use crate::args::Evaluate;
use crate::failure::Failure;
use crate::{output, saved};

/// The rows as the training saw such, and with a target that it saw standardized in its own unit.
pub(super) struct EvaluatedRows {
    pub(super) seen: Dataset,
    pub(super) own: Option<OwnUnit>,
}

/// A model that predicts in the target's own unit, and the rows for it.
pub(super) struct OwnUnit {
    pub(super) name: String,
    pub(super) mean: f64,
    pub(super) scale: f64,
    pub(super) model: Model,
    pub(super) data: Dataset,
}

pub(super) fn read(args: &Evaluate, saved: &SavedModel) -> Result<EvaluatedRows, Failure> {
    if !is_table(&args.rows) {
        let name = args.rows.display().to_string();
        if !name.contains('.') || DataSpec::SOURCES.contains(&name.as_str()) {
            let complaint = Complaint::new("FILE", "a .csv, .parquet, .npz or .safetensors file", format!("`{name}`"));
            return Err(taper::Error::from(complaint).into());
        }
        let spec = DataSpec { standardize: saved.prepared.is_some(), ..DataSpec::new(name) };
        let rows = taper_io::read_rows(&spec, std::path::Path::new(""))?;
        let Some(prepared) = &saved.prepared else { return Ok(EvaluatedRows { seen: rows, own: None }) };
        let x = prepared.scaled(rows.exact_inputs()).map_err(|error| about(args, error))?;
        let seen = Dataset::new(rows.input_shape().clone(), x, rows.target_len(), rows.y().to_vec())?;
        return Ok(EvaluatedRows { seen, own: None });
    }
    let prepared = saved::prepared(saved, &args.model)?;
    let spec = saved::data_spec(saved);
    let file = TableFile::open(&args.rows, &spec)?;
    let wanted = prepared.wanted(file.header(), true).map_err(|error| about(args, error))?;
    let (table, _) = file.table(&wanted, &spec)?;
    let (all, left) = prepared.scorable(&table).map_err(|error| about(args, error))?;
    for reason in left {
        output::note(&format!("warning: {}: {reason}", args.rows.display()));
    }
    let seen = prepared.dataset(&table, &all).map_err(|error| about(args, error))?;
    let own = match &prepared.target {
        Target::Number { name, mean, scale } if (*mean, *scale) != (0.0, 1.0) => {
            let target = Target::Number { name: name.clone(), mean: 0.0, scale: 1.0 };
            let data =
                Prepared { target, ..prepared.clone() }.dataset(&table, &all).map_err(|error| about(args, error))?;
            let model = rescaled(&saved.model, *mean, *scale)?;
            Some(OwnUnit { name: name.clone(), mean: *mean, scale: *scale, model, data })
        }
        Target::Number { .. } | Target::Classes { .. } => None,
    };
    Ok(EvaluatedRows { seen, own })
}

/// The model with its outputs brought back to the unit of the target.
fn rescaled(model: &Model, mean: f64, scale: f64) -> taper::Result<Model> {
    let back = Rescaling::new(scale).offset(mean);
    let spec = match model.spec() {
        ModelSpec::Sequential(stack) => ModelSpec::from(stack.clone().layer(back)),
        ModelSpec::Graph(graph) => {
            let mut graph = graph.clone();
            let name = "target_in_its_own_unit";
            let inputs = graph.output.take().map(|output| vec![output]);
            graph.nodes.push(GraphNode { inputs, layer: GraphLayer::Own(LayerSpec::from(back).name(name)) });
            ModelSpec::from(graph)
        }
    };
    Model::with_weights(spec, model.params().data().to_vec())
}

/// A complaint about the file of rows.
pub(super) fn about(args: &Evaluate, error: taper::Error) -> Failure {
    taper_io::Error::about(&args.rows, error).into()
}
