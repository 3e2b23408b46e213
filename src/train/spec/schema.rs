//! The vocabulary in which `table` says what a spec may contain.
//!
//! One [`Row`] a key, rows in [`Group`]s, and a [`Ty`] for what may stand there. Checking, defaults, the documentation
//! and the JSON Schema are all read off these.

use crate::ir::support::Interval;

/// What may stand at a place of a spec.
#[derive(Debug)]
pub enum Ty {
    /// Text, or a number taken as text (a column may be called `3`).
    Text,
    /// The text of a path, relative to the spec's folder.
    Path,
    /// `true` or `false`.
    Bool,
    /// A whole number, both ends included.
    Int(i128, i128),
    /// A number in an interval.
    Num(Interval),
    /// A length of time with its unit, in seconds: `50 ms`, `2 s`, `1.5 min`.
    Time,
    /// A moment with its unit, in seconds; 0 and before 0 are moments too.
    Moment,
    /// A frequency with its unit, in Hz: `60 Hz`, `4 kHz`.
    Frequency,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A mapping with the keys of a group.
    Section(&'static Group),
    /// One of the group's names, alone or with its options: `adam` or `{adam: {lr: 1e-3}}`.
    Choice(&'static Group),
    /// A list.
    List(&'static Ty),
    /// A list with exactly this many entries.
    Tuple(usize, &'static Ty),
    /// A mapping with names of the user's own.
    Names(&'static Ty),
    /// Any of these; the first whose shape fits says what is wrong in it.
    Any(&'static [Ty]),
    /// Anything: the row says elsewhere what it means.
    Scalar,
}

/// What a row is when its key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It must be given.
    Required,
    /// Nothing: the feature is off, or the text says what happens.
    Nothing,
    /// This YAML text.
    Default(&'static str),
}

/// One key.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub key: &'static str,
    /// What may stand there.
    pub ty: Ty,
    /// When it is left out.
    pub absent: Absent,
    /// One sentence for the reader of the documentation.
    pub doc: &'static str,
}

/// The keys that may stand together in one mapping, or the names of a [`Ty::Choice`].
#[derive(Debug)]
pub struct Group {
    /// What a person would call it: "a split", "the `adam` optimizer".
    pub name: &'static str,
    /// The key meant when a value stands without one: `{dense: 128}` is `{dense: {units: 128}}`.
    pub short: Option<&'static str>,
    /// The keys.
    pub rows: &'static [Row],
}

impl Group {
    /// The row of a key.
    pub fn row(&self, key: &str) -> Option<&'static Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The row that a value without a key stands for.
    pub fn short_row(&self) -> Option<&'static Row> {
        self.short.and_then(|key| self.row(key))
    }
}

impl Ty {
    /// What is allowed, in words: the end of "expected …".
    pub fn words(&self) -> String {
        match self {
            Ty::Text => "text".into(),
            Ty::Path => "the path of a file".into(),
            Ty::Bool => "true or false".into(),
            Ty::Int(lo, hi) if *hi >= i128::from(u32::MAX) => format!("a whole number, {lo} or more"),
            Ty::Int(lo, hi) => format!("a whole number from {lo} to {hi}"),
            Ty::Num(interval) => interval.words(),
            Ty::Time => "a length of time such as `50 ms`, `2 s` or `1.5 min`".into(),
            Ty::Moment => "a moment such as `0 s` or `90 s`".into(),
            Ty::Frequency => "a frequency such as `60 Hz` or `4 kHz`".into(),
            Ty::Word(words) => one_of(words.iter().copied()),
            Ty::Section(group) => format!("{} (a mapping with {})", group.name, keys(group)),
            Ty::Choice(group) => format!("{}: {}", group.name, one_of(group.rows.iter().map(|row| row.key))),
            Ty::List(item) => format!("a list, each entry {}", item.words()),
            Ty::Tuple(n, item) => format!("a list of {n}, each {}", item.words()),
            Ty::Names(item) => format!("a mapping from names to {}", item.words()),
            Ty::Any(types) => types.iter().map(Ty::words).collect::<Vec<_>>().join(", or "),
            Ty::Scalar => "a number or a word".into(),
        }
    }
}

/// "`a`, `b` or `c`".
pub fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn keys(group: &Group) -> String {
    group.rows.iter().map(|row| format!("`{}`", row.key)).collect::<Vec<_>>().join(", ")
}
