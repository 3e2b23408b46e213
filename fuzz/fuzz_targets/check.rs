//! Any text is understood or refused with messages that can be shown; what is understood derives and explains.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lossc::compile::{Program, differentiable};
use lossc::diag::fix::fixed;
use lossc::diag::render::{Style, render};
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    let analysis = analyze(&source, &NoFiles, &Options::default());
    let _ = render(&source, &analysis.diagnostics, Style::default());
    let _ = fixed(text, &analysis.diagnostics);
    if !analysis.is_ok() {
        assert!(!analysis.diagnostics.is_empty());
        return;
    }
    let wrt = differentiable(&analysis.hir);
    let program = Program::compile(analysis.hir, &wrt).expect("what is checked compiles");
    let document = lossc::explain::derivation(&program, "fuzz").expect("what compiles is explained");
    let _ = lossc::explain::render::text(&document);
});
