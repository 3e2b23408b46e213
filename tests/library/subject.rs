//! What a file of the library says, as programs to be tested: its calls, one a parameterisation, and draws of their
//! parameters.

use lossc::sema::library::Unit;
use lossc::source::Source;
use lossc::syntax::ast::{Axis, ClauseKind, DistDef, ExprId, Formal, SupportExpr};
use std::sync::Arc;

use crate::engine::{Point, WIDTH};

/// An input of a program: a variate, a parameter, an argument.
#[derive(Clone, Debug)]
pub struct Input {
    pub key: String,
    /// As declared: the name and the support's own name.
    text: String,
    pub set: String,
    axes: Vec<String>,
}

/// A call of a distribution in one of its parameterisations.
#[derive(Clone, Debug)]
pub struct Call {
    /// `exponential`
    pub name: String,
    pub variates: Vec<Input>,
    pub params: Vec<Input>,
    /// What stands right of the bar: `mean = m`, the inner density of a wrapper included.
    arguments: Vec<String>,
    /// How the main parameters follow, as definitions: `rate = 1/m`.
    equations: String,
    /// The same call by its main parameters.
    main: Vec<String>,
    /// The density inside a wrapper, under its own name with its variate's kind.
    pub inner: Option<Box<Call>>,
    /// Text that defines the distribution, for one that is not in the library.
    prelude: String,
}

impl Input {
    fn new(source: &Source, text: &str, key: &str, support: Option<&SupportExpr>, axes: &[Axis]) -> Input {
        let axis = |axis: &Axis| match axis {
            Axis::Named(name) => name.text.clone(),
            Axis::Sized(size, _) => size.to_string(),
        };
        let set = support.map_or("real", |support| source.slice(support.span));
        Input { key: key.into(), text: text.into(), set: set.into(), axes: axes.iter().map(axis).collect() }
    }

    pub fn of(source: &Source, formal: &Formal) -> Input {
        Input::new(source, &formal.name.text, &formal.name.key, formal.support.as_ref(), &formal.axes)
    }

    /// The same input under another name.
    pub fn renamed(&self, name: &str) -> Input {
        Input { key: name.into(), text: name.into(), ..self.clone() }
    }

    pub fn is_vector(&self) -> bool {
        !self.axes.is_empty()
    }

    /// Numbers in a value: 1, the size that the file states, or that of every axis without one.
    fn width(&self) -> usize {
        self.axes.last().map_or(1, |axis| axis.parse().unwrap_or(WIDTH))
    }

    /// `predict mean : nonneg`; whole numbers are data.
    pub fn declaration(&self) -> String {
        let role = if matches!(self.set.as_str(), "count" | "int" | "bool" | "category") { "data" } else { "predict" };
        let axes = if self.axes.is_empty() { String::new() } else { format!("[{}]", self.axes.join(", ")) };
        format!("{role} {} : {}{axes}\n", self.text, self.set)
    }

    /// A value well inside the support, by a number between 0 and 1.
    pub fn inside(&self, u: f64) -> Vec<f64> {
        let each = (0..self.width()).map(|at| (u + 0.377 * at as f64).fract());
        match self.set.as_str() {
            "simplex" => {
                let weights: Vec<f64> = each.map(|u| 0.2 + u).collect();
                weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
            }
            "ordered" => each
                .scan(-2.0, |cut, u| {
                    *cut += 0.3 + 1.5 * u;
                    Some(*cut)
                })
                .collect(),
            "positive" | "nonneg" => each.map(|u| 0.6 * 5f64.powf(u)).collect(),
            "unit" | "prob" => each.map(|u| 0.1 + 0.8 * u).collect(),
            "count" => each.map(|u| (1.0 + 11.0 * u).floor()).collect(),
            "bool" => each.map(|u| f64::from(u > 0.5)).collect(),
            "category" => each.map(|u| (u * WIDTH as f64).floor()).collect(),
            "real" | "int" => each.map(|u| 4.0 * u - 1.7).collect(),
            other => panic!("no draws for the support {other}"),
        }
    }

