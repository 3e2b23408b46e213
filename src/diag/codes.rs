//! The table of diagnostic codes: one row a code, and everything that is said about it.
//!
//! A row gives the code its constant (`codes::E0203`), its title and its page: what it means, a program that gets
//! it, one that does not, and why the language is like that. To add a code, add a row to one of the tables below.
//! Depends on nothing. Ranges: E01 text and syntax, E02 supports and densities, E03 names and calls, E04 axes and
//! shapes, E05 densities and costs, E06 definitions, E07 units, E08 sampling, E09 internal, W lints, S specs.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The program does not compile.
    Error,
    /// The program compiles; something is worth knowing.
    Warning,
}

/// A stable code, such as `E0203`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl Code {
    /// Errors start with `E` or `S`, warnings with `W`.
    pub fn severity(self) -> Severity {
        if self.0.starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// The row of the table; `None` only for a code that was not made by the table.
    pub fn entry(self) -> Option<&'static Entry> {
        lookup(self.0)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What is known about a code: the page that `lossc explain CODE` prints.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// A few words, no full stop.
    pub title: &'static str,
    /// What it means, in one to three sentences.
    pub means: &'static str,
    /// A program (or data, or spec) that gets it; may be empty where none can be shown.
    pub wrong: &'static str,
    /// The same, right.
    pub right: &'static str,
    /// Why the language is like that.
    pub why: &'static str,
}

impl Entry {
    /// The page as plain text.
    pub fn page(&self) -> String {
        let mut page = format!("{}: {}\n\n{}\n", self.code, self.title, self.means);
        for (heading, program) in [("Wrong:", self.wrong), ("Right:", self.right)] {
            if !program.is_empty() {
                page.push_str(&format!("\n{heading}\n"));
                program.lines().for_each(|line| page.push_str(&format!("    {line}\n")));
            }
        }
        if !self.why.is_empty() {
            page.push_str(&format!("\nWhy: {}\n", self.why));
        }
        page
    }
}

/// The row of a code such as `E0203` (any case), if there is one.
pub fn lookup(code: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.code.0.eq_ignore_ascii_case(code))
}

/// Every row, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Makes the constants and one table of rows out of
/// `CODE "title" means "…" wrong "…" right "…" why "…";`.
macro_rules! codes {
    ($table:ident: $($code:ident $title:literal means $means:literal wrong $wrong:literal right $right:literal why $why:literal;)*) => {
        $(
            #[doc = $title]
            pub const $code: Code = Code(stringify!($code));
        )*
        static $table: &[Entry] = &[
            $(Entry { code: $code, title: $title, means: $means, wrong: $wrong, right: $right, why: $why },)*
        ];
    };
}

static TABLES: &[&[Entry]] =
    &[SYNTAX, SUPPORTS, NAMES, AXES, DENSITIES, DEFINITIONS, UNITS, SAMPLING, INTERNAL, LINTS, SPECS];

