//! Floating-point numbers in JSON, where NaN and the infinities have no spelling.
//!
//! They are written as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`; finite numbers print so that they
//! read back exactly. `#[serde(with = "number")]` is for one number, `number::list` for a list,
//! [`Number`] for one inside a container or a `json!`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number as JSON has it: itself, or the name of a non-finite one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Finite(T),
    Named(String),
}

/// What `f32` and `f64` share here.
pub(super) trait Float: Copy {
    fn finite(self) -> bool;
    fn name(self) -> &'static str;
    fn of_name(name: &str) -> Option<Self>;
}

macro_rules! float {
    ($t:ty) => {
        impl Float for $t {
            fn finite(self) -> bool {
                self.is_finite()
            }
            fn name(self) -> &'static str {
                match self {
                    x if x.is_nan() => "NaN",
                    x if x > 0.0 => "Infinity",
                    _ => "-Infinity",
                }
            }
            fn of_name(name: &str) -> Option<Self> {
                match name {
                    "NaN" => Some(<$t>::NAN),
                    "Infinity" => Some(<$t>::INFINITY),
                    "-Infinity" => Some(<$t>::NEG_INFINITY),
                    _ => None,
                }
            }
        }
    };
}
float!(f32);
float!(f64);

fn write<T: Float>(x: T) -> Written<T> {
    if x.finite() { Written::Finite(x) } else { Written::Named(x.name().to_owned()) }
}

fn read<T: Float, E: serde::de::Error>(written: Written<T>) -> Result<T, E> {
    match written {
        Written::Finite(x) => Ok(x),
        Written::Named(name) => T::of_name(&name).ok_or_else(|| {
            E::custom(format!("`{name}` is no number: expected one, or \"NaN\", \"Infinity\", \"-Infinity\""))
        }),
    }
}

pub(super) fn serialize<T: Float + Serialize, S: Serializer>(x: &T, s: S) -> Result<S::Ok, S::Error> {
    write(*x).serialize(s)
}

pub(super) fn deserialize<'de, T: Float + Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    read(Written::deserialize(d)?)
}

/// A number in a container that serde derives through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(
    /// The number.
    #[serde(with = "super::number")]
    pub f64,
);

/// Lists of numbers.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Float, Serialize, Serializer, Written, read, write};

    pub(in crate::record) fn serialize<T: Float + Serialize, S: Serializer>(xs: &[T], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(xs.iter().map(|x| write(*x)))
    }

    pub(in crate::record) fn deserialize<'de, T: Float + Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Vec<T>, D::Error> {
        Vec::<Written<T>>::deserialize(d)?.into_iter().map(read).collect()
    }
}
