//! 256- and 512-bit registers. Every method is one to five instructions of the set its type is named for.
//!
//! The types are only made inside functions compiled for that instruction set (`block::dispatch`), after the machine was
//! asked for it; that is the safety argument of every block below.

use super::lane::{Element, Lane};
use std::arch::x86_64::*;

/// Eight f32, AVX2 + FMA.
#[derive(Clone, Copy)]
pub(super) struct F32x8(__m256);
/// Four f64, AVX2 + FMA.
#[derive(Clone, Copy)]
pub(super) struct F64x4(__m256d);
/// Sixteen f32, AVX-512.
#[derive(Clone, Copy)]
pub(super) struct F32x16(__m512);
/// Eight f64, AVX-512.
#[derive(Clone, Copy)]
pub(super) struct F64x8(__m512d);

/// The methods that differ by name only.
macro_rules! arithmetic {
    ($element:ident, $lanes:literal, $set1:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
     $fma:ident, $min:ident, $max:ident) => {
        type Element = $element;
        const LANES: usize = $lanes;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $set1(x as $element) })
        }
        #[inline(always)]
        unsafe fn load(from: *const $element) -> Self {
            // SAFETY: the caller's promise; see the module.
            Self(unsafe { $load(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $element) {
            // SAFETY: the caller's promise; see the module.
            unsafe { $store(to, self.0) }
        }
        #[inline(always)]
        fn add(self, b: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $add(self.0, b.0) })
        }
        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $sub(self.0, b.0) })
        }
        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $mul(self.0, b.0) })
        }
        #[inline(always)]
        fn div(self, b: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $div(self.0, b.0) })
        }
        #[inline(always)]
        fn fma(self, b: Self, c: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $fma(self.0, b.0, c.0) })
        }
        // These instructions give their second argument when either is NaN.
        #[inline(always)]
        fn at_most(self, bound: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $min(bound.0, self.0) })
        }
        #[inline(always)]
        fn at_least(self, bound: Self) -> Self {
            // SAFETY: see the module.
            Self(unsafe { $max(bound.0, self.0) })
        }
    };
}

/// 2ⁿ by integer instructions on the bits.
macro_rules! exponents {
    ($element:ident, $bits:ident, $mantissa:literal, $bias:literal, $sqrt_half:literal, $set1:ident, $seti:ident, $add:ident, $sub:ident,
     $addi:ident, $subi:ident, $or:ident, $shl:ident, $shr:ident, $as_bits:ident, $as_float:ident) => {
        #[inline(always)]
        fn power_of_two(self) -> Self {
            // SAFETY: see the module.
            unsafe {
                let biased = $add(self.0, $set1((<$element>::MAGIC + $bias as f64) as $element));
                Self($as_float($shl::<$mantissa>($as_bits(biased))))
            }
        }
    };
}

/// The exponent split by integer instructions, counted from √½.
macro_rules! split {
    ($element:ident, $bits:ident, $mantissa:literal, $bias:literal, $sqrt_half:literal, $set1:ident, $seti:ident, $add:ident, $sub:ident,
     $addi:ident, $subi:ident, $or:ident, $shl:ident, $shr:ident, $as_bits:ident, $as_float:ident) => {
        #[inline(always)]
        fn split(self) -> (Self, Self) {
            const ONE_UP: $bits = ($bias + 1) << $mantissa;
            // SAFETY: see the module.
            unsafe {
                let bits = $as_bits(self.0);
                // Counted from √½, plus bias + 1 so that it is positive.
                let exponent = $shr::<$mantissa>($addi(bits, $seti(ONE_UP - $sqrt_half)));
                let m = $subi(bits, $subi($shl::<$mantissa>(exponent), $seti(ONE_UP)));
                // A whole number in the low bits of 2^mantissa.
                let scale = (1u64 << $mantissa) as $element;
                let e = $sub(
                    $as_float($or(exponent, $seti(scale.to_bits() as $bits))),
                    $set1(scale + ($bias + 1) as $element),
                );
                (Self($as_float(m)), Self(e))
            }
        }
    };
}

macro_rules! avx2 {
    ($name:ident, $vector:ident, $element:ident, [$($arithmetic:tt)*], [$($exponents:tt)*], $cmp:ident, $and:ident, $or:ident,
     $andnot:ident, $movemask:ident, $blend:ident, $set1:ident, $full:literal) => {
        impl Lane for $name {
            type Mask = $vector;
            arithmetic!($($arithmetic)*);
            exponents!($($exponents)*);
            split!($($exponents)*);

            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: see the module.
                Self(unsafe { $andnot($set1(-0.0), self.0) })
            }
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn le(self, b: Self) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $cmp::<_CMP_LE_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $and(a, b) }
            }
            #[inline(always)]
            fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $or(a, b) }
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                // SAFETY: see the module.
                unsafe { $movemask(mask) == $full }
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                // SAFETY: see the module.
                Self(unsafe { $blend(b.0, a.0, mask) })
            }
        }
    };
}

