//! Sliding windows as the user writes them down.

use serde::{Deserialize, Serialize};
use taper_kernels::window::Axis;

use super::extent::{Extent, Pair};
use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

/// What a window does at the edge of its input. With span = (size - 1)·dilation + 1:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// It stays inside: ⌊(input - span) / stride⌋ + 1 outputs.
    #[default]
    Valid,
    /// ⌈input / stride⌉ outputs, the padding half before and half (the larger one) after, as in TensorFlow.
    Same,
    /// All padding before, so that no output sees what comes later. Only for `conv1d`.
    Causal,
}

/// A window that slides over an input, before its sizes are checked.
#[derive(Debug)]
pub(crate) struct Window<E> {
    /// What the user calls its size: `kernel_size` or `pool_size`.
    pub(crate) place: &'static str,
    pub(crate) size: E,
    pub(crate) strides: E,
    pub(crate) dilation_rate: E,
    pub(crate) padding: Padding,
}

/// The largest stride.
const LARGEST: usize = i32::MAX as usize;

impl<E: Extent> Window<E> {
    /// Its rows and columns over an input, and the input's channels.
    pub(crate) fn over(&self, input: &Shape) -> Result<(Axis, Axis, usize)> {
        let (input, channels) = E::of_input(input)?;
        self.check()?;
        let make = match self.padding {
            Padding::Valid => Axis::valid,
            Padding::Same => Axis::same,
            Padding::Causal => Axis::causal,
        };
        let (input, [size, strides, dilation]) = (input.over_image(1), self.over_image());
        let rows = make(input.height, size.height, strides.height, dilation.height);
        let columns = make(input.width, size.width, strides.width, dilation.width);
        self.fitting(rows.zip(columns), input, channels)
    }

    /// The convolution that this window's transposed convolution is the backward pass of, where the output has so much more at its
    /// end.
    pub(crate) fn transposed(&self, input: &Shape, more: Option<E>) -> Result<(Axis, Axis, usize)> {
        let (input, channels) = E::of_input(input)?;
        self.check()?;
        let (input, [size, strides, dilation]) = (input.over_image(1), self.over_image());
        // One row becomes one, whatever the padding.
        let more = more.map(|more| more.over_image(0));
        if let Some(more) = more {
            let less = more.height < strides.height && more.width < strides.width;
            let mut complaints = Complaints::new();
            let expected = format!("less than the strides {strides}");
            complaints.check(less, "output_padding", expected, more);
            // The window would come to one output less than there are.
            let short =
                |size: usize, dilation: usize, more: usize| size.is_multiple_of(2) && dilation % 2 == 1 && more == 0;
            let short =
                short(size.height, dilation.height, more.height) || short(size.width, dilation.width, more.width);
            let expected = "at least 1 where the window spans an even number and the padding is `same`";
            complaints.check(!short || self.padding != Padding::Same, "output_padding", expected, more);
            complaints.finish()?;
        }
        let make = match self.padding {
            Padding::Same => Axis::transposed_same,
            Padding::Valid | Padding::Causal => Axis::transposed_valid,
        };
        let rows = make(input.height, size.height, strides.height, dilation.height, more.map(|more| more.height));
        let columns = make(input.width, size.width, strides.width, dilation.width, more.map(|more| more.width));
        self.fitting(rows.zip(columns), input, channels)
    }

    /// Size, strides and dilation rate; over a sequence, those of a window over an image of height 1.
    fn over_image(&self) -> [Pair; 3] {
        [self.size, self.strides, self.dilation_rate].map(|extent| extent.over_image(1))
    }

    fn fitting(&self, axes: Option<(Axis, Axis)>, input: Pair, channels: usize) -> Result<(Axis, Axis, usize)> {
        let Some((rows, columns)) = axes else {
            let Pair { height, width } = input;
            let expected = format!("a window that fits an input of height {height} and width {width}");
            let [size, _, dilation] = self.over_image();
            let mut got = size.to_string();
            if dilation != Pair::once() {
                got.push_str(&format!(" with a dilation rate of {dilation}"));
            }
            return Err(Complaint::new(self.place, expected, got).into());
        };
        // A stride beyond every input fits, but its product with the channels would not be countable.
        let [_, strides, _] = self.over_image();
        let mut complaints = Complaints::new();
        let countable = strides.height <= LARGEST && strides.width <= LARGEST;
        complaints.check(countable, "strides", format_args!("whole numbers of at most {LARGEST}"), strides);
        complaints.finish()?;
        Ok((rows, columns, channels))
    }

    fn check(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        for (place, pair) in [self.place, "strides", "dilation_rate"].into_iter().zip(self.over_image()) {
            let positive = pair.height > 0 && pair.width > 0;
            complaints.check(positive, place, "whole numbers of at least 1", pair);
        }
        complaints.finish()
    }

    /// Keras's rule for convolutions: gaps between outputs or gaps between taps, not both.
    pub(crate) fn check_either_stride_or_dilation(&self) -> Result<()> {
        let more = |pair: Pair| pair.height > 1 || pair.width > 1;
        let [_, strides, dilation] = self.over_image();
        if more(strides) && more(dilation) {
            let expected = format!("1 where strides are greater than 1 ({strides})");
            return Err(Complaint::new("dilation_rate", expected, dilation).into());
        }
        Ok(())
    }

    /// Refuses what only `conv1d` can do.
    pub(crate) fn check_not_causal(&self) -> Result<()> {
        match self.padding {
            Padding::Causal => Err(Complaint::new("padding", "one of valid, same", "`causal`").into()),
            _ => Ok(()),
        }
    }
}
