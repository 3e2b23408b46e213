//! What a vector register can do, and the portable one.

/// A register of `LANES` numbers. Comparisons with NaN are false.
pub(super) trait Lane: Copy {
    /// The number type.
    type Element: Element;
    /// One truth value a lane.
    type Mask: Copy;
    /// Numbers in a register.
    const LANES: usize;

    /// The same number in each lane, rounded to the number type.
    fn splat(x: f64) -> Self;
    /// # Safety
    /// `from` is valid for `LANES` elements; no alignment is needed.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// # Safety
    /// `to` is valid for `LANES` elements; no alignment is needed.
    unsafe fn store(self, to: *mut Self::Element);
    /// self + b
    fn add(self, b: Self) -> Self;
    /// self − b
    fn sub(self, b: Self) -> Self;
    /// self · b
    fn mul(self, b: Self) -> Self;
    /// self / b
    fn div(self, b: Self) -> Self;
    /// self · b + c, with one rounding where the machine has it.
    fn fma(self, b: Self, c: Self) -> Self;
    /// |self|
    fn abs(self) -> Self;
    /// self < b
    fn lt(self, b: Self) -> Self::Mask;
    /// self ≤ b
    fn le(self, b: Self) -> Self::Mask;
    /// Both.
    fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Either.
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Whether all lanes are true.
    fn all(mask: Self::Mask) -> bool;
    /// a where true, else b.
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self;
    /// 2ⁿ for a whole n in the range of normal exponents.
    fn power_of_two(self) -> Self;
    /// (m, e) with self = m·2ᵉ and m in [0.7, 1.5), for a positive normal number.
    fn split(self) -> (Self, Self);
    /// The smaller of self and the bound; NaN stays.
    fn at_most(self, bound: Self) -> Self;
    /// The larger of self and the bound; NaN stays.
    fn at_least(self, bound: Self) -> Self;

    /// self·2ⁿ for a whole n, rounded once or, where the result is subnormal, twice.
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        let half = n.mul(Self::splat(0.5)).round();
        self.mul(half.power_of_two()).mul(n.sub(half).power_of_two())
    }

    /// The entries that whole lanes in 0..32 name, where the machine has them in one instruction.
    #[inline(always)]
    fn lookup(self, _table: &[f32; 32]) -> Option<Self> {
        None
    }

    /// −self
    #[inline(always)]
    fn neg(self) -> Self {
        Self::splat(-0.0).sub(self)
    }

    /// The nearest whole number, for |self| below 2²² (f32) or 2⁵¹ (f64): adding and subtracting 1.5·2^(mantissa bits).
    #[inline(always)]
    fn round(self) -> Self {
        let magic = Self::splat(Self::Element::MAGIC);
        self.add(magic).sub(magic)
    }
}

/// `f32` or `f64`.
pub(super) trait Element: Copy + PartialEq + std::fmt::Debug + 'static {
    /// 1.5·2^(mantissa bits)
    const MAGIC: f64;
    /// Whether this is `f64`.
    const DOUBLE: bool;
    /// The portable register.
    type Portable: Lane<Element = Self>;
    /// 256 bits.
    type Avx2: Lane<Element = Self>;
    /// 512 bits.
    type Avx512: Lane<Element = Self>;
    /// Rounds.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
}

/// Exponent bias added to the magic number so that its low bits hold a biased exponent.
macro_rules! portable {
    ($element:ident, $bits:ident, $lanes:literal, $mantissa:literal, $bias:literal, $sqrt_half:literal) => {
        impl Lane for [$element; $lanes] {
            type Element = $element;
            type Mask = [bool; $lanes];
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(x: f64) -> Self {
                [x as $element; $lanes]
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller's promise; an array of elements needs no more alignment than one.
                unsafe { from.cast::<Self>().read() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: as in `load`.
                unsafe { to.cast::<Self>().write(self) }
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                std::array::from_fn(|i| self[i] + b[i])
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                std::array::from_fn(|i| self[i] - b[i])
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                std::array::from_fn(|i| self[i] * b[i])
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                std::array::from_fn(|i| self[i] / b[i])
            }
            #[inline(always)]
            fn fma(self, b: Self, c: Self) -> Self {
                std::array::from_fn(|i| self[i] * b[i] + c[i])
            }
            #[inline(always)]
            fn abs(self) -> Self {
                std::array::from_fn(|i| self[i].abs())
            }
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                std::array::from_fn(|i| self[i] < b[i])
            }
            #[inline(always)]
            fn le(self, b: Self) -> Self::Mask {
                std::array::from_fn(|i| self[i] <= b[i])
            }
            #[inline(always)]
            fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                std::array::from_fn(|i| a[i] & b[i])
            }
            #[inline(always)]
            fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                std::array::from_fn(|i| a[i] | b[i])
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                mask == [true; $lanes]
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                std::array::from_fn(|i| if mask[i] { a[i] } else { b[i] })
            }
            #[inline(always)]
            fn at_most(self, bound: Self) -> Self {
                std::array::from_fn(|i| if bound[i] < self[i] { bound[i] } else { self[i] })
            }
            #[inline(always)]
            fn at_least(self, bound: Self) -> Self {
                std::array::from_fn(|i| if self[i] < bound[i] { bound[i] } else { self[i] })
            }
            #[inline(always)]
            fn power_of_two(self) -> Self {
                std::array::from_fn(|i| {
                    let biased = self[i] + (<$element>::MAGIC + f64::from($bias)) as $element;
                    $element::from_bits(biased.to_bits() << $mantissa)
                })
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                // Offset so that the exponent field counts from √½ and stays positive.
                const OFFSET: $bits = (($bias + 1) << $mantissa) - $sqrt_half;
                let exponent: [$bits; $lanes] =
                    std::array::from_fn(|i| self[i].to_bits().wrapping_add(OFFSET) >> $mantissa);
                let m = std::array::from_fn(|i| {
                    $element::from_bits(
                        self[i].to_bits().wrapping_sub((exponent[i].wrapping_sub($bias + 1)) << $mantissa),
                    )
                });
                let e = std::array::from_fn(|i| exponent[i] as $element - ($bias + 1) as $element);
                (m, e)
            }
        }
    };
}

portable!(f32, u32, 4, 23, 127, 0x3f35_04f3);
portable!(f64, u64, 2, 52, 1023, 0x3fe6_a09e_667f_3bcd);

macro_rules! element {
    ($element:ident, $double:literal, $magic:literal, $lanes:literal, $avx2:ident, $avx512:ident) => {
        impl Element for $element {
            const MAGIC: f64 = $magic;
            const DOUBLE: bool = $double;
            type Portable = [$element; $lanes];
            #[cfg(target_arch = "x86_64")]
            type Avx2 = super::x86::$avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = super::x86::$avx512;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx2 = [$element; $lanes];
            #[cfg(not(target_arch = "x86_64"))]
            type Avx512 = [$element; $lanes];
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $element
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }
    };
}

element!(f32, false, 12_582_912.0, 4, F32x8, F32x16);
element!(f64, true, 6_755_399_441_055_744.0, 2, F64x4, F64x8);