codes! { SYNTAX:
    E0101 "The file is not UTF-8 text"
        means "A byte was found that is no part of a UTF-8 character. The message gives its offset in the file."
        wrong ""
        right ""
        why "Programs hold Greek letters; guessing an encoding would silently rename them. Save the file as UTF-8.";
    E0102 "A character that no program contains"
        means "A control character, an invisible character or a sign that is no part of the language was found."
        wrong "normal(x | μ, $s)"
        right "normal(x | μ, softplus(s))"
        why "Invisible characters usually come from copying out of a web page or a PDF; they would make two names that look alike differ.";
    E0103 "A bracket is not closed"
        means "A `(`, `[` or `‖` was opened and its closing partner was not found before the next statement or the end of the file."
        wrong "hinge(d(a, p) - d(a, n) + α"
        right "hinge(d(a, p) - d(a, n) + α)"
        why "Inside brackets a statement may go on over several lines, so only the end of the file, or a line that can only start a statement, shows that one is missing.";
    E0104 "A closing bracket does not match"
        means "A `)` or `]` was found that closes nothing, or closes a bracket of the other kind."
        wrong "normal(x | exp(μ], 1)"
        right "normal(x | exp(μ), 1)"
        why "Round brackets group and call, square brackets index and name axes. Only an interval may mix them: `real(0, 10]`.";
    E0105 "Nested too deep"
        means "Brackets, or `if` inside `if`, are nested more than 256 deep."
        wrong ""
        right ""
        why "The limit keeps the compiler's memory bounded whatever it is given. Name the inner parts: `a = …`.";
    E0106 "A text is not closed"
        means "A text starts with `\"` and must end with `\"` on the same line."
        wrong "fn half(x) = x / 2\n  about \"One half of it.\nhalf(a)"
        right "fn half(x) = x / 2\n  about \"One half of it.\"\nhalf(a)"
        why "A text that could go on over lines would swallow the rest of the file when its closing quote is forgotten. Two texts beside each other are joined.";
    E0107 "A number too large for any type"
        means "The number is beyond 1.797…e308, the largest value that a 64-bit float holds."
        wrong "a + 1e400"
        right "a + 1e300"
        why "Rounding it to infinity would change the program's meaning silently. Write `inf` when infinity is meant.";
    E0108 "Not a number"
        means "Something starts like a number and goes on in a way no number does."
        wrong "a + 1.2.3"
        right "a + 1.23"
        why "Numbers are written 3, 0.5, 1e-3 or 1_000.";
    E0109 "An operator is missing"
        means "Two values stand side by side. There is no implicit multiplication."
        wrong "a + 2σ"
        right "a + 2·σ"
        why "`2σ` is clear to a reader, but `1/2σ` and `f(x)` are not: one rule, a written `·` or `*`, has no such cases.";
    E0110 "Something else was expected here"
        means "The text stops making sense at the marked place; the message says what could stand there."
        wrong "normal(x | μ, )"
        right "normal(x | μ, σ)"
        why "Every statement is read on its own, so one such mistake never hides another.";
    E0111 "A function without brackets takes one name"
        means "`log λ` and `log λ[i]` are read as calls. Anything longer needs brackets, because readers disagree about what `log x²` means."
        wrong "a·exp x²"
        right "a·exp(x²)"
        why "log(x²) and (log x)² are different numbers, and both readings are common in print.";
    E0112 "A bar outside a call"
        means "`|` only separates variates from parameters inside the brackets of a call."
        wrong "|x - y|"
        right "abs(x - y)"
        why "`p(x | y)` is the most important thing this language says; the sign is kept for it alone. Write abs(x), norm(v) or ‖v‖, and `or`.";
    E0113 "A reserved word used as a name"
        means "The words data predict param const fn distribution use minimize reduce if then else where in and or not inf true false batch cannot be names."
        wrong "data = 3"
        right "counts = 3\na - counts"
        why "They are how a reader, and the compiler, find the parts of a program.";
    E0114 "A single `=` where two are meant"
        means "`=` defines a name or names an argument; `==` compares."
        wrong "if y = 1 then a else b"
        right "if y == 1 then a else b"
        why "A comparison that looks like a definition is the oldest trap in programming.";
    E0115 "A declaration that cannot be read"
        means "A declaration is written `role name : support[axes] in unit = value`; everything after the name may be left out."
        wrong "param σ positive"
        right "param σ : positive\nnormal(x | 0, σ)"
        why "";
    E0116 "A clause that is not known"
        means "The indented lines of a `distribution` or `fn` each start with a word that says what they state: log density, or, mean, variance, cdf, sample, assumes, ask, instead, latex, example …"
        wrong "distribution spike(k : count | λ : nonneg)\n  log density  k·log λ − λ − lgamma(k + 1)\n  varience     λ\nspike(k | λ)"
        right "distribution spike(k : count | λ : nonneg)\n  log density  k·log λ − λ − lgamma(k + 1)\n  variance     λ\nspike(k | λ)"
        why "A misspelled clause that was silently kept would never be checked.";
    E0117 "A chain of comparisons"
        means "A comparison has two sides. Join two comparisons with `and`."
        wrong "if 0 < x < 1 then a else b"
        right "if 0 < x and x < 1 then a else b"
        why "In most languages `0 < x < 1` compares a truth value with 1; in none should a reader have to wonder.";
    E0118 "`if` needs brackets here"
        means "`if … then … else …` reaches to the end of its expression, so inside an operation it stands in brackets."
        wrong "2 * if c > 0 then a else b"
        right "2 * (if c > 0 then a else b)"
        why "Otherwise `2 * if c then a else b + 1` would leave the reader to guess what the `+ 1` belongs to.";
    E0119 "The file is too large"
        means "Programs are limited to 256 MiB."
        wrong ""
        right ""
        why "Positions are kept in 32 bits. A file that long is data: bind it from a table.";
    E0120 "Too many mistakes"
        means "A hundred mistakes are shown; how many more there are is said where their number is known, and where the text cannot be read the rest is not looked at."
        wrong ""
        right ""
        why "A hundred messages say that this is another kind of file, or one mistake near the top.";
}

