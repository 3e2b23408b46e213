//! Elementary functions over contiguous buffers, written once and compiled for three instruction sets.
//!
//! Each function is a branch-free scalar body; the loops around it are vectorised by the compiler for AVX-512, AVX2 with
//! FMA, or the baseline, and the widest that the machine has is picked at each call. Series are Taylor's, long enough that
//! the first term left out is below a quarter of an ulp. The tests measure the errors.
#![allow(unsafe_code)]

use super::math::Level;

macro_rules! elementary {
    ($module:ident, $float:ident, $int:ident, $bits:ident, mantissa $mantissa:literal, bias $bias:literal,
     magic $magic:literal, ln2 $ln2_high:literal $ln2_low:literal, range $lowest:literal $highest:literal,
     sqrt_half $sqrt_half:literal, tiny $tiny:literal $tiny_log2:literal, factorials [$($factorial:literal)*],
     log [$($log_odd:literal)*], log1p [$($log1p_odd:literal)*]) => {
        mod $module {
            const MAGIC: $float = $magic;

            /// a·b + c, rounded once where the machine does that in one instruction.
            #[inline(always)]
            fn fma<const FMA: bool>(a: $float, b: $float, c: $float) -> $float {
                if FMA { a.mul_add(b, c) } else { a * b + c }
            }

            /// 2ⁿ for n in the range of normal exponents.
            #[inline(always)]
            fn power_of_two(n: $int) -> $float {
                $float::from_bits((n.wrapping_add($bias) << $mantissa) as $bits)
            }

            /// n = round(x/log 2), r = x − n·log 2 in two parts, Σ rⁱ/i!, times 2ⁿ in two steps (subnormal results).
            #[inline(always)]
            pub fn exp<const FMA: bool>(x: $float) -> $float {
                let x = if x < $lowest { $lowest } else { x };
                let x = if x > $highest { $highest } else { x };
                let shifted = fma::<FMA>(x, std::$float::consts::LOG2_E, MAGIC);
                let n = shifted - MAGIC;
                let power = (shifted.to_bits() as $int).wrapping_sub(MAGIC.to_bits() as $int);
                let r = fma::<FMA>(n, -$ln2_low, fma::<FMA>(n, -$ln2_high, x));
                let mut series: $float = 0.0;
                $( series = fma::<FMA>(series, r, 1.0 / $factorial); )*
                let series = fma::<FMA>(series * r, r, r) + 1.0;
                let half = power >> 1;
                series * power_of_two(half) * power_of_two(power.wrapping_sub(half))
            }

            /// log(1 + f) = 2·atanh s with s = f/(2 + f), written f − s·(f − 2s²·(1/3 + s²/5 + …)), given 1/3, 1/5, … .
            #[inline(always)]
            fn log1p_series<const FMA: bool>(f: $float, series: impl Fn($float) -> $float) -> $float {
                let s = f / (2.0 + f);
                let z = s * s;
                fma::<FMA>(s, fma::<FMA>(series(z), z + z, -f), f)
            }

            /// x = 2ᵉ·m with m in [√½, √2).
            #[inline(always)]
            pub fn log<const FMA: bool>(x: $float) -> $float {
                let subnormal = x < $float::MIN_POSITIVE;
                let normal = if subnormal { x * $tiny } else { x };
                let bits = normal.to_bits() as $int;
                let offset = ($sqrt_half as $float).to_bits() as $int;
                let e = bits.wrapping_sub(offset) >> $mantissa;
                let m = $float::from_bits(bits.wrapping_sub(e << $mantissa) as $bits);
                // Adding a small number to the bits of the magic number converts it on every machine.
                let e = $float::from_bits((MAGIC.to_bits() as $int).wrapping_add(e) as $bits) - MAGIC;
                let e = if subnormal { e - $tiny_log2 } else { e };
                let log_m = log1p_series::<FMA>(m - 1.0, |z| { let mut y: $float = 0.0; $( y = fma::<FMA>(y, z, 1.0 / $log_odd); )* y });
                let log = fma::<FMA>(e, $ln2_high, fma::<FMA>(e, $ln2_low, log_m));
                let log = if x == 0.0 { -$float::INFINITY } else { log };
                let log = if x < 0.0 { $float::NAN } else { log };
                // ∞ and NaN are their own logarithms.
                if x < $float::INFINITY { log } else { x }
            }

            /// max(x, 0) + log1p(t) and, by the sign, 1/(1 + t) or t/(1 + t), with t = e^−|x|.
            #[inline(always)]
            pub fn softplus_sigmoid<const FMA: bool>(x: $float) -> ($float, $float) {
                let t = exp::<FMA>(-x.abs());
                // NaN is in t already.
                let softplus = x.max(0.0) + log1p_series::<FMA>(t, |z| { let mut y: $float = 0.0; $( y = fma::<FMA>(y, z, 1.0 / $log1p_odd); )* y });
                // t where the sign bit of x is set, else 1; as bits, because a select here becomes a branch.
                let negative = (x.to_bits() as $int >> ($bits::BITS - 1)) as $bits;
                let numerator = $float::from_bits((t.to_bits() & negative) | ((1.0 as $float).to_bits() & !negative));
                (softplus, numerator / (1.0 + t))
            }
        }
    };
}

