//! Names: the ASCII form by which they compare, and the way back to Greek.
//!
//! `λ` is `lambda`, `x₁` is `x_1`, `z⁺` is `z_plus`, `μ′` is `mu_prime`, `ŷ` is `y_hat`; so tables, shells and
//! YAML can stay ASCII. Also what characters a name is made of. Depends on `normal` only.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::normal::normalize;

/// The reserved words of the language.
pub const RESERVED: &[&str] = &[
    "data",
    "predict",
    "param",
    "const",
    "fn",
    "distribution",
    "use",
    "minimize",
    "reduce",
    "if",
    "then",
    "else",
    "where",
    "in",
    "and",
    "or",
    "not",
    "inf",
    "true",
    "false",
    "batch",
];

const GREEK: &[(char, &str)] = &[
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('ο', "omicron"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('Α', "Alpha"),
    ('Β', "Beta"),
    ('Γ', "Gamma"),
    ('Δ', "Delta"),
    ('Ε', "Epsilon"),
    ('Ζ', "Zeta"),
    ('Η', "Eta"),
    ('Θ', "Theta"),
    ('Ι', "Iota"),
    ('Κ', "Kappa"),
    ('Λ', "Lambda"),
    ('Μ', "Mu"),
    ('Ν', "Nu"),
    ('Ξ', "Xi"),
    ('Ο', "Omicron"),
    ('Π', "Pi"),
    ('Ρ', "Rho"),
    ('Σ', "Sigma"),
    ('Τ', "Tau"),
    ('Υ', "Upsilon"),
    ('Φ', "Phi"),
    ('Χ', "Chi"),
    ('Ψ', "Psi"),
    ('Ω', "Omega"),
    ('ℓ', "ell"),
];

/// Signs after a letter, and the words they are spelled as.
const MARKS: &[(char, &str)] = &[
    ('\u{302}', "hat"),
    ('\u{303}', "tilde"),
    ('\u{304}', "bar"),
    ('\u{307}', "dot"),
    ('′', "prime"),
    ('⁺', "plus"),
    ('⁻', "minus"),
];

const SUBSCRIPTS: &[(char, char)] = &[
    ('₀', '0'),
    ('₁', '1'),
    ('₂', '2'),
    ('₃', '3'),
    ('₄', '4'),
    ('₅', '5'),
    ('₆', '6'),
    ('₇', '7'),
    ('₈', '8'),
    ('₉', '9'),
    ('ₐ', 'a'),
    ('ₑ', 'e'),
    ('ₒ', 'o'),
    ('ₓ', 'x'),
    ('ₕ', 'h'),
    ('ₖ', 'k'),
    ('ₗ', 'l'),
    ('ₘ', 'm'),
    ('ₙ', 'n'),
    ('ₚ', 'p'),
    ('ₛ', 's'),
    ('ₜ', 't'),
    ('ᵢ', 'i'),
    ('ᵣ', 'r'),
    ('ᵤ', 'u'),
    ('ᵥ', 'v'),
    ('ⱼ', 'j'),
    ('ᵦ', 'β'),
    ('ᵧ', 'γ'),
    ('ᵨ', 'ρ'),
    ('ᵩ', 'φ'),
    ('ᵪ', 'χ'),
];

fn find<K: PartialEq, V: Copy>(table: &[(K, V)], key: K) -> Option<V> {
    table.iter().find(|(candidate, _)| *candidate == key).map(|(_, value)| *value)
}

fn find_back<K: Copy, V: PartialEq>(table: &[(K, V)], value: V) -> Option<K> {
    table.iter().find(|(_, candidate)| *candidate == value).map(|(key, _)| *key)
}

/// True for a character that a name can start with.
pub fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic() && !is_superscript_letter(c))
}

/// True for a character that a name can go on with. `⁺` and `⁻` belong to a name only when no superscript digit
/// follows them, which is for the caller to look at.
pub fn continues_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    starts_name(c) || is_combining_mark(c) || matches!(c, '₀'..='₉' | '′' | '″' | '⁺' | '⁻')
}

/// Raised letters, which are neither powers nor parts of names.
pub fn is_superscript_letter(c: char) -> bool {
    matches!(c, 'ª' | 'º' | 'ⁱ' | 'ⁿ' | '\u{2B0}'..='\u{2B8}' | '\u{1D2C}'..='\u{1D61}' | '\u{1D78}' | '\u{1D9B}'..='\u{1DBF}')
}

/// The digit that a superscript stands for.
pub fn superscript_digit(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        _ => return None,
    })
}

/// The superscript form of an ASCII digit.
pub fn to_superscript(c: char) -> Option<char> {
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'].into_iter().find(|&raised| superscript_digit(raised) == Some(c))
}

/// `sum[i]` for `sum_i`: the reducer that a name with an index below it was meant for, by its canonical form.
pub fn reducer_meant(key: &str) -> Option<String> {
    let (word, index) = key.split_once('_')?;
    let reduces = ["sum", "prod", "mean", "max", "min", "logsumexp", "any", "all"].contains(&word);
    let letter = index.len() == 1 && index.starts_with(|c: char| c.is_ascii_alphabetic());
    (reduces && letter).then(|| format!("{word}[{index}]"))
}