macro_rules! avx512 {
    ($name:ident, $element:ident, $mask:ident, [$($arithmetic:tt)*], [$($exponents:tt)*], $cmp:ident, $blend:ident, $abs:ident,
     $scalef:ident, $getmant:ident, $getexp:ident, $masked_add:ident, $set1:ident, [$($own:item)*]) => {
        impl Lane for $name {
            type Mask = $mask;
            arithmetic!($($arithmetic)*);
            exponents!($($exponents)*);

            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: see the module.
                Self(unsafe { $abs(self.0) })
            }
            #[inline(always)]
            fn scale(self, n: Self) -> Self {
                // SAFETY: see the module.
                Self(unsafe { $scalef(self.0, n.0) })
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                // SAFETY: see the module.
                unsafe {
                    let one = $set1(1.0);
                    let m = $getmant::<_MM_MANT_NORM_P75_1P5, _MM_MANT_SIGN_SRC>(self.0);
                    let e = $getexp(self.0);
                    (Self(m), Self($masked_add(e, $cmp::<_CMP_LT_OQ>(m, one), e, one)))
                }
            }
            $($own)*
            #[inline(always)]
            fn lt(self, b: Self) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $cmp::<_CMP_LT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn le(self, b: Self) -> Self::Mask {
                // SAFETY: see the module.
                unsafe { $cmp::<_CMP_LE_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                a & b
            }
            #[inline(always)]
            fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask {
                a | b
            }
            #[inline(always)]
            fn all(mask: Self::Mask) -> bool {
                mask == $mask::MAX
            }
            #[inline(always)]
            fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
                // SAFETY: see the module.
                Self(unsafe { $blend(mask, b.0, a.0) })
            }
        }
    };
}

avx2!(
    F32x8,
    __m256,
    f32,
    [
        f32,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_fmadd_ps,
        _mm256_min_ps,
        _mm256_max_ps
    ],
    [
        f32,
        i32,
        23,
        127,
        0x3f35_04f3,
        _mm256_set1_ps,
        _mm256_set1_epi32,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_add_epi32,
        _mm256_sub_epi32,
        _mm256_or_si256,
        _mm256_slli_epi32,
        _mm256_srli_epi32,
        _mm256_castps_si256,
        _mm256_castsi256_ps
    ],
    _mm256_cmp_ps,
    _mm256_and_ps,
    _mm256_or_ps,
    _mm256_andnot_ps,
    _mm256_movemask_ps,
    _mm256_blendv_ps,
    _mm256_set1_ps,
    0xff
);
avx2!(
    F64x4,
    __m256d,
    f64,
    [
        f64,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd,
        _mm256_div_pd,
        _mm256_fmadd_pd,
        _mm256_min_pd,
        _mm256_max_pd
    ],
    [
        f64,
        i64,
        52,
        1023,
        0x3fe6_a09e_667f_3bcd,
        _mm256_set1_pd,
        _mm256_set1_epi64x,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_add_epi64,
        _mm256_sub_epi64,
        _mm256_or_si256,
        _mm256_slli_epi64,
        _mm256_srli_epi64,
        _mm256_castpd_si256,
        _mm256_castsi256_pd
    ],
    _mm256_cmp_pd,
    _mm256_and_pd,
    _mm256_or_pd,
    _mm256_andnot_pd,
    _mm256_movemask_pd,
    _mm256_blendv_pd,
    _mm256_set1_pd,
    0xf
);
avx512!(
    F32x16,
    f32,
    __mmask16,
    [
        f32,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_fmadd_ps,
        _mm512_min_ps,
        _mm512_max_ps
    ],
    [
        f32,
        i32,
        23,
        127,
        0x3f35_04f3,
        _mm512_set1_ps,
        _mm512_set1_epi32,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_add_epi32,
        _mm512_sub_epi32,
        _mm512_or_si512,
        _mm512_slli_epi32,
        _mm512_srli_epi32,
        _mm512_castps_si512,
        _mm512_castsi512_ps
    ],
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_abs_ps,
    _mm512_scalef_ps,
    _mm512_getmant_ps,
    _mm512_getexp_ps,
    _mm512_mask_add_ps,
    _mm512_set1_ps,
    [
        #[inline(always)]
        fn lookup(self, table: &[f32; 32]) -> Option<Self> {
            // SAFETY: the table holds two registers; see the module.
            unsafe {
                let (low, high) = (_mm512_loadu_ps(table.as_ptr()), _mm512_loadu_ps(table.as_ptr().add(16)));
                Some(Self(_mm512_permutex2var_ps(low, _mm512_cvtps_epi32(self.0), high)))
            }
        }
    ]
);
avx512!(
    F64x8,
    f64,
    __mmask8,
    [
        f64,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_mul_pd,
        _mm512_div_pd,
        _mm512_fmadd_pd,
        _mm512_min_pd,
        _mm512_max_pd
    ],
    [
        f64,
        i64,
        52,
        1023,
        0x3fe6_a09e_667f_3bcd,
        _mm512_set1_pd,
        _mm512_set1_epi64,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_add_epi64,
        _mm512_sub_epi64,
        _mm512_or_si512,
        _mm512_slli_epi64,
        _mm512_srli_epi64,
        _mm512_castpd_si512,
        _mm512_castsi512_pd
    ],
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_abs_pd,
    _mm512_scalef_pd,
    _mm512_getmant_pd,
    _mm512_getexp_pd,
    _mm512_mask_add_pd,
    _mm512_set1_pd,
    []
);
