//! The geometry of sliding windows: which inputs lie under which output.

use core::ops::Range;

/// One direction of a sliding window. Output `o` looks at the inputs `o·stride + k·dilation - before` for `k < kernel`, as far
/// as they exist; the rest is padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Inputs.
    pub input: usize,
    /// Outputs.
    pub output: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// How far the window moves from one output to the next.
    pub stride: usize,
    /// How far apart its taps are.
    pub dilation: usize,
    /// Padding before the first input.
    pub before: usize,
}

/// More inputs under one window than this are refused, so that no sum here can overflow.
const MOST: usize = 1 << 40;

impl Axis {
    /// The only position of a direction that is not there.
    pub const ONE: Self = Self { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0 };

    /// Without padding: ⌊(input - span) / stride⌋ + 1 outputs, span = (kernel - 1)·dilation + 1. `None` if the window does
    /// not fit, or a size is 0.
    #[must_use]
    pub fn valid(input: usize, kernel: usize, stride: usize, dilation: usize) -> Option<Self> {
        let span = span(kernel, dilation)?;
        let output = input.checked_sub(span)?.checked_div(stride)? + 1;
        Some(Self { input, output, kernel, stride, dilation, before: 0 })
    }

    /// TensorFlow's `same`: ⌈input / stride⌉ outputs, half of the padding before and the larger half after. `None` if a size
    /// is 0.
    #[must_use]
    pub fn same(input: usize, kernel: usize, stride: usize, dilation: usize) -> Option<Self> {
        let span = span(kernel, dilation)?;
        if input == 0 || stride == 0 {
            return None;
        }
        let output = input.div_ceil(stride);
        let padding = ((output - 1) * stride + span).saturating_sub(input);
        Some(Self { input, output, kernel, stride, dilation, before: padding / 2 })
    }

    /// All padding before: no output looks at later inputs. `None` if a size is 0.
    #[must_use]
    pub fn causal(input: usize, kernel: usize, stride: usize, dilation: usize) -> Option<Self> {
        let span = span(kernel, dilation)?;
        if input == 0 || stride == 0 {
            return None;
        }
        Some(Self { input, output: input.div_ceil(stride), kernel, stride, dilation, before: span - 1 })
    }

    /// The convolution whose backward pass is a transposed convolution without padding: it has `output` outputs and
    /// (output - 1)·stride + span + `more` inputs, `more` (less than the stride) being max(stride - span, 0) where nothing is said.
    /// `None` if a size is 0 or there would be too many.
    #[must_use]
    pub fn transposed_valid(
        output: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        more: Option<usize>,
    ) -> Option<Self> {
        let span = span(kernel, dilation)?;
        let more = more.unwrap_or_else(|| stride.saturating_sub(span));
        let input = longest(output, stride)?.checked_add(span)?.checked_add(more)?;
        Self::valid(input, kernel, stride, dilation).filter(|axis| axis.output == output && input <= MOST)
    }

    /// The same with padding: output·stride inputs, or (output - 1)·stride + `more` and one more where the span is odd. `None` also
    /// if from so many the window would not come to `output` outputs.
    #[must_use]
    pub fn transposed_same(
        output: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        more: Option<usize>,
    ) -> Option<Self> {
        let input = match more {
            None => output.checked_mul(stride)?,
            Some(more) => longest(output, stride)?.checked_add(span(kernel, dilation)? % 2)?.checked_add(more)?,
        };
        Self::same(input, kernel, stride, dilation).filter(|axis| axis.output == output && input <= MOST)
    }

    /// The taps that lie on an input, under output `o`.
    #[must_use]
    #[inline(always)]
    pub fn taps(&self, o: usize) -> Range<usize> {
        let start = o * self.stride;
        let first = self.before.saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        let end = (self.input + self.before).saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        first..end.max(first)
    }