/// The ASCII form by which names compare. Letters outside ASCII and Greek stay as they are (NFC).
///
/// ```
/// use lossc::syntax::names::canonical;
/// assert_eq!(canonical("σ_x"), "sigma_x");
/// assert_eq!(canonical("μ₁₂′"), "mu_12_prime");
/// assert_eq!(canonical("z⁺"), "z_plus");
/// assert_eq!(canonical("ŷ"), "y_hat");
/// ```
pub fn canonical(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let normal = normalize(name);
    let mut out = String::with_capacity(normal.text.len() + 8);
    let mut lowered = false;
    let mut chars = normal.text.chars().peekable();
    while let Some(c) = chars.next() {
        let subscript = find(SUBSCRIPTS, c);
        if subscript.is_some() && !lowered {
            out.push('_');
        }
        lowered = subscript.is_some();
        let ends_segment = !chars.peek().is_some_and(|&next| starts_name(next) && find(SUBSCRIPTS, next).is_none());
        spell(subscript.unwrap_or(c), ends_segment, &mut out);
    }
    out
}

/// A unit in ASCII, where it has a spelling there: `m·s⁻²` is `m*s^-2`, `μs` is `us`.
///
/// ```
/// # use lossc::syntax::names::canonical_unit;
/// assert_eq!(canonical_unit("m · s⁻²"), canonical_unit("m*s^-2"));
/// ```
pub fn canonical_unit(text: &str) -> String {
    let mut key = String::new();
    let mut raised = false;
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        let digit = superscript_digit(c);
        let raises = digit.is_some() || matches!(c, '⁺' | '⁻');
        if raises && !raised {
            key.push('^');
        }
        raised = raises;
        match (digit, c) {
            (Some(digit), _) => key.push(digit),
            (_, '⁻') => key.push('-'),
            (_, '⁺') => {}
            (_, '·') => key.push('*'),
            (_, 'μ' | 'µ') => key.push('u'),
            _ => key.push(c),
        }
    }
    key
}

fn spell(c: char, ends_segment: bool, out: &mut String) {
    if c.is_ascii() {
        out.push(c);
    } else if let Some(word) = find(GREEK, c) {
        out.push_str(word);
    } else if c == '″' {
        out.push_str("_prime_prime");
    } else if let Some(word) = find(MARKS, c) {
        out.push('_');
        out.push_str(word);
    } else if let Some((base, word)) = ends_segment.then(|| marked_letter(c)).flatten() {
        spell(base, false, out);
        out.push('_');
        out.push_str(word);
    } else {
        out.push(c);
    }
}

/// A letter composed of a base and one of the known marks: `ŷ` is y and a hat.
fn marked_letter(c: char) -> Option<(char, &'static str)> {
    let mut parts = std::iter::once(c).nfd();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(base), Some(mark), None) => find(MARKS, mark).map(|word| (base, word)),
        _ => None,
    }
}

/// The Unicode spelling of a name: `lambda_1` is `λ₁`. A name whose Unicode spelling would not compare equal is
/// given back as it is.
pub fn unicode(name: &str) -> String {
    let key = canonical(name);
    let mut out = String::with_capacity(key.len());
    for (position, part) in key.split('_').enumerate() {
        let after_letter = position > 0 && !out.is_empty() && !out.ends_with('_');
        let mark = find_back(MARKS, part).filter(|_| after_letter);
        let digits = after_letter && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(sign) = mark {
            out.push(sign);
        } else if digits {
            out.extend(part.chars().filter_map(|digit| find_back(SUBSCRIPTS, digit)));
        } else {
            if position > 0 {
                out.push('_');
            }
            match find_back(GREEK, part) {
                Some(letter) => out.push(letter),
                None => out.push_str(part),
            }
        }
    }
    let composed: String = out.nfc().collect();
    if canonical(&composed) == key { composed } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_by_their_ascii_form() {
        for (name, key) in [
            ("λ", "lambda"),
            ("Λ", "Lambda"),
            ("\u{B5}", "mu"),
            ("ϕ", "phi"),
            ("ϵ_0", "epsilon_0"),
            ("log_Φ", "log_Phi"),
            ("x₁₂", "x_12"),
            ("xᵢⱼ", "x_ij"),
            ("x₁′", "x_1_prime"),
            ("x\u{302}", "x_hat"),
            ("ŷ₁", "y_hat_1"),
            ("θ\u{302}", "theta_hat"),
            ("z⁻", "z_minus"),
            ("château", "château"),
            ("αβ", "alphabeta"),
            ("plain_3", "plain_3"),
        ] {
            assert_eq!(canonical(name), key, "{name}");
        }
    }

    #[test]
    fn the_way_back_keeps_the_name() {
        for (name, shown) in [
            ("lambda", "λ"),
            ("sigma_x", "σ_x"),
            ("mu_12_prime", "μ₁₂′"),
            ("y_hat", "ŷ"),
            ("x_hat", "x̂"),
            ("z_plus", "z⁺"),
            ("log_Phi", "log_Φ"),
            ("layer_1_x", "layer₁_x"),
            ("a__1", "a__1"),
            ("x_1_2", "x_1_2"),
            ("hat", "hat"),
        ] {
            assert_eq!(unicode(name), shown, "{name}");
            assert_eq!(canonical(&unicode(name)), canonical(name), "{name}");
        }
    }
}