    /// Values at and near the ends of the support.
    pub fn edges(&self) -> Vec<Vec<f64>> {
        let ends: &[f64] = match self.set.as_str() {
            "simplex" => return vec![vec![1.0 - 3e-9, 1e-9, 2e-9]],
            "ordered" => return vec![vec![-1.0, -1.0 + 1e-6, 30.0]],
            "positive" => &[1e-3, 0.05, 40.0, 1e4],
            "nonneg" => &[0.0, 1e-6, 60.0, 1e4],
            "unit" => &[1e-9, 1.0 - 1e-9],
            "prob" => &[0.0, 1e-9, 1.0 - 1e-9, 1.0],
            "count" => &[0.0, 1.0, 1000.0],
            "bool" => &[0.0, 1.0],
            "category" => &[0.0, 2.0],
            _ => &[-40.0, 0.0, 40.0],
        };
        ends.iter().map(|end| vec![*end; self.width()]).collect()
    }
}

/// The nth number of a sequence that fills (0, 1) evenly, another one for each input: no chance, no pattern.
fn spread(nth: usize, input: usize) -> f64 {
    ((nth as f64 + 0.5) * 0.618_033_988_749_894_9 + input as f64 * 0.414_213_562_373_095_1).fract()
}

/// `count` points, each input drawn inside its support.
pub fn draws(inputs: &[Input], count: usize) -> Vec<Point> {
    let point = |nth: usize| {
        let value = |(at, input): (usize, &Input)| (input.key.clone(), input.inside(spread(nth, at)));
        inputs.iter().enumerate().map(value).collect()
    };
    (0..count).map(point).collect()
}

/// Points with one input at an end of its support and the others inside.
pub fn at_edges(inputs: &[Input]) -> Vec<Point> {
    let mut found = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        for (nth, edge) in input.edges().into_iter().enumerate() {
            let mut point = draws(inputs, nth + at + 1).remove(nth + at);
            point.insert(input.key.clone(), edge);
            found.push(point);
        }
    }
    found
}

impl Call {
    /// The main parameterisation, then those of the `or` clauses. A wrapper's has a hole: see [`Call::around`].
    pub fn all(unit: &Arc<Unit>, def: &DistDef) -> Vec<Call> {
        let source = &unit.source;
        let is_density = |formal: &&Formal| formal.support.as_ref().is_some_and(|set| set.name.key == "density");
        let names = |formal: &Formal| if is_density(&formal) { "{}".into() } else { formal.name.text.clone() };
        let main = Call {
            name: def.name.key.clone(),
            variates: def.variates.iter().map(|formal| Input::of(source, formal)).collect(),
            params: def.params.iter().filter(|formal| !is_density(formal)).map(|f| Input::of(source, f)).collect(),
            arguments: def.params.iter().map(names).collect(),
            equations: String::new(),
            main: def.params.iter().map(names).collect(),
            inner: None,
            prelude: if unit.trusted { String::new() } else { format!("{}\n", source.text) },
        };
        let mut calls = vec![main.clone()];
        for clause in &def.clauses {
            let ClauseKind::Or { params, equations, .. } = &clause.kind else { continue };
            let solved = |key: &str| equations.iter().any(|(name, _)| name.key == key);
            let kept = def.params.iter().filter(|formal| !solved(&formal.name.key));
            let (holes, kept): (Vec<&Formal>, Vec<&Formal>) = kept.partition(is_density);
            let mut call = Call { params: Vec::new(), arguments: Vec::new(), ..main.clone() };
            call.arguments.extend(holes.iter().map(|_| "{}".to_string()));
            for param in params {
                let (symbol, set) = (&param.symbol, param.support.as_ref());
                call.params.push(Input::new(source, &symbol.text, &symbol.key, set, &param.axes));
                call.arguments.push(format!("{} = {}", param.name.text, symbol.text));
            }
            for formal in kept {
                call.params.push(Input::of(source, formal));
                call.arguments.push(format!("{0} = {0}", formal.name.text));
            }
            let text = |id: &ExprId| source.slice(unit.ast.expr(*id).span);
            let lines = equations.iter().filter(|(name, id)| text(id) != name.text);
            call.equations = lines.map(|(name, id)| format!("{} = {}\n", name.text, text(id))).collect();
            calls.push(call);
        }
        calls
    }