elementary!(single, f32, i32, u32, mantissa 23, bias 127, magic 12_582_912.0, ln2 0.693_359_4 -2.121_944_4e-4,
    range -105.0 90.0, sqrt_half 0.707_106_77, tiny 33_554_432.0 25.0,
    factorials [5040.0 720.0 120.0 24.0 6.0 2.0], log [9.0 7.0 5.0 3.0],
    log1p [17.0 15.0 13.0 11.0 9.0 7.0 5.0 3.0]);
elementary!(double, f64, i64, u64, mantissa 52, bias 1023, magic 6_755_399_441_055_744.0,
    ln2 0.693_147_180_369_123_8 1.908_214_929_270_587_7e-10, range -750.0 715.0, sqrt_half 0.707_106_781_186_547_5,
    tiny 18_014_398_509_481_984.0 54.0,
    factorials [6_227_020_800.0 479_001_600.0 39_916_800.0 3_628_800.0 362_880.0 40_320.0 5040.0 720.0 120.0 24.0 6.0 2.0],
    log [23.0 21.0 19.0 17.0 15.0 13.0 11.0 9.0 7.0 5.0 3.0],
    log1p [37.0 35.0 33.0 31.0 29.0 27.0 25.0 23.0 21.0 19.0 17.0 15.0 13.0 11.0 9.0 7.0 5.0 3.0]);

/// Loops over buffers for each instruction set, and the choice between them.
macro_rules! block {
    ($name:ident, $float:ident, |$x:ident, $fma:ident| $body:expr => $($out:ident . $field:tt),+) => {
        /// # Safety
        /// Every pointer is valid for `n` elements; outputs overlap nothing.
        pub(super) unsafe extern "C" fn $name($($out: *mut $float,)+ input: *const $float, n: usize) {
            #[allow(clippy::indexing_slicing)] // Proven: every slice has the input's length.
            #[inline(always)]
            fn body<const $fma: bool>($($out: &mut [$float],)+ input: &[$float]) {
                let n = input.len();
                $( let $out = &mut $out[..n]; )+
                for at in 0..n {
                    let $x = input[at];
                    let y = $body;
                    $( $out[at] = y.$field; )+
                }
            }
            // SAFETY: the caller promises `n` elements, and that outputs overlap nothing.
            let ($($out,)+ input) = unsafe {
                ($(std::slice::from_raw_parts_mut($out, n),)+ std::slice::from_raw_parts(input, n))
            };
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,fma")]
                fn avx512($($out: &mut [$float],)+ input: &[$float]) {
                    body::<true>($($out,)+ input);
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($out: &mut [$float],)+ input: &[$float]) {
                    body::<true>($($out,)+ input);
                }
                match super::math::level() {
                    // SAFETY: the machine has the instructions.
                    Level::Avx512 => return unsafe { avx512($($out,)+ input) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2($($out,)+ input) },
                    Level::Baseline => {}
                }
            }
            body::<false>($($out,)+ input);
        }
    };
}

block!(exp_f32, f32, |x, FMA| (single::exp::<FMA>(x),) => out.0);
block!(exp_f64, f64, |x, FMA| (double::exp::<FMA>(x),) => out.0);
block!(log_f32, f32, |x, FMA| (single::log::<FMA>(x),) => out.0);
block!(log_f64, f64, |x, FMA| (double::log::<FMA>(x),) => out.0);
block!(softplus_f32, f32, |x, FMA| single::softplus_sigmoid::<FMA>(x) => out.0);
block!(softplus_f64, f64, |x, FMA| double::softplus_sigmoid::<FMA>(x) => out.0);
block!(sigmoid_f32, f32, |x, FMA| single::softplus_sigmoid::<FMA>(x) => out.1);
block!(sigmoid_f64, f64, |x, FMA| double::softplus_sigmoid::<FMA>(x) => out.1);
block!(softplus_sigmoid_f32, f32, |x, FMA| single::softplus_sigmoid::<FMA>(x) => softplus.0, sigmoid.1);
block!(softplus_sigmoid_f64, f64, |x, FMA| double::softplus_sigmoid::<FMA>(x) => softplus.0, sigmoid.1);