codes! { SUPPORTS:
    E0201 "An observation of the wrong kind"
        means "What stands left of the bar can take values that the distribution gives no probability: a fraction for a count, a negative number for a positive quantity."
        wrong "data x : real\npoisson(x | 2)"
        right "data k : count\npoisson(k | 2)"
        why "A count that is not whole usually means that the data was normalised, or that another distribution is meant.";
    E0202 "A value may leave the domain of a function"
        means "The function is not defined for every value that its argument can take, as far as the compiler can derive."
        wrong "predict s : real\nlog(s)"
        right "predict s : real\nlog(softplus(s))"
        why "The value would be NaN for some output of the network, sooner or later.";
    E0203 "A value may leave the set that a function or distribution needs"
        means "Every expression has a support, the set of values it can take, which the compiler derives. Here it is not contained in the set that the place needs."
        wrong "normal(x | μ, s)"
        right "normal(x | μ, softplus(s))"
        why "A network's output can be any real number. A negative scale or the logarithm of a negative number would show up as NaN hours into a training; here it does not compile, and the message offers the inverse links that make it fit.";
    E0204 "A density that is 0 everywhere"
        means "The bounds of a truncation or an interval leave no value between them, so no observation has a probability."
        wrong "truncated(normal(x | 0, 1), lower = 2, upper = 1)"
        right "truncated(normal(x | 0, 1), lower = 1, upper = 2)"
        why "Every row would have an infinite loss. Bounds that are columns are checked row by row when the data is bound.";
    E0206 "A learned name that cannot vary continuously"
        means "A prediction or parameter is learned by following gradients; whole numbers and categories have none."
        wrong "predict k : count\npoisson(k | 2)"
        right "data k : count\npredict η : real\npoisson(k | softplus(η))"
        why "Predict the parameters of a distribution over the whole numbers instead.";
}

codes! { NAMES:
    E0301 "A name that nothing declares"
        means "No function, distribution or parameter of this name is known."
        wrong "posson(k | λ)"
        right "poisson(k | λ)"
        why "";
    E0302 "A parameter that the function or distribution does not have"
        means "The call names a parameter that is not among those of any of its parameterisations."
        wrong "normal(x | μ, sigm = 1)"
        right "normal(x | μ, sigma = 1)"
        why "";
    E0303 "The wrong parameters"
        means "The number or combination of arguments fits none of the ways the function or distribution can be called."
        wrong "normal(x | μ)"
        right "normal(x | μ, 1)"
        why "`lossc explain NAME` lists the parameterisations of a distribution.";
    E0304 "Nothing is observed"
        means "A distribution stands without a variate where a density is needed."
        wrong "poisson(λ)"
        right "poisson(k | λ)"
        why "A likelihood is the probability of something observed: name it left of the bar, or write `k ~ poisson(λ)`.";
    E0305 "Not what the call needs"
        means "A distribution is used as a function, or the reverse."
        wrong "nll(x²)"
        right "nll(normal(x | 0, 1))"
        why "A density and a number are different things: one has a variate and a base measure, the other only a value.";
    E0306 "A name with two meanings"
        means "The name is declared, defined or used as a label twice."
        wrong "a: x²\na: y²"
        right "a: x²\nb: y²"
        why "Every term and every name is logged and reported under its name.";
}

