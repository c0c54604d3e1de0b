//! How a kernel is written down.

/// Declares a kernel: a function whose body is compiled for every instruction set.
///
/// Inside, `$simd` is the instruction set ([`pulp::Simd`]) and `S` its type; borrowed arguments have the lifetime `'a`. A
/// kernel may have type parameters in `<>` and one constant in `[]`.
macro_rules! kernel {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$($generic:ident: $bound:path),+>)? $([const $n:ident])?
        ($simd:ident: S $(, $arg:ident: $ty:ty)* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name<'a $(, $($generic: $bound),+)? $(, const $n: usize)?>($($arg: $ty),*) $(-> $ret)? {
            struct Op<'a $(, $($generic: $bound),+)? $(, const $n: usize)?> {
                $($arg: $ty,)*
                lifetime: core::marker::PhantomData<&'a ()>,
            }
            impl<'a $(, $($generic: $bound),+)? $(, const $n: usize)?> pulp::WithSimd for Op<'a $(, $($generic),+)? $(, $n)?> {
                type Output = $crate::macros::kernel!(@output $($ret)?);
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, $simd: S) -> Self::Output {
                    let Self { $($arg,)* lifetime: _ } = self;
                    $body
                }
            }
            $crate::isa::run(Op::<$($($generic,)+)? $($n)?> { $($arg,)* lifetime: core::marker::PhantomData })
        }
    };
    (@output) => { () };
    (@output $ret:ty) => { $ret };
}

/// Repeats a block for `$i` = 0, 1, ... below `$n`, a constant of at most 12, written out rather than looped over.
///
/// Sums that are kept in registers stand in arrays. The compiler moves an array to registers before it unrolls long loops, and only where
/// every index is a constant by then: an array that a loop of twelve turns runs over stays in memory.
macro_rules! unrolled {
    ($i:ident in 0..$n:ident $block:block) => {
        $crate::macros::unrolled!(@each $i, $n, $block, 0 1 2 3 4 5 6 7 8 9 10 11);
    };
    (@each $i:ident, $n:ident, $block:block, $($number:literal)+) => {
        const { assert!($n <= 12) };
        $({
            #[allow(non_upper_case_globals)] // it stands for a loop's variable
            const $i: usize = $number;
            if $i < $n $block
        })+
    };
}

pub(crate) use {kernel, unrolled};
