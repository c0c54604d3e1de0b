//! The penalty that makes the rows or columns of a matrix orthogonal to each other.

use crate::matrix::{Matrix, matmul};

/// Which vectors of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// Its rows.
    Rows,
    /// Its columns.
    Columns,
}

/// How many floats of scratch [`orthogonal`] needs for a matrix of this size.
#[must_use]
pub fn scratch_len(vectors: Vectors, rows: usize, columns: usize) -> usize {
    let (count, length) = counted(vectors, rows, columns);
    2 * count * length + count * count + count
}

fn counted(vectors: Vectors, rows: usize, columns: usize) -> (usize, usize) {
    match vectors {
        Vectors::Rows => (rows, columns),
        Vectors::Columns => (columns, rows),
    }
}

/// Ω(w) = factor · mean over pairs i < j of |uᵢ·uⱼ|, with uᵢ the i-th row (column) divided by its length, as Keras's
/// `OrthogonalRegularizer`; where `dw` is not empty, its gradient is added there:
/// dwᵢ = factor / pairs · (gᵢ - (gᵢ·uᵢ) uᵢ) / |wᵢ| with gᵢ = Σⱼ sign(uᵢ·uⱼ) uⱼ, sign(0) = 0.
///
/// `w` is `rows` × `columns`, row-major, with at least two vectors. A vector shorter than 1e-7 is multiplied by 1e7 instead
/// of being divided by its length.
pub fn orthogonal(
    factor: f32,
    vectors: Vectors,
    rows: usize,
    columns: usize,
    w: &[f32],
    dw: &mut [f32],
    scratch: &mut [f32],
) -> f64 {
    const SHORTEST: f32 = 1e-7;
    assert_eq!(w.len(), rows * columns);
    let (count, length) = counted(vectors, rows, columns);
    let place = |i: usize, l: usize| match vectors {
        Vectors::Rows => i * columns + l,
        Vectors::Columns => l * columns + i,
    };
    let scratch = &mut scratch[..scratch_len(vectors, rows, columns)];
    let (units, rest) = scratch.split_at_mut(count * length);
    let (pulls, rest) = rest.split_at_mut(count * length);
    let (cosines, inverse) = rest.split_at_mut(count * count);

    for (i, unit) in units.chunks_exact_mut(length).enumerate() {
        for (l, u) in unit.iter_mut().enumerate() {
            *u = w[place(i, l)];
        }
        let squares: f32 = unit.iter().map(|u| u * u).sum();
        inverse[i] = (1.0 / squares.sqrt()).min(1.0 / SHORTEST);
        unit.iter_mut().for_each(|u| *u *= inverse[i]);
    }
    let u = Matrix::new(units, count, length);
    matmul(u, u.t(), cosines);

    let mut sum = 0.0;
    for (i, row) in cosines.chunks_exact_mut(count).enumerate() {
        row[i] = 0.0;
        sum += f64::from(row.iter().map(|cosine| cosine.abs()).sum::<f32>());
        for cosine in row {
            *cosine = if *cosine == 0.0 { 0.0 } else { cosine.signum() };
        }
    }
    let pairs = count as f64 * (count as f64 - 1.0) / 2.0;
    if !dw.is_empty() {
        matmul(Matrix::new(cosines, count, count), Matrix::new(units, count, length), pulls);
        for (i, (pull, unit)) in pulls.chunks_exact(length).zip(units.chunks_exact(length)).enumerate() {
            let along: f32 = pull.iter().zip(unit).map(|(g, u)| g * u).sum();
            // The length of a vector that is too short does not enter.
            let along = if inverse[i] < 1.0 / SHORTEST { along } else { 0.0 };
            let scale = (f64::from(factor) / pairs) as f32 * inverse[i];
            for l in 0..length {
                dw[place(i, l)] += scale * (pull[l] - along * unit[l]);
            }
        }
    }
    f64::from(factor) * 0.5 * sum / pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: [f32; 12] = [1.0, 2.0, -1.0, 0.5, -1.0, 2.0, 0.3, 0.1, -0.4, 2.0, 0.0, 1.0];

    /// `keras.regularizers.OrthogonalRegularizer(0.05, mode)(w)` and its `tf.GradientTape` gradient, TensorFlow backend.
    #[test]
    fn keras_values_and_gradients() {
        let rows = [
            0.002_181_612_2,
            -0.002_089_015_2,
            -0.001_996_419_6,
            -0.001_840_706,
            -0.000_744_598_45,
            8.787_82e-5,
            0.002_935_525,
            0.015_547_428,
            0.006_088_494_3,
            0.001_382_261,
            0.002_147_284_6,
            -0.002_764_521,
        ];
        let columns = [
            0.001_592_256_6,
            -0.000_584_231_7,
            -0.000_239_809_5,
            0.001_616_496_4,
            -0.000_985_823_3,
            -0.001_255_890_8,
            -0.001_424_043_2,
            0.001_826_395_3,
            0.001_713_57,
            -0.000_986_645_9,
            0.003_444_374_5,
            0.002_957_399_5,
        ];
        for (vectors, value, gradient) in
            [(Vectors::Rows, 0.024_413_772, rows), (Vectors::Columns, 0.022_513_734, columns)]
        {
            let mut dw = [0.0; 12];
            let mut scratch = vec![f32::NAN; scratch_len(vectors, 4, 3)];
            let got = orthogonal(0.05, vectors, 4, 3, &W, &mut dw, &mut scratch);
            assert!((got - value).abs() < 1e-8, "{got}");
            assert_eq!(got, orthogonal(0.05, vectors, 4, 3, &W, &mut [], &mut scratch));
            for (dw, want) in dw.iter().zip(gradient) {
                assert!((dw - want).abs() < 1e-8, "{dw} {want}");
            }
        }
    }

    #[test]
    fn orthogonal_rows_and_rows_of_zeros_cost_nothing() {
        let mut dw = [0.0; 6];
        let mut scratch = vec![f32::NAN; scratch_len(Vectors::Rows, 3, 2)];
        let w = [3.0, 0.0, 0.0, -2.0, 0.0, 0.0];
        assert_eq!(orthogonal(1.0, Vectors::Rows, 3, 2, &w, &mut dw, &mut scratch), 0.0);
        assert_eq!(dw, [0.0; 6]);
    }
}
