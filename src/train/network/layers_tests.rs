//! Shapes as counted by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn dense(units: usize) -> Layer {
    Layer::Dense { units, bias: true, init: WeightInit::Uniform }
}

fn conv(channels: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
    Layer::Conv { channels, kernel, stride, padding }
}

const GREY_64: InputShape = InputShape::Image { channels: 1, height: 64, width: 64 };

#[test]
fn a_convolutional_trunk_has_the_textbook_shapes() {
    // 64 → 62 (3×3) → 31 (pool 2) → 15 (3×3, stride 2, floor((31-3)/2)+1) → 15 (padded 3×3).
    let trunk = [
        conv(16, 3, 1, 0),
        Layer::Activation(Activation::Relu),
        Layer::MaxPool { size: 2, stride: 2 },
        conv(8, 3, 2, 0),
        Layer::Residual(vec![conv(8, 3, 1, 1)]),
        Layer::Flatten,
        dense(64),
        Layer::L2Normalize,
    ];
    assert_eq!(infer(GREY_64, &trunk), Ok(InputShape::Flat(64)));
    assert_eq!(infer(GREY_64, &trunk[..5]).unwrap().to_string(), "an image of 8×15×15");
}

#[test]
fn dense_on_an_image_asks_for_flatten_and_names_the_layer() {
    let errors = infer(GREY_64, &[conv(4, 3, 1, 0), dense(8)]).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "`dense` (network[1]): gets an image of 4×62×62, and needs a vector: put `flatten` before it"
    );
}

#[test]
fn independent_mistakes_are_all_reported() {
    let trunk =
        [Layer::Dropout(1.0), dense(4), Layer::Residual(vec![dense(5), Layer::Dropout(-0.1)]), dense(0), dense(3)];
    let errors = infer(InputShape::Flat(3), &trunk).unwrap_err().0;
    let places: Vec<_> = errors.iter().map(|e| e.path.clone()).collect();
    assert_eq!(places, [vec![0], vec![2, 1], vec![2], vec![3]]);
    assert!(matches!(errors[2].fault, ShapeFault::Residual { .. }));
}

#[test]
fn windows_must_fit_the_padded_picture() {
    let small = InputShape::Image { channels: 1, height: 2, width: 5 };
    let errors = infer(small, &[conv(1, 5, 1, 1)]).unwrap_err().0;
    assert_eq!(errors[0].fault, ShapeFault::WindowTooLarge { window: 5, height: 4, width: 7 });
    assert!(infer(small, &[conv(1, 4, 1, 1)]).is_ok());
    assert!(infer(InputShape::Flat(4), &[Layer::MaxPool { size: 2, stride: 2 }]).is_err());
}

#[test]
fn heads_are_checked_against_the_trunk() {
    let head = |name: &str, units, init| Head { name: name.into(), units, init };
    let heads =
        [head("η", 2, HeadInit::Mean(vec![0.0])), head("s", 3, HeadInit::Identity), head("s", 1, HeadInit::Zero)];
    let faults: Vec<_> = check_heads(InputShape::Flat(4), &heads).unwrap_err().0.into_iter().map(|e| e.fault).collect();
    assert_eq!(
        faults,
        [
            ShapeFault::InitLength { units: 2, given: 1 },
            ShapeFault::IdentityWidth { got: 4, units: 3 },
            ShapeFault::Duplicate
        ]
    );
    assert!(check_heads(InputShape::Flat(4), &[]).is_err());
    assert!(check_heads(GREY_64, &[head("z", 1, HeadInit::Zero)]).is_err());
}

#[test]
fn absurd_sizes_are_errors_and_not_overflows() {
    let huge = usize::MAX / 2;
    let fault = |input, layer: Layer| infer(input, &[layer]).unwrap_err().0.remove(0).fault;
    assert!(matches!(fault(InputShape::Flat(3), dense(huge)), ShapeFault::TooLarge { what: "weights", .. }));
    assert!(matches!(fault(GREY_64, conv(huge, 3, 1, 0)), ShapeFault::TooLarge { .. }));
    assert!(matches!(fault(GREY_64, conv(1, 3, 1, huge)), ShapeFault::TooLarge { .. }));
    assert!(matches!(fault(GREY_64, conv(1, huge, 1, 0)), ShapeFault::WindowTooLarge { .. }));
    let vast = InputShape::Image { channels: huge, height: huge, width: 1 };
    assert!(matches!(fault(vast, Layer::Flatten), ShapeFault::TooLarge { .. }));
    let head = Head { name: "y".into(), units: huge, init: HeadInit::Zero };
    assert!(check_heads(InputShape::Flat(3), &[head]).is_err());
}
