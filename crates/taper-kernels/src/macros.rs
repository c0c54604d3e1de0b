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

pub(crate) use kernel;
