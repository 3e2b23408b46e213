//! A program, evaluated at points in both engines: the thinnest road from text to numbers.

use std::collections::{BTreeMap, HashSet};

use lossc::codegen::{CompiledLoss, Real, Want};
use lossc::compile::{Program, axis_key};
use lossc::interpret;
use lossc::ir::graph::{AxisId, InputId, ROW};
use lossc::ir::program::{Bindings, Outputs};
use lossc::sema::{self, Form, Options, TermKind, VectorKind};
use lossc::source::{NoFiles, Source};

/// Elements of every axis.
pub const WIDTH: usize = 3;

/// Values of all inputs at one point, by canonical name.
pub type Point = BTreeMap<String, Vec<f64>>;

/// A loss a row, and its gradients by name (row-major).
#[derive(Debug)]
pub struct Answer {
    pub values: Vec<f64>,
    pub gradients: BTreeMap<String, Vec<f64>>,
}

/// A compiled program with gradients for every input that has one.
pub struct Machine {
    pub text: String,
    program: Program,
}

impl Machine {
    /// Compiles a program whose names are all bound; else its first error: code and message.
    pub fn new(text: &str, names: &[String]) -> Result<Machine, (String, String)> {
        let source = Source::new("generated", text);
        let bound: HashSet<String> = names.iter().cloned().collect();
        let analysis = sema::analyze(&source, &NoFiles, &Options { bound, ..Options::default() });
        if let Some(error) = analysis.diagnostics.iter().find(|_| !analysis.is_ok()) {
            return Err((error.code.0.to_string(), format!("{}\n{text}", error.message)));
        }
        let hir = analysis.hir;
        let smooth = |input: InputId| !hir.graph.input(input).support.integral;
        let wrt: Vec<InputId> = hir.names.iter().map(|info| info.input).filter(|input| smooth(*input)).collect();
        let program = Program::compile(hir, &wrt).map_err(|error| ("E0901".into(), format!("{error}\n{text}")))?;
        Ok(Machine { text: text.into(), program })
    }

    /// Whether an input is shares that sum to 1.
    pub fn is_simplex(&self, key: &str) -> bool {
        self.program.find(key).is_some_and(|info| info.vector == VectorKind::Simplex)
    }

    /// The support of a name.
    pub fn support(&self, key: &str) -> lossc::ir::support::Interval {
        let input = self.program.find(key).unwrap().input;
        self.program.hir.graph.input(input).support
    }

    /// The names that have a gradient.
    pub fn differentiable(&self) -> Vec<String> {
        self.program.loss.gradients.iter().map(|(input, _)| self.program.name(*input).unwrap().key.clone()).collect()
    }

    fn sizes(&self, rows: usize) -> Vec<usize> {
        let hir = &self.program.hir;
        let axes = 0..self.program.loss.graph.axes().len();
        let known = axes.map(|at| (axis_key(hir, AxisId(at as u32)), WIDTH)).collect();
        self.program.sizes(rows, &known).unwrap()
    }

    fn columns(&self, points: &[Point]) -> Vec<Vec<f64>> {
        let inputs = 0..self.program.loss.graph.inputs().len();
        let column = |at: usize| match self.program.name(InputId(at as u32)) {
            Some(info) => points.iter().flat_map(|point| point[&info.key].iter().copied()).collect(),
            None => Vec::new(),
        };
        inputs.map(column).collect()
    }

    /// Losses and gradients by the interpreter.
    pub fn interpret(&self, points: &[Point], gradients: bool) -> Answer {
        let columns = self.columns(points);
        let seed = vec![1.0; points.len()];
        let bindings = Bindings {
            rows: points.len(),
            inputs: columns.iter().map(Vec::as_slice).collect(),
            sizes: self.sizes(points.len()),
            seed: &seed,
        };
        let outputs = interpret::evaluate(&self.program.loss, &bindings, gradients, true).unwrap();
        self.answer(points.len(), outputs)
    }

    /// Losses and gradients by native code.
    pub fn native<T: Real>(&self, points: &[Point]) -> Answer {
        let columns = self.columns(points);
        let narrow = |values: &Vec<f64>| values.iter().map(|value| T::from_f64(*value)).collect::<Vec<T>>();
        let columns: Vec<Vec<T>> = columns.iter().map(narrow).collect();
        let seed = vec![T::from_f64(1.0); points.len()];
        let sizes = self.sizes(points.len());
        let compiled = CompiledLoss::<T>::compile(&self.program.loss, &sizes).unwrap();
        let inputs = columns.iter().map(Vec::as_slice).collect();
        let bindings = Bindings { rows: points.len(), inputs, sizes, seed: &seed };
        let mut outputs = Outputs::default();
        compiled.evaluate(&bindings, Want { gradients: true, per_row: true }, 1, &mut outputs).unwrap();
        let wide = |values: Vec<T>| values.into_iter().map(Real::to_f64).collect::<Vec<f64>>();
        let gradients = outputs.gradients.into_iter().map(wide).collect();
        self.answer(points.len(), Outputs { terms: outputs.terms, per_row: wide(outputs.per_row), gradients })
    }

    fn answer(&self, rows: usize, outputs: Outputs<f64>) -> Answer {
        // A program without inputs has one loss, and no rows.
        let constant = outputs.terms.iter().sum();
        let values = if outputs.per_row.is_empty() { vec![constant; rows] } else { outputs.per_row };
        Answer { values, gradients: self.differentiable().into_iter().zip(outputs.gradients).collect() }
    }

    /// The log density as the file's `log density` says it, before anything is rewritten; `None` for a cost.
    pub fn textbook(&self, points: &[Point]) -> Option<Vec<f64>> {
        let hir = &self.program.hir;
        let TermKind::Density(form) = &hir.terms.first()?.kind else { return None };
        let Form::Call { log, .. } = form.as_ref() else { return None };
        let columns = self.columns(points);
        let bindings = Bindings {
            rows: points.len(),
            inputs: columns.iter().take(hir.graph.inputs().len()).map(Vec::as_slice).collect(),
            sizes: self.sizes(points.len()).into_iter().take(hir.graph.axes().len()).collect(),
            seed: &[],
        };
        let array = interpret::values(&hir.graph, &[*log], &bindings).unwrap().remove(0);
        Some(array.broadcast(&[ROW], &[points.len()]))
    }
}
