#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::Loss;
use super::plot;
use crate::source::Source;

fn loss(text: &str) -> Loss {
    let (loss, said) = Loss::read(text);
    assert_eq!(said, "");
    loss
}

#[test]
fn a_point_is_what_a_textbook_says() {
    // −log(2.5³ e^−2.5 / 3!) = 2.5 − 3 ln 2.5 + ln 6, and its derivative 1 − 3 / 2.5 (by hand).
    let source = Source::new("cell", "poisson(k | λ)");
    let figures = plot::point(&source, &[("k", 3.0), ("lambda", 2.5)]).unwrap();
    let expected = 2.5 - 3.0 * 2.5f64.ln() + 6f64.ln();
    assert!((figures.loss - expected).abs() < 1e-12, "{}", figures.loss);
    assert_eq!(figures.gradient.len(), 1);
    assert!((figures.gradient[0].1 - (1.0 - 3.0 / 2.5)).abs() < 1e-12);
}

#[test]
fn a_triplet_lives_on_a_line_when_its_vectors_are_numbers() {
    // |0.5 − 0| − |0.5 − 2| + 1.25 = 0.25, and the anchor's derivative is 1 + 1.
    let source = Source::new("cell", "hinge(d(a,p) - d(a,n) + α)");
    let figures = plot::point(&source, &[("a", 0.5), ("p", 0.0), ("n", 2.0), ("α", 1.25)]).unwrap();
    assert!((figures.loss - 0.25).abs() < 1e-12);
    let anchor = figures.gradient.iter().find(|(name, _)| name == "a").unwrap();
    assert!((anchor.1 - 2.0).abs() < 1e-12);
}

#[test]
fn a_curve_shows_loss_and_gradient() {
    let shown = loss("poisson(k | softplus(η))").plot("eta", -4.0..4.0, &[("k", 3.0)]);
    let html = shown.html().unwrap_or_else(|| panic!("{:?}", shown.mistake()));
    assert!(html.contains("<img src=\"data:image/svg+xml;base64,"));
    let source = Source::new("cell", "poisson(k | softplus(η))");
    let svg = plot::curve(&source, "η", -4.0..4.0, &[("k", 3.0)]).unwrap();
    assert!(svg.as_str().contains("∂ loss / ∂ η") && svg.as_str().contains("k = 3"), "{}", svg.as_str());
}

#[test]
fn a_curve_leaves_out_what_its_name_cannot_be() {
    // σ ≤ 0 is outside the support, and half counts are none.
    let normal = Source::new("cell", "normal(x | μ, σ)");
    plot::curve(&normal, "σ", -1.0..2.0, &[("x", 1.0), ("μ", 0.0)]).unwrap();
    let poisson = Source::new("cell", "poisson(k | λ)");
    let svg = plot::curve(&poisson, "k", 0.0..9.0, &[("λ", 2.5)]).unwrap();
    assert!(!svg.as_str().contains("∂ loss"), "a count has no derivative");
    let error = plot::curve(&normal, "σ", -2.0..-1.0, &[("x", 1.0), ("μ", 0.0)]).unwrap_err().to_string();
    assert!(error.contains("-2..-1") && error.contains("σ"), "{error}");
}

#[test]
fn a_curve_says_what_is_missing_or_wrong() {
    let source = Source::new("cell", "normal(x | μ, softplus(s))");
    let said = |name: &str, others: &[(&str, f64)]| match plot::curve(&source, name, -1.0..1.0, others) {
        Ok(_) => panic!("drawn"),
        Err(error) => error.to_string(),
    };
    assert!(said("μ", &[("x", 0.0)]).contains("nothing says what `s` is"), "{}", said("μ", &[("x", 0.0)]));
    assert!(said("muu", &[]).contains("did you mean"), "{}", said("muu", &[]));
    assert!(said("μ", &[("x", 0.0), ("s", 0.0), ("x", 1.0)]).contains("two values"));
    let poisson = Source::new("cell", "poisson(k | λ)");
    let error = match plot::curve(&poisson, "λ", 0.5..2.0, &[("k", 1.5)]) {
        Ok(_) => panic!("drawn"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("1.5") && error.contains("count"), "{error}");
}

#[test]
fn a_derivation_goes_from_the_likelihood_to_the_gradient() {
    let shown = loss("poisson(k | softplus(η))").derivation();
    let html = shown.html().unwrap();
    let steps = ["Likelihood", "Product", "Logarithm", "Minus", "Sum", "Gradient", "Questions for the expert"];
    let places: Vec<usize> = steps.iter().map(|step| html.find(step).expect(step)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("$$") && html.contains(r"\eta"));
}

#[test]
fn a_wrong_program_says_so_wherever_it_is_used() {
    let (raw, said) = Loss::read("normal(x | μ, s)");
    assert!(!raw.is_ok());
    assert!(said.contains("error[E0203]") && said.contains("softplus(s)") && said.contains("exp(s)"), "{said}");
    for shown in [raw.derivation(), raw.names(), raw.at(&[]), raw.plot("s", 0.0..1.0, &[])] {
        assert!(shown.html().is_none());
        assert_eq!(shown.mistake(), Some(said.as_str()));
    }
}