codes! { AXES:
    E0401 "The wrong number of axes"
        means "A vector stands where a scalar is needed, or a scalar where a vector is needed, or there are more subscripts than axes."
        wrong "data x : real\nsum(x)"
        right "data x : real[m]\nsum(x)"
        why "The rows of a table are put together by the reduction at the end; only axes inside one row are reduced in the program.";
    E0402 "Shapes that do not fit"
        means "Two arrays are combined whose axes cannot be aligned."
        wrong "data x : real[3]\nparam a : real[4]\nsum(x * a)"
        right "data x : real[3]\nparam a : real[3]\nsum(x * a)"
        why "Named axes align by name, sized ones from the right.";
    E0403 "A cost with axes left over"
        means "A cost is one number a row."
        wrong "data x : real[N]\nparam a : real[N]\n(x - a)²"
        right "data x : real[N]\nparam a : real[N]\nsum((x - a)²)"
        why "Whether an axis is summed or averaged changes the weight of the term, so the program says it.";
    E0404 "An index without an axis"
        means "It cannot be derived which axis the index runs over."
        wrong "data x : real[N]\nsum[i] 2"
        right "data x : real[N]\nsum[i] x[i]"
        why "The axis follows from the subscripts in which the index is used, or is given: `sum[i in N] …`.";
    E0405 "A subscript that does not fit its axis"
        means "A subscript is a whole number inside its axis."
        wrong "data x : real[T]\nsum[t] x[t - 1]"
        right "data x : real[T]\nsum[t where t > 0] x[t - 1]"
        why "";
}

codes! { DENSITIES:
    E0501 "A density added to a cost"
        means "One side is a probability density, kept as its logarithm; the other is a cost. Their sum has no meaning."
        wrong "normal(x | μ, 1) + 0.1 * a²"
        right "nll(normal(x | μ, 1)) + 0.1 * a²"
        why "Adding a density to a penalty is the commonest sign error in a loss. Write the two as two terms, or say `nll(…)` for the negative logarithm.";
    E0502 "An operation that has no meaning for densities"
        means "Densities are multiplied, divided, raised to a weight, mixed with weights, or turned into a cost by `nll`."
        wrong "normal(x | 0, 1) + normal(x | 1, 1)"
        right "0.5 * normal(x | 0, 1) + 0.5 * normal(x | 1, 1)"
        why "";
    E0503 "Mixture weights that do not add to 1"
        means "The weights of a mixture are not proved to be nonnegative and to add to 1."
        wrong "0.3 * poisson(k | 1) + 0.3 * poisson(k | 9)"
        right "0.3 * poisson(k | 1) + 0.7 * poisson(k | 9)"
        why "Otherwise it is not a probability, and its logarithm is not a likelihood.";
    E0504 "A condition where a number is needed, or the reverse"
        means "A comparison is true or false."
        wrong "data x : real\nx > 0"
        right "data x : real\nif x > 0 then x else 0"
        why "";
}

