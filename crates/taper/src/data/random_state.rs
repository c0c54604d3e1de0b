//! NumPy's legacy generator, draw for draw.

use rand_mt::Mt;

/// NumPy's `RandomState(seed)`: the same seed and the same calls in the same order give the same numbers.
///
/// It exists to reproduce data sets and splits made with NumPy and scikit-learn. Weights, dropout and the order of
/// batches come from elsewhere. NumPy keeps this generator frozen ("legacy"), so its streams do not move.
///
/// One `RandomState` is one stream: each call continues where the last one stopped. Normal numbers are made in pairs,
/// and the second one is kept for the next call, whatever is drawn in between.
///
/// Methods give one number; NumPy's `size=n` is `n` calls.
///
/// # Panics
///
/// Arguments here come from programs, not from users: where one makes no sense, the method panics and says so.
///
/// # Source
///
/// NumPy 2.4: `numpy/random/mtrand.pyx`, `src/legacy/legacy-distributions.c`, `src/distributions/distributions.c`.
/// The generator is MT19937: Matsumoto and Nishimura, "Mersenne twister", ACM TOMACS 8(1), 1998.
///
/// # Example
///
/// ```
/// use taper::data::RandomState;
///
/// let mut random = RandomState::new(1);
/// // >>> np.random.RandomState(1).normal()
/// assert_eq!(random.standard_normal(), 1.6243453636632417);
/// ```
#[derive(Debug, Clone)]
pub struct RandomState {
    twister: Mt,
    /// The second number of the last pair of normals, if nobody took it yet.
    spare_normal: Option<f64>,
}