    /// The input under tap `k` of output `o`, for taps of [`taps`](Self::taps).
    #[must_use]
    #[inline(always)]
    pub fn at(&self, o: usize, k: usize) -> usize {
        o * self.stride + k * self.dilation - self.before
    }
}

/// From the first output to the last, in inputs.
fn longest(output: usize, stride: usize) -> Option<usize> {
    output.checked_sub(1)?.checked_mul(stride)
}

/// Inputs from the first tap to the last.
fn span(kernel: usize, dilation: usize) -> Option<usize> {
    let steps = kernel.checked_sub(1)?;
    if dilation == 0 {
        return None;
    }
    steps.checked_mul(dilation).filter(|span| *span < MOST).map(|span| span + 1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any axis of small sizes, of every padding.
    pub(crate) fn axes() -> impl Strategy<Value = Axis> {
        (1usize..9, 1usize..5, 1usize..4, 1usize..4, 0usize..7).prop_filter_map("does not fit", |sizes| {
            let (input, kernel, stride, dilation, padding) = sizes;
            match padding {
                0 => Axis::valid(input, kernel, stride, dilation),
                1 => Axis::same(input, kernel, stride, dilation),
                2 => Axis::causal(input, kernel, stride, dilation),
                3 => Axis::transposed_valid(input, kernel, stride, dilation, None),
                4 => Axis::transposed_same(input, kernel, stride, dilation, None),
                5 => Axis::transposed_valid(input, kernel, stride, dilation, Some(stride - 1)),
                _ => Axis::transposed_same(input, kernel, stride, dilation, Some(stride - 1)),
            }
        })
    }

    proptest! {
        #[test]
        fn taps_are_those_that_lie_on_an_input(axis in axes()) {
            for o in 0..axis.output {
                let expected: Vec<usize> = (0..axis.kernel)
                    .filter(|k| (axis.before..axis.before + axis.input).contains(&(o * axis.stride + k * axis.dilation)))
                    .collect();
                prop_assert_eq!(axis.taps(o).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn the_larger_half_of_the_padding_is_after() {
        let axis = Axis::same(8, 4, 1, 1).unwrap();
        assert_eq!((axis.output, axis.before), (8, 1));
        let axis = Axis::same(8, 3, 2, 1).unwrap();
        assert_eq!((axis.output, axis.before), (4, 0));
        assert_eq!(Axis::same(5, 2, 3, 1).unwrap().taps(1), 0..2);
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        assert_eq!(Axis::valid(3, 4, 1, 1), None);
        assert_eq!(Axis::valid(3, 0, 1, 1), None);
        assert_eq!(Axis::same(3, 1, 0, 1), None);
        assert_eq!(Axis::same(3, 2, 1, usize::MAX), None);
        assert_eq!(Axis::causal(3, usize::MAX, 1, usize::MAX), None);
        assert_eq!(Axis::transposed_same(1 << 30, 1, 1 << 30, 1, None), None);
        assert_eq!(Axis::transposed_valid(usize::MAX, 1, 2, 1, None), None);
    }

    #[test]
    fn transposed_sizes_are_those_of_keras() {
        assert_eq!(Axis::transposed_valid(4, 3, 2, 1, None).unwrap().input, 9);
        assert_eq!(Axis::transposed_valid(4, 2, 3, 1, None).unwrap().input, 12);
        assert_eq!(Axis::transposed_same(4, 3, 2, 1, None).unwrap().input, 8);
        assert_eq!(Axis::transposed_valid(4, 2, 3, 1, Some(0)).unwrap().input, 11);
        assert_eq!(Axis::transposed_same(4, 3, 2, 1, Some(0)).unwrap().input, 7);
        assert_eq!(Axis::transposed_same(4, 2, 2, 1, Some(1)).unwrap().input, 7);
        // TensorFlow refuses these too: from so few, the window comes to one output less.
        assert_eq!(Axis::transposed_same(4, 2, 2, 1, Some(0)), None);
    }
}