codes! { DEFINITIONS:
    E0601 "A definition in a circle"
        means "The name is needed to compute its own value."
        wrong "a = b + 1\nb = a\na²"
        right "b = 2\na = b + 1\na²"
        why "A loss is a formula; there is no recursion.";
    E0602 "Nested too deep"
        means "Functions and definitions are expanded where they are used, and here they do not end."
        wrong "fn f(x) = f(x)\nf(1)"
        right "fn f(x) = x\nf(1)"
        why "A loss is a formula; there is no recursion. Repeated structure is written with a reducer.";
    E0603 "The program expands to too much"
        means "Functions are expanded where they are used; the result exceeds a million operations."
        wrong ""
        right ""
        why "Write repeated structure as a reducer over an axis.";
    E0604 "A distribution without a density"
        means "A `distribution` needs a `log density` clause."
        wrong "distribution f(x : real | a : real)\n  mean a\nf(x | 1)"
        right "distribution f(x : real | a : real)\n  log density -(x - a)²/2 - log(2·π)/2\nf(x | 1)"
        why "";
    E0605 "A file that cannot be used"
        means "The file behind `use` is missing, has mistakes of its own, or uses in turn the file that uses it."
        wrong "use \"missing.loss\"\nx²"
        right "x²"
        why "";
    E0606 "A program without a term"
        means "Nothing says what is to be minimised."
        wrong "predict η : real"
        right "predict η : real\npoisson(k | exp(η))"
        why "";
}
codes! { UNITS:
    E0701 "Two units"
        means "Values of different units are added, subtracted or compared, or a parameter has another unit than what is observed."
        wrong "const w = 50 ms\nparam f : positive in Hz\n(f + w)²"
        right "const w = 50 ms\nparam f : positive in Hz\n(1/f + w)²"
        why "A sum of seconds and hertz means nothing, whatever the numbers are. What has no declared unit fits everything.";
    E0702 "A function of plain numbers"
        means "`exp`, `log`, `sigmoid` and their like take numbers without unit."
        wrong "data t : positive in s\npredict μ : real\nnormal(log(t) | μ, 1)"
        right "data t : positive in s\nconst t0 = 1 s\npredict μ : real\nnormal(log(t/t0) | μ, 1)"
        why "The logarithm of 50 ms would be another number than that of 0.05 s.";
    E0703 "A count with a unit"
        means "The parameters of counts have no unit: an expected count is a rate times the width of a window."
        wrong "data k : count\npredict λ : positive in Hz\npoisson(k | λ)"
        right "const bin = 50 ms\ndata k : count\npredict λ : positive in Hz\npoisson(k | λ*bin)"
        why "20 spikes a second are one spike in a window of 50 ms.";
}
codes! { SAMPLING:
    E0801 "Something that cannot be drawn"
        means "`lossc sample` draws every name that stands alone left of a bar, each from one density. A name with two densities, an expression left of a bar, a ratio of densities, a cost about what is drawn, or names that each depend on the other say no law to draw from. The program is right for all other commands."
        wrong ""
        right ""
        why "A draw has to have the distribution that the program states; where it states none, any draw would be made up.";
    E0802 "A density whose values do not add to 1"
        means "To draw from a density, `lossc sample` integrates it over the name's support (adds it up, for whole numbers). Where the whole is not 1, part of the distribution lies outside the support that the name is declared with, or the `log density` of a distribution of your own is not normalised, or its values lie closer together than numbers do."
        wrong ""
        right ""
        why "Scaling the rest up to 1 would draw from another distribution than the one that was written.";
}

codes! { INTERNAL:
    E0901 "An internal compiler error"
        means "The compiler found itself in a state that it takes to be impossible. It is not your program's fault; please report it with the program."
        wrong ""
        right ""
        why "";
}