    /// Whether it wraps a density.
    pub fn is_wrapper(&self) -> bool {
        self.arguments.iter().any(|argument| argument == "{}")
    }

    /// This wrapper around a density, whose names are marked so that they differ.
    pub fn around(&self, inner: &Call) -> Call {
        let rename = |input: &Input| input.renamed(&format!("inner_{}", input.key));
        let own: Vec<Input> = inner.params.iter().map(rename).collect();
        let names: Vec<&str> = own.iter().map(|input| input.text.as_str()).collect();
        let text = format!("{}({})", inner.name, names.join(", "));
        let mut call = self.clone();
        for argument in call.arguments.iter_mut().chain(&mut call.main) {
            *argument = argument.replace("{}", &text);
        }
        call.params.extend(own);
        call.variates[0].set = inner.variates[0].set.clone();
        call.inner = Some(Box::new(inner.clone()));
        call
    }

    /// Whether it names the main parameters.
    pub fn is_main(&self) -> bool {
        self.arguments == self.main
    }

    /// Whether its parameters say main ones: `upper = inf` says that there is none, and the call stands for itself.
    pub fn has_main(&self) -> bool {
        !self.equations.contains("inf\n")
    }

    /// Variates and parameters.
    pub fn inputs(&self) -> Vec<Input> {
        self.variates.iter().chain(&self.params).cloned().collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.inputs().into_iter().map(|input| input.key).collect()
    }

    fn declarations(&self) -> String {
        // A wrapper's variate is of its density's kind, and whole numbers have no gradient.
        let observed = if self.inner.is_some() { self.variates[0].declaration() } else { String::new() };
        self.prelude.clone() + &observed + &self.params.iter().map(Input::declaration).collect::<String>()
    }

    fn variate_text(&self) -> String {
        self.variates.iter().map(|input| input.text.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The program of the density.
    pub fn program(&self) -> String {
        format!("{}{}({} | {})\n", self.declarations(), self.name, self.variate_text(), self.arguments.join(", "))
    }

    /// The program of the density by its main parameters, which follow from this call's own.
    pub fn main_program(&self) -> String {
        let (declared, equations, variate) = (self.declarations(), &self.equations, self.variate_text());
        format!("{declared}{equations}{}({variate} | {})\n", self.name, self.main.join(", "))
    }

    /// The program of a property: `mean`, `log_cdf`.
    pub fn property_program(&self, property: &str) -> String {
        let takes_variate = matches!(property, "log_cdf" | "log_ccdf" | "crps");
        let variate = if takes_variate { format!(", {}", self.variate_text()) } else { String::new() };
        let declared =
            if takes_variate && self.inner.is_none() { self.variates[0].declaration() } else { String::new() };
        let call = format!("{}(_ | {})", self.name, self.arguments.join(", "));
        let arguments = if property == "crps" { format!("{}, {call}", self.variate_text()) } else { call + &variate };
        format!("{}{declared}minimize {property}({arguments})\n", self.declarations())
    }

    /// The kind of numbers that it is about: a wrapper's are those of its density.
    pub fn kind(&self) -> &str {
        &self.variates[0].set
    }

    /// The parameter that is the variate's `lower` or `upper` bound.
    pub fn bound(&self, which: &str) -> Option<&Input> {
        let text = self.arguments.iter().find(|argument| argument.split(' ').next() == Some(which))?;
        self.params.iter().find(|input| text.ends_with(&input.text))
    }

    /// Points inside all supports; a lower bound is below an upper one.
    pub fn draws(&self, count: usize) -> Vec<Point> {
        let mut points = draws(&self.inputs(), count);
        for (nth, point) in points.iter_mut().enumerate() {
            // From 0.2 to 1.2 and from 1.3 to 2.3, or that part of the numbers from 0 to 1.
            let unit = if matches!(self.kind(), "unit" | "prob") { 0.4 } else { 1.0 };
            for (which, least) in [("lower", 0.2), ("upper", 1.3)] {
                if let Some(input) = self.bound(which) {
                    point.insert(input.key.clone(), vec![unit * (least + spread(nth, 7))]);
                }
            }
        }
        points
    }
}
