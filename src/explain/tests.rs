//! Derivations as documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::{derivation, render};
use crate::compile::{Program, differentiable};
use crate::sema::{Options, analyze};
use crate::source::{NoFiles, Source};

fn document(text: &str) -> super::Document {
    let analysis = analyze(&Source::new("test", text), &NoFiles, &Options::default());
    assert!(analysis.is_ok(), "{text}: {:?}", analysis.diagnostics);
    let wrt = differentiable(&analysis.hir);
    derivation(&Program::compile(analysis.hir, &wrt).unwrap(), text).unwrap()
}

#[test]
fn reducers_have_the_indices_of_the_program_in_every_form() {
    let document = document(
        "predict z : real[batch, m]\ndata y : category[batch]\nmean[a, p, n where y[p] == y[a] and y[n] != y[a]] hinge(sqdist(z[a], z[p]) - sqdist(z[a], z[n]) + 1)",
    );
    let cost = "∑[a] (∑[p] (∑[n where y[p] == y[a] and y[n] ≠ y[a]] ";
    let latex = "\\sum_{a} \\left(\\sum_{p} \\left(\\sum_{n:\\,y_{p} = y_{a} \\wedge y_{n} \\ne y_{a}} ";
    for (form, expected) in [
        (render::text(&document), cost),
        (render::markdown(&document), latex),
        (render::latex(&document), latex),
        (render::html(&document, &|latex| Some(latex.into())), latex),
    ] {
        // The sum and the number of its members.
        assert_eq!(
            form.split("\\frac{\\partial").next().unwrap().split("∂ℓ").next().unwrap().matches(expected).count(),
            2,
            "{form}"
        );
    }
}

/// A wrapper is told with what is inside it: the call, the formula of the book, the assumptions of both.
#[test]
fn a_wrapper_shows_what_is_inside() {
    let document = document("data k : count\npredict m : positive\ntruncated(k | poisson(m), lower = 1)");
    let text = render::text(&document);
    for expected in [
        "k ~ truncated(poisson(lambda = m), lower = 1)",
        "log truncated(k) = if 1 <= k then k·log(m) - m - lgamma(k + 1) - log_gamma_p(1, m, log(m)) else -∞",
        "log poisson(k) = k·log(m) - m - lgamma(k + 1)",
        "Values outside leave no trace",
        "Events in a window are independent",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let latex = "k \\sim \\operatorname{truncated}\\left(\\mathrm{Poisson}(m),\\; \\mathrm{lower} = 1\\right)";
    assert!(render::latex(&document).contains(latex), "{}", render::latex(&document));
}

/// What a rule makes of a reducer still has its name; the library's own indices have letters.
#[test]
fn rewritten_reducers_keep_their_index() {
    let text = render::text(&document(
        "predict u : real[batch, m]\nmean[q] (logsumexp[r] dot(u[q], u[r])·0.1 - 0.5·dot(u[q], u[q])) - sum[s] 2·u[s, 0]",
    ));
    assert!(text.contains("∑[q] (logsumexp[r] "), "{text}");
    assert!(text.contains("2·∑[s] u[s, 0]"), "{text}");
}