codes! { LINTS:
    W0101 "A name that is never used"
        means "Something is declared or defined, and nothing reads it."
        wrong "data k : count\npredict η : real\npredict s : real\npoisson(k | exp(η))"
        right "data k : count\npredict η : real\npoisson(k | exp(η))"
        why "Usually one name has two spellings. `# allow W0101` on the line silences it.";
    W0102 "A term that training cannot change"
        means "No prediction and no learned parameter is in the term: its gradient is zero."
        wrong "data x : real\npredict μ : real\nnormal(x | μ, 1)\n0.1·x²"
        right "data x : real\npredict μ : real\nnormal(x | μ, 1)\n0.1·μ²"
        why "A penalty on the data, or on a constant, looks like one on the model. `# allow W0102` on the line silences it.";
    W0103 "A likelihood without an upper bound"
        means "A component of a mixture can centre on one observation and shrink: the density there, and with it the likelihood, grows without end."
        wrong "data x : real\npredict m : real\npredict s : real\n0.5·normal(x | m, exp(s)) + 0.5·normal(x | 0, 1)"
        right "data x : real\npredict m : real\npredict s : real\n0.5·normal(x | m, exp(s) + 0.01) + 0.5·normal(x | 0, 1)"
        why "The other components explain the rest, so nothing holds the shrinking one back. `# allow W0103` on the line silences it.";
    W0104 "A loss that may collapse"
        means "Only the hardest triplet of each anchor counts. A network that puts every picture on one point has all of them at the margin α, and no gradient leads away."
        wrong "predict z : real[batch, m]\ndata y : category[batch]\nmean[i] hinge(max[p where y[p] == y[i] and p != i] d(z[i], z[p]) - min[q where y[q] != y[i]] d(z[i], z[q]) + 0.2)"
        right "predict z : real[batch, m]\ndata y : category[batch]\nmean[i, p, q where y[p] == y[i] and p != i and y[q] != y[i]] hinge(d(z[i], z[p]) - d(z[i], z[q]) + 0.2)"
        why "Early in training the hardest negative is nearer than any positive, and pulling everything together is the quickest relief. `# allow W0104` on the line silences it.";
    W0105 "A hinge of distances without a margin"
        means "The cost is zero as soon as the positive is no farther than the negative, and so for a network that puts everything on one point."
        wrong "hinge(d(a, p) - d(a, n))"
        right "hinge(d(a, p) - d(a, n) + 0.2)"
        why "The margin is what keeps different things apart. `# allow W0105` on the line silences it.";
    W0106 "Counts under a continuous density"
        means "What is observed is a whole number, and the distribution is one of real numbers."
        wrong "data k : count\npredict μ : real\nnormal(k | μ, 1)"
        right "data k : count\npredict η : real\npoisson(k | exp(η))"
        why "A normal density gives probability to −1 and to 2.5 events, and small counts are neither symmetric nor of one variance. `# allow W0106` on the line silences it.";
    W0107 "An axis that nothing observed has"
        means "The prediction has an axis that the observation lacks, so every observation counts once for each element of it."
        wrong "data k : count[N]\npredict η : real[M]\npoisson(k | exp(η))"
        right "data k : count[N]\npredict η : real[N]\npoisson(k | exp(η))"
        why "Axes align by name, and two names make a table of all pairs. `# allow W0107` on the line silences it.";
    W0108 "A constant that cancels"
        means "A constant is added to the cost of every row: it moves no minimum and has no gradient."
        wrong "(x − μ)² + 3"
        right "(x − μ)²"
        why "It may be meant as a margin, which belongs inside the hinge. `# allow W0108` on the line silences it.";
    W0109 "Parameters that the data cannot determine"
        means "Learned parameters can move without changing the loss: one gains what another loses, as in a sum or product in which alone they occur, or all elements of one gain the same, as under a softmax."
        wrong "param a : real\nparam b : real\nnormal(x | (a + b)·u, 1)"
        right "param a : real\nnormal(x | a·u, 1)"
        why "Infinitely many values fit equally well, and which training ends at is chance. A term that says what is known of a parameter, `normal(b | 0, 1) ^ (1/rows)`, settles it. `# allow W0109` on the line silences it.";
    W0110 "A parameter under another one's name"
        means "A name that is a parameter of this distribution stands where another parameter is expected."
        wrong "param variance : positive\nnormal(x | μ, variance)"
        right "param variance : positive\nnormal(x | μ, variance = variance)"
        why "A rate taken for a scale, or a variance for a standard deviation, fits just as willingly. `# allow W0110` on the line silences it.";
}
codes! { SPECS:
    S0001 "A key that a spec does not have"
        means "A spec has a fixed set of keys at each place. The message lists those allowed there and the nearest match; when the key belongs elsewhere, it says where."
        wrong "train: {epoch: 5}"
        right "train: {epochs: 5}"
        why "A typing mistake must not pass for a setting that silently does nothing.";
    S0002 "A value of the wrong kind"
        means "The key is right and its value is of another kind than expected: text for a number, one value for a list."
        wrong "train: {epochs: five}"
        right "train: {epochs: 5}"
        why "";
    S0003 "A number out of its range"
        means "The value is a number of the right kind outside the interval that makes sense there."
        wrong "network: [{dropout: 1.5}]"
        right "network: [{dropout: 0.5}]"
        why "The range is checked when the spec is read, so that nothing trains for an hour on a setting that cannot work.";
    S0004 "A word that is not known here"
        means "One of a few words stands here: a layer, an optimizer, a metric. The message lists them."
        wrong "optimizer: {adm: {lr: 1e-3}}"
        right "optimizer: {adam: {lr: 1e-3}}"
        why "";
    S0005 "A quantity without its unit"
        means "Times and frequencies carry their unit. Times: us, ms, s, min, h. Frequencies: Hz, kHz, MHz."
        wrong "bin: 50"
        right "bin: 50 ms"
        why "A bare 50 is milliseconds to one reader and seconds to another.";
    S0006 "A key that is needed is missing"
        means "A key without a default was left out, or stands there without a value."
        wrong "sampler: {classes: 16}"
        right "sampler: {classes: 16, per_class: 2}"
        why "";
    S0007 "Keys that do not go together"
        means "Two keys say the same thing, or one makes no sense without, or beside, the other."
        wrong "train: {epochs: 5, steps: 1000}"
        right "train: {epochs: 5}"
        why "Either could win; which one should not be a matter of luck.";
    S0008 "A key is given twice"
        means "One mapping has the same key twice. Delete one of them."
        wrong "train: {batch: 64, batch: 128}"
        right "train: {batch: 128}"
        why "Readers of YAML differ on which of the two counts.";
    S0009 "The text is not YAML"
        means "The text breaks YAML's rules: a bracket that nothing closes, a tab as indentation, a colon without a space behind it. Nothing behind it can be read, so this message comes alone."
        wrong "train: {epochs: 5"
        right "train: {epochs: 5}"
        why "";
    S0010 "A spec that is too large"
        means "Size, nesting and the number of values are bounded, aliases counted as all that they stand for."
        wrong ""
        right ""
        why "No text may use up the machine that reads it. No honest spec comes near the bounds.";
    S0011 "A spec that is not plain text"
        means "A spec is plain text in UTF-8. This one holds other bytes, or control characters."
        wrong ""
        right ""
        why "";
    S0012 "A --set that cannot be read"
        means "`--set` takes a path of keys and a value, which is read as YAML."
        wrong "train.epochs 5"
        right "train.epochs=5"
        why "";
    S0013 "A text that YAML's versions read differently"
        means "Two readers of YAML do not agree on what this text means. Put it in quotes."
        wrong ""
        right ""
        why "What a run did must not depend on which reader was at work.";
    S0014 "Spec, program and data do not agree"
        means "The spec names a head, a constant or a metric that the program does not have, leaves a name of the program without a value, or its layers do not fit together."
        wrong "heads: {lambda: mean}"
        right "heads: {η: mean}"
        why "Everything is checked before the first step, so that no training ends on a name.";
    S0099 "An internal error of the reader of specs"
        means "lossc's table of keys and the code that reads it disagree. It is not your spec's fault; please report it with the spec."
        wrong ""
        right ""
        why "";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_in_its_range() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in all() {
            let code = entry.code.0;
            assert!(seen.insert(code), "{code} stands twice");
            assert!(code.len() == 5 && code.starts_with(['E', 'W', 'S']), "{code}");
            assert!(code.get(1..).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())), "{code}");
            assert!(!entry.title.ends_with('.') && !entry.means.is_empty(), "{code}");
            assert_eq!(entry.wrong.is_empty(), entry.right.is_empty(), "{code}: a wrong program needs a right one");
        }
    }

    #[test]
    fn a_page_shows_both_programs() {
        let page = lookup("e0203").map(Entry::page).unwrap_or_default();
        assert!(page.starts_with("E0203: ") && page.contains("\nWrong:\n    normal(x | μ, s)\n"), "{page}");
        assert!(page.contains("Right:\n    normal(x | μ, softplus(s))\n"), "{page}");
    }
}
