//! The two number types kernels are compiled for.

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`.
pub trait Real:
    sealed::Sealed + Copy + Default + PartialOrd + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// Whether this is `f64`.
    const DOUBLE: bool;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Sums of squares between these two were neither rounded to 0 nor overflowed.
    const SAFE_SQUARES: (Self, Self);

    /// Rounds.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// self + other
    fn plus(self, other: Self) -> Self;
    /// self · other
    fn times(self, other: Self) -> Self;
    /// √self
    fn root(self) -> Self;
}

macro_rules! real {
    ($type:ty, $double:literal, $squares:expr) => {
        impl Real for $type {
            const DOUBLE: bool = $double;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const SAFE_SQUARES: (Self, Self) = $squares;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $type
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self * other
            }

            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
        }
    };
}

real!(f32, false, (1e-25, 1e37));
real!(f64, true, (1e-280, 1e300));
