//! Any text parses or is refused; what parses prints and formats to the same tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lossc::source::Source;
use lossc::syntax::{dump::dump, format::format, parse, print::Spelling};

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    let (tree, diagnostics) = parse(&source);
    if !diagnostics.is_empty() {
        return;
    }
    for spelling in [Spelling::AsWritten, Spelling::Ascii, Spelling::Unicode] {
        let Ok(once) = format(&source, spelling) else { panic!("a program without mistakes does not format") };
        let again = Source::new("fuzz", once.as_str());
        let (other, diagnostics) = parse(&again);
        assert!(diagnostics.is_empty(), "formatting breaks it: {once}");
        assert_eq!(dump(&tree), dump(&other), "formatting changes it: {once}");
        assert_eq!(format(&again, spelling).ok().as_deref(), Some(once.as_str()), "formatting twice differs");
    }
});
