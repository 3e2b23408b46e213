//! Networks sized at run time over dfdx.

pub mod layers;

pub use layers::{Activation, Head, HeadInit, InputShape, Layer, ShapeError, ShapeErrors, ShapeFault, WeightInit};
