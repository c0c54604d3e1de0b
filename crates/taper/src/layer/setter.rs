//! The methods by which settings are written one after the other, for the settings that many layers have.

/// Gives a layer the methods of these settings: `setters! { Dense: activation, kernel_regularizer }`, or `Conv<E>: …` for one over
/// sequences and over images.
macro_rules! setters {
    ($config:ident: $($name:ident),+ $(,)?) => {
        impl $config {
            $($crate::layer::setter::setter! { $name })+
        }
    };
    ($config:ident<E>: $($name:ident),+ $(,)?) => {
        impl<E: $crate::Extent> $config<E> {
            $($crate::layer::setter::setter! { $name })+
        }
    };
}
pub(super) use setters;

/// The method of one setting.
macro_rules! setter {
    (activation) => {
        /// With this activation function.
        #[must_use]
        pub fn activation(mut self, activation: $crate::Activation) -> Self {
            self.activation = activation;
            self
        }
    };
    (strides) => {
        /// With these steps between outputs.
        #[must_use]
        pub fn strides(mut self, strides: impl $crate::IntoExtent<E>) -> Self {
            // Where strides may be left out, into a `Some`.
            self.strides = strides.into_extent().into();
            self
        }
    };
    (padding) => {
        /// With this padding.
        #[must_use]
        pub fn padding(mut self, padding: $crate::Padding) -> Self {
            self.padding = padding;
            self
        }
    };
    (depth_multiplier) => {
        /// With so many kernels per input channel.
        #[must_use]
        pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Self {
            self.depth_multiplier = depth_multiplier;
            self
        }
    };
    (kernel_regularizer) => {
        $crate::layer::setter::setter! { kernel_regularizer, "With this penalty on the kernel." }
    };
    (recurrent_regularizer) => {
        $crate::layer::setter::setter! { recurrent_regularizer, "With this penalty on the recurrent kernel." }
    };
    (depthwise_regularizer) => {
        $crate::layer::setter::setter! { depthwise_regularizer, "With this penalty on the depthwise kernel." }
    };
    (pointwise_regularizer) => {
        $crate::layer::setter::setter! { pointwise_regularizer, "With this penalty on the pointwise kernel." }
    };
    (bias_regularizer) => {
        $crate::layer::setter::setter! { bias_regularizer, "With this penalty on the bias." }
    };
    ($penalty:ident, $doc:literal) => {
        #[doc = $doc]
        #[must_use]
        pub fn $penalty(mut self, regularizer: $crate::Regularizer) -> Self {
            self.$penalty = Some(regularizer);
            self
        }
    };
}
pub(super) use setter;