impl RandomState {
    /// The stream of `numpy.random.RandomState(seed)`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(7).next_u32(), RandomState::new(7).next_u32());
    /// ```
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { twister: Mt::new(seed), spare_normal: None }
    }

    /// 32 random bits: `randint(0, 2**32, dtype=np.uint32)`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).next_u32(), 1_791_095_845);
    /// ```
    pub fn next_u32(&mut self) -> u32 {
        self.twister.next_u32()
    }

    /// 64 random bits: two draws of 32, the first one is the upper half.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).next_u64() >> 32, 1_791_095_845);
    /// ```
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        let low = u64::from(self.next_u32());
        high << 32 | low
    }

    /// A number from `[0, 1)`, a multiple of 2⁻⁵³: `random_sample()`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).random_sample(), 0.417022004702574);
    /// ```
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// A number from `[low, high)`: `uniform(low, high)`.
    ///
    /// # Panics
    ///
    /// If `high - low` is not a finite number.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).uniform(-10.0, 10.0), -1.6595599059485195);
    /// ```
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let range = high - low;
        assert!(range.is_finite(), "uniform needs a finite range, got {low} to {high}");
        low + range * self.random_sample()
    }

    /// A number with mean 0 and standard deviation 1: `standard_normal()`.
    ///
    /// Marsaglia's polar method: a point `(a, b)` in the unit disc, r² = a² + b², gives the pair
    /// `b √(-2 ln r² / r²)` and `a √(-2 ln r² / r²)`. Numbers beyond ±12.1 cannot occur.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// let mut random = RandomState::new(42);
    /// assert_eq!(random.standard_normal(), 0.4967141530112327);
    /// assert_eq!(random.standard_normal(), -0.13826430117118466);
    /// ```
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let a = 2.0 * self.random_sample() - 1.0;
            let b = 2.0 * self.random_sample() - 1.0;
            let square = a * a + b * b;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare_normal = Some(factor * a);
                return factor * b;
            }
        }
    }

    /// A number with mean `loc` and standard deviation `scale`: `normal(loc, scale)`.
    ///
    /// With `scale` 0 this is `loc`, but the stream moves on all the same, as NumPy's does.
    ///
    /// # Panics
    ///
    /// If `scale` is negative or NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).normal(3.0, 0.25), 3.4060863409158104);
    /// ```
    pub fn normal(&mut self, loc: f64, scale: f64) -> f64 {
        assert!(scale >= 0.0, "normal needs a standard deviation of at least 0, got {scale}");
        loc + scale * self.standard_normal()
    }

    /// A number with density `exp(-x)`: `standard_exponential()`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).standard_exponential(), 0.5396058372591854);
    /// ```
    pub fn standard_exponential(&mut self) -> f64 {
        // Not ln_1p: NumPy keeps this spelling, and with it the bits.
        -(1.0 - self.random_sample()).ln()
    }

    /// A number with mean `scale`, density `exp(-x / scale) / scale`: `exponential(scale)`.
    ///
    /// # Panics
    ///
    /// If `scale` is negative or NaN.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).exponential(2.0), 2.0 * 0.5396058372591854);
    /// ```
    pub fn exponential(&mut self, scale: f64) -> f64 {
        assert!(scale >= 0.0, "exponential needs a mean of at least 0, got {scale}");
        scale * self.standard_exponential()
    }

    /// A whole number from `low` up to, not including, `high`: `randint(low, high)` with NumPy's default 64-bit type.
    ///
    /// # Panics
    ///
    /// If `low` is not less than `high`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// let mut random = RandomState::new(1);
    /// let dice: Vec<i64> = (0..5).map(|_| random.randint(1, 7)).collect();
    /// assert_eq!(dice, [6, 4, 5, 1, 2]);
    /// ```
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "randint needs low < high, got {low} and {high}");
        let last = high.wrapping_sub(low).cast_unsigned() - 1;
        low.wrapping_add(self.up_to(last).cast_signed())
    }

    /// Puts `values` into random order: `shuffle(values)`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// let mut values = ["a", "b", "c", "d", "e"];
    /// RandomState::new(1).shuffle(&mut values);
    /// assert_eq!(values, ["c", "b", "e", "a", "d"]);
    /// ```
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.index_up_to(last));
        }
    }

    /// Puts the rows of a table into random order; each row keeps its own order. `shuffle(values)` of an array of shape
    /// (`values.len() / width`, `width`).
    ///
    /// # Panics
    ///
    /// If `values.len()` is not a multiple of `width`, or `width` is 0.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// let mut table = [0, 1, 10, 11, 20, 21, 30, 31, 40, 41];
    /// RandomState::new(1).shuffle_rows(&mut table, 2);
    /// assert_eq!(table, [20, 21, 10, 11, 40, 41, 0, 1, 30, 31]);
    /// ```
    pub fn shuffle_rows<T>(&mut self, values: &mut [T], width: usize) {
        assert!(
            width > 0 && values.len().is_multiple_of(width),
            "shuffle_rows needs whole rows, got {} values in rows of {width}",
            values.len()
        );
        for last in (1..values.len() / width).rev() {
            let other = self.index_up_to(last);
            if other != last {
                let (front, back) = values.split_at_mut(last * width);
                front[other * width..(other + 1) * width].swap_with_slice(&mut back[..width]);
            }
        }
    }

    /// The numbers `0..n` in random order: `permutation(n)`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).permutation(5), [2, 1, 4, 0, 3]);
    /// ```
    #[must_use]
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// `k` different numbers of `0..n`, in random order: `choice(n, k, replace=False)`.
    ///
    /// # Panics
    ///
    /// If `k` is greater than `n`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::RandomState;
    ///
    /// assert_eq!(RandomState::new(1).choice_without_replacement(5, 2), [2, 1]);
    /// ```
    #[must_use]
    pub fn choice_without_replacement(&mut self, n: usize, k: usize) -> Vec<usize> {
        assert!(k <= n, "choice_without_replacement needs k <= n, got {k} of {n}");
        // NumPy shuffles everything, however few are wanted; the stream would part from its otherwise.
        let mut order = self.permutation(n);
        order.truncate(k);
        order
    }

    /// A number from `0..=last`, each equally likely: bits beyond the highest of `last` are cut off, and what is still
    /// too large is thrown away. `last` = 0 draws nothing.
    fn up_to(&mut self, last: u64) -> u64 {
        let Some(unused_bits) = last.checked_ilog2().map(|highest| 63 - highest) else {
            return 0;
        };
        let mask = u64::MAX >> unused_bits;
        loop {
            let bits = if last <= u64::from(u32::MAX) { u64::from(self.next_u32()) } else { self.next_u64() };
            if bits & mask <= last {
                return bits & mask;
            }
        }
    }

    /// [`up_to`](Self::up_to) for indices.
    fn index_up_to(&mut self, last: usize) -> usize {
        // Neither cast can lose bits: usize has at most 64, and the result is at most `last`.
        self.up_to(last as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_of_one_number_draws_nothing() {
        let mut random = RandomState::new(3);
        assert_eq!(random.randint(5, 6), 5);
        assert_eq!(random.next_u32(), RandomState::new(3).next_u32());
    }

    #[test]
    #[should_panic(expected = "randint needs low < high, got 2 and 2")]
    fn an_empty_range_is_refused() {
        RandomState::new(1).randint(2, 2);
    }

    proptest! {
        #[test]
        fn randint_stays_in_its_range(seed: u32, a: i64, b: i64) {
            prop_assume!(a != b);
            let (low, high) = (a.min(b), a.max(b));
            let number = RandomState::new(seed).randint(low, high);
            prop_assert!(low <= number && number < high);
        }

        #[test]
        fn random_sample_is_a_multiple_of_two_to_the_minus_53_below_one(seed: u32) {
            let number = RandomState::new(seed).random_sample();
            prop_assert!((0.0..1.0).contains(&number));
            prop_assert_eq!((number * 2f64.powi(53)).fract(), 0.0);
        }

        #[test]
        fn permutation_has_every_index_once(seed: u32, n in 0usize..200) {
            let mut order = RandomState::new(seed).permutation(n);
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }

        #[test]
        fn rows_are_shuffled_as_single_values_are(seed: u32, rows in 0usize..50, width in 1usize..5) {
            let mut table: Vec<usize> = (0..rows * width).collect();
            RandomState::new(seed).shuffle_rows(&mut table, width);
            let order = RandomState::new(seed).permutation(rows);
            let gathered: Vec<usize> = order.iter().flat_map(|row| row * width..(row + 1) * width).collect();
            prop_assert_eq!(table, gathered);
        }

        #[test]
        fn choice_is_the_start_of_the_permutation(seed: u32, n in 0usize..100, share in 0.0..=1.0) {
            let k = (n as f64 * share) as usize;
            let chosen = RandomState::new(seed).choice_without_replacement(n, k);
            prop_assert_eq!(&chosen[..], &RandomState::new(seed).permutation(n)[..k]);
        }
    }
}
