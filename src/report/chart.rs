//! One look for every picture: axes with labels and units, a legend above the plot, colours that a colour-blind
//! reader can tell apart, inline SVG with a title for screen readers.
//!
//! Depends on `plotters` (its SVG backend) and on nothing of lossc. It does not choose what to draw.

use super::ticks::{log_ticks, tick};
use super::{ReportError, Result};
use plotters::coord::Shift;
use plotters::coord::combinators::{LogCoord, WithKeyPoints};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The backend has whole pixels only: draw larger, and let the view box shrink it.
const SCALE: i32 = 4;
/// Text height, pixels on the page.
const TEXT: f64 = 13.0;
/// Curve colours, in order (Okabe and Ito, Color Universal Design, 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(225, 225, 225);

/// A finished picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svg(String);

impl Svg {
    /// The `<svg>` element.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a mark is drawn.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Line {
        width: u32,
        opacity: f64,
        dashed: bool,
    },
    Dots,
    /// Dots with a vertical bar of ± the third number.
    Measured(Vec<f64>),
    /// Rectangles from zero between successive edges; `edges.len() = points.len() + 1`.
    Bars(Vec<f64>),
}

#[derive(Debug, Clone)]
struct Mark {
    name: String,
    points: Vec<(f64, f64)>,
    shape: Shape,
    colour: RGBColor,
}

/// One axis.
#[derive(Debug, Clone, Default)]
struct Axis {
    label: String,
    log: bool,
    /// Whole numbers, ticked as such.
    whole: bool,
    /// Values that must lie in the range.
    include: Vec<f64>,
    /// Names at 0, 1, 2, … in place of numbers.
    names: Vec<String>,
}

/// A picture being put together. Points that are not finite, or not positive on a logarithmic axis, leave a gap.
#[derive(Debug, Clone)]
pub struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    marks: Vec<Mark>,
    size: (i32, i32),
    diagonal: Option<String>,
    next: usize,
}

impl Chart {
    /// An empty picture; labels name the quantity and its unit.
    pub fn new(title: impl Into<String>, x: impl Into<String>, y: impl Into<String>) -> Chart {
        Chart {
            title: printable(&title.into()),
            x: Axis { label: printable(&x.into()), ..Axis::default() },
            y: Axis { label: printable(&y.into()), ..Axis::default() },
            marks: Vec::new(),
            size: (560, 340),
            diagonal: None,
            next: 0,
        }
    }

    /// Sets the size in pixels on the page.
    pub fn size(mut self, width: i32, height: i32) -> Chart {
        self.size = (width.max(200), height.max(120));
        self
    }

    /// Makes the horizontal axis logarithmic.
    pub fn log_x(mut self, log: bool) -> Chart {
        self.x.log = log;
        self
    }

    /// Makes the horizontal axis one of whole numbers.
    pub fn whole_x(mut self) -> Chart {
        self.x.whole = true;
        self
    }

    /// Makes the vertical axis logarithmic.
    pub fn log_y(mut self, log: bool) -> Chart {
        self.y.log = log;
        self
    }

    /// Makes the range of the horizontal axis reach these values.
    pub fn include_x(mut self, values: &[f64]) -> Chart {
        self.x.include.extend(values);
        self
    }

    /// Makes the range of the vertical axis reach these values.
    pub fn include_y(mut self, values: &[f64]) -> Chart {
        self.y.include.extend(values);
        self
    }

    /// Shows names at 0, 1, 2, … of the vertical axis.
    pub fn name_y(mut self, names: Vec<String>) -> Chart {
        self.y.names = names.iter().map(|name| printable(name)).collect();
        self
    }

    /// A curve.
    pub fn line(self, name: &str, points: Vec<(f64, f64)>) -> Chart {
        self.mark(name, points, Shape::Line { width: 2, opacity: 1.0, dashed: false })
    }

    /// A thin, pale curve: measurements that scatter.
    pub fn faint_line(self, name: &str, points: Vec<(f64, f64)>) -> Chart {
        self.mark(name, points, Shape::Line { width: 1, opacity: 0.45, dashed: false })
    }

    /// Dots.
    pub fn dots(self, name: &str, points: Vec<(f64, f64)>) -> Chart {
        self.mark(name, points, Shape::Dots)
    }

    /// Dots with standard errors.
    pub fn measured(mut self, name: &str, points: Vec<(f64, f64)>, errors: Vec<f64>) -> Chart {
        for (point, error) in points.iter().zip(&errors) {
            // A logarithmic axis may cut a bar that reaches towards zero.
            self.y
                .include
                .extend([point.1 + error, (point.1 - error).max(if self.y.log { point.1 / 2.0 } else { f64::MIN })]);
        }
        self.mark(name, points, Shape::Measured(errors))
    }

    /// Bars from zero between successive edges; `edges` has one more than `heights`.
    pub fn bars(mut self, name: &str, edges: Vec<f64>, heights: &[f64]) -> Chart {
        self.y.include.push(0.0);
        self.x.include.extend(&edges);
        let middles = edges.windows(2).map(|e| e.iter().sum::<f64>() / 2.0);
        let points = middles.zip(heights.iter().copied()).collect();
        self.mark(name, points, Shape::Bars(edges))
    }

    /// A dashed grey curve that says what would be expected.
    pub fn reference(mut self, name: &str, points: Vec<(f64, f64)>) -> Chart {
        let shape = Shape::Line { width: 2, opacity: 1.0, dashed: true };
        self.marks.push(Mark { name: name.to_owned(), points, shape, colour: RGBColor(110, 110, 110) });
        self
    }

    /// The dashed line y = x over the whole plot; both axes get the same range.
    pub fn diagonal(mut self, name: &str) -> Chart {
        self.diagonal = Some(printable(name));
        self
    }

    fn mark(mut self, name: &str, points: Vec<(f64, f64)>, shape: Shape) -> Chart {
        let colour = COLOURS.get(self.next % COLOURS.len()).copied().unwrap_or(INK);
        self.next += 1;
        self.marks.push(Mark { name: printable(name), points, shape, colour });
        self
    }

    /// Draws it.
    ///
    /// # Errors
    /// [`ReportError::Drawing`] if the drawing library fails; unusable data draw an empty plot that says so.
    pub fn svg(mut self) -> Result<Svg> {
        let mut text = String::new();
        let (mut x, mut y) = (self.range(&self.x, |p| p.0), self.range(&self.y, |p| p.1));
        if let Some(name) = self.diagonal.take()
            && let (Some(a), Some(b)) = (x, y)
        {
            let both = (a.0.min(b.0), a.1.max(b.1));
            (x, y) = (Some(both), Some(both));
            self = self.reference(&name, vec![(both.0, both.0), (both.1, both.1)]);
        }
        {
            let size = (self.size.0 * SCALE, self.size.1 * SCALE);
            let root =
                SVGBackend::with_string(&mut text, (size.0.unsigned_abs(), size.1.unsigned_abs())).into_drawing_area();
            self.paint(&root, x, y)
                .map_err(|error| ReportError::Drawing { picture: self.title.clone(), message: error })?;
        }
        Ok(self.finish(&text))
    }

    /// Replaces the head that the backend wrote: the size on the page, a title, no fixed background.
    fn finish(&self, text: &str) -> Svg {
        let body = text.split_once('>').map_or("", |(_, body)| body).trim_end();
        let ((w, h), title) = (self.size, super::html::escape(&self.title));
        let (vw, vh) = (w * SCALE, h * SCALE);
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {vw} {vh}\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title>{body}"
        ))
    }

    /// The axis's range over everything that can be drawn; `None` when nothing can.
    fn range(&self, axis: &Axis, of: impl Fn(&(f64, f64)) -> f64) -> Option<(f64, f64)> {
        if !axis.names.is_empty() {
            return Some((-0.6, axis.names.len() as f64 - 0.4));
        }
        let drawn = |p: &&(f64, f64)| usable(&self.x, p.0) && usable(&self.y, p.1);
        let points = self.marks.iter().flat_map(|m| m.points.iter().filter(drawn)).map(of);
        let mut points = points.peekable();
        points.peek()?;
        let values = points.chain(axis.include.iter().copied()).filter(|v| usable(axis, *v));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if axis.log {
            let pad = (high / low).powf(0.04).max(1.02);
            return Some((low / pad, high * pad));
        }
        let pad = 0.04 * (high - low);
        let pad = if pad > 0.0 { pad } else { low.abs().max(1.0) * 0.1 };
        // Zero as the smallest value is where counts and shares end: no gap below it.
        Some((if low == 0.0 && self.y.names.is_empty() { 0.0 } else { low - pad }, high + pad))
    }

    fn paint(&self, root: &Area<'_>, x: Option<(f64, f64)>, y: Option<(f64, f64)>) -> std::result::Result<(), String> {
        let below = self.head(root).map_err(said)?;
        let (Some(x), Some(y)) = (x, y) else {
            let style = text_style(TEXT, INK).pos(Pos::new(HPos::Center, VPos::Center));
            let middle = (self.size.0 * SCALE / 2, self.size.1 * SCALE / 2);
            return root.draw(&Text::new("nothing finite to draw", middle, style)).map_err(said);
        };
        match (self.x.log, self.y.log) {
            (false, false) => self.plot(&below, x.0..x.1, y.0..y.1),
            (true, false) => self.plot(&below, log_axis(x), y.0..y.1),
            (false, true) => self.plot(&below, x.0..x.1, log_axis(y)),
            (true, true) => self.plot(&below, log_axis(x), log_axis(y)),
        }
    }

    /// Title and legend; returns the area below them.
    fn head<'a>(&self, root: &Area<'a>) -> Drawn<Area<'a>> {
        let line = (TEXT * 1.5) as i32 * SCALE;
        let title = text_style(TEXT + 1.0, INK);
        let title = TextStyle { font: title.font.style(FontStyle::Bold), ..title };
        root.draw(&Text::new(self.title.clone(), (10 * SCALE, 6 * SCALE), title))?;
        let (mut left, mut top) = (10 * SCALE, 6 * SCALE + line);
        let named: Vec<&Mark> = self.marks.iter().filter(|m| !m.name.is_empty()).collect();
        for mark in &named {
            let width = (34.0 + 0.56 * TEXT * mark.name.chars().count() as f64) as i32 * SCALE;
            if left + width > self.size.0 * SCALE && left > 10 * SCALE {
                (left, top) = (10 * SCALE, top + line);
            }
            let middle = top + 7 * SCALE;
            swatch(root, mark, (left, middle))?;
            root.draw(&Text::new(mark.name.clone(), (left + 23 * SCALE, top), text_style(TEXT, INK)))?;
            left += width;
        }
        let bottom = if named.is_empty() { top } else { top + line };
        Ok(root.split_vertically(bottom).1)
    }

    fn plot<X, Y>(&self, area: &Area<'_>, x: X, y: Y) -> std::result::Result<(), String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let left = self.y_label_width();
        let mut chart = ChartBuilder::on(area)
            .margin_right(16 * SCALE)
            .margin_top(4 * SCALE)
            .x_label_area_size(44 * SCALE)
            .y_label_area_size(left * SCALE)
            .build_cartesian_2d(x, y)
            .map_err(said)?;
        let y_label = |v: &f64| self.y_label(*v);
        let ticks = if self.y.names.is_empty() { (self.size.1 / 45).max(3) as usize } else { self.y.names.len() + 2 };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT.stroke_width(SCALE as u32))
            .axis_style(INK.stroke_width(SCALE as u32))
            .set_all_tick_mark_size(4 * SCALE)
            .label_style(text_style(TEXT - 1.0, INK))
            .axis_desc_style(text_style(TEXT, INK))
            .x_desc(self.x.label.clone())
            .y_desc(self.y.label.clone())
            .x_labels(self.x_ticks())
            .y_labels(ticks)
            .x_label_formatter(&|v| tick(*v))
            .y_label_formatter(&y_label)
            .draw()
            .map_err(said)?;
        for mark in &self.marks {
            self.draw_mark(&mut chart, mark).map_err(said)?;
        }
        Ok(())
    }

    /// The most ticks of the horizontal axis.
    fn x_ticks(&self) -> usize {
        let room = (self.size.0 / 75) as usize;
        match self.range(&self.x, |p| p.0) {
            Some((low, high)) if self.x.whole => room.min((high - low) as usize + 1),
            _ if self.x.log => 6,
            _ => room,
        }
    }

    /// Room for the vertical axis's labels and its title, pixels.
    fn y_label_width(&self) -> i32 {
        match self.y.names.iter().map(|n| n.chars().count()).max() {
            None => 64,
            Some(longest) => 36 + (0.58 * TEXT * longest as f64) as i32,
        }
    }

    /// What stands at a tick of the vertical axis: the number, or the name at a whole number.
    fn y_label(&self, value: f64) -> String {
        if self.y.names.is_empty() {
            return tick(value);
        }
        let near = value.round();
        let index = ((value - near).abs() < 0.01 && near >= 0.0).then_some(near as usize);
        index.and_then(|i| self.y.names.get(i)).cloned().unwrap_or_default()
    }

    fn draw_mark<X, Y>(&self, chart: &mut Plot<'_, '_, X, Y>, mark: &Mark) -> Drawn<()>
    where
        X: plotters::coord::ranged1d::Ranged<ValueType = f64>,
        Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
    {
        let usable = |p: &(f64, f64)| usable(&self.x, p.0) && usable(&self.y, p.1);
        let colour = mark.colour;
        match &mark.shape {
            Shape::Line { width, opacity, dashed } => {
                let style = colour.mix(*opacity).filled().stroke_width(width * SCALE as u32);
                for piece in mark.points.split(|p| !usable(p)) {
                    draw_piece(chart, piece, style, *dashed)?;
                }
            }
            Shape::Dots => {
                let dots = mark.points.iter().filter(|p| usable(p));
                chart.draw_series(dots.map(|p| Circle::new(*p, 3 * SCALE, colour.filled())))?;
            }
            Shape::Measured(errors) => {
                let style = colour.stroke_width(SCALE as u32 * 3 / 2);
                let both = || mark.points.iter().zip(errors).filter(|(p, e)| usable(p) && e.is_finite());
                // A bar that reaches zero goes on to the edge of a logarithmic axis.
                let edge = chart.y_range().start;
                let low = |y: f64, e: f64| if self.y.log { (y - e).max(edge) } else { y - e };
                chart.draw_series(
                    both().map(|(p, e)| PathElement::new(vec![(p.0, low(p.1, *e)), (p.0, p.1 + e)], style)),
                )?;
                chart.draw_series(both().map(|(p, _)| Circle::new(*p, 3 * SCALE, colour.filled())))?;
            }
            Shape::Bars(edges) => {
                let bars = edges.windows(2).zip(&mark.points).filter(|(_, p)| usable(p));
                let corners = bars.filter_map(|(e, p)| Some([(*e.first()?, 0.0), (*e.last()?, p.1)]));
                let fill = colour.mix(0.4).filled();
                chart.draw_series(corners.clone().map(|c| Rectangle::new(c, fill)))?;
                let outline = colour.stroke_width(SCALE as u32);
                chart.draw_series(corners.map(|c| Rectangle::new(c, outline)))?;
            }
        }
        Ok(())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;
type Drawn<T> = std::result::Result<T, DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>>;

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Without control characters, which no XML may hold.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn usable(axis: &Axis, value: f64) -> bool {
    value.is_finite() && value.abs() < 1e300 && (!axis.log || value > 0.0)
}

/// A logarithmic axis with its ticks; the library alone would mark little more than powers of ten.
fn log_axis(range: (f64, f64)) -> WithKeyPoints<LogCoord<f64>> {
    (range.0..range.1).log_scale().with_key_points(log_ticks(range.0, range.1))
}

fn text_style(size: f64, colour: RGBColor) -> TextStyle<'static> {
    // The backend divides by 1.24 what it was given.
    ("system-ui, sans-serif", size * 1.24 * f64::from(SCALE)).into_font().color(&colour)
}

/// One unbroken piece of a curve; a lone point is a dot.
fn draw_piece<X, Y>(chart: &mut Plot<'_, '_, X, Y>, piece: &[(f64, f64)], style: ShapeStyle, dashed: bool) -> Drawn<()>
where
    X: plotters::coord::ranged1d::Ranged<ValueType = f64>,
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    let outline = ShapeStyle { filled: false, ..style };
    match piece {
        [] => {}
        [one] => {
            chart.draw_series([Circle::new(*one, 2 * SCALE, style)])?;
        }
        _ if dashed => {
            chart.draw_series(DashedLineSeries::new(piece.to_vec(), 6 * SCALE, 4 * SCALE, outline))?;
        }
        _ => {
            chart.draw_series(LineSeries::new(piece.to_vec(), outline))?;
        }
    }
    Ok(())
}

/// The legend's sample of a mark, with its left end at `at`.
fn swatch(root: &Area<'_>, mark: &Mark, at: (i32, i32)) -> Drawn<()> {
    let end = at.0 + 18 * SCALE;
    match &mark.shape {
        Shape::Line { width, opacity, dashed } => {
            let style = mark.colour.mix(*opacity).stroke_width(width * SCALE as u32);
            let pieces = if *dashed { vec![(0, 7), (11, 18)] } else { vec![(0, 18)] };
            for (from, to) in pieces {
                root.draw(&PathElement::new(vec![(at.0 + from * SCALE, at.1), (at.0 + to * SCALE, at.1)], style))?;
            }
            Ok(())
        }
        Shape::Dots | Shape::Measured(_) => {
            root.draw(&Circle::new((at.0 + 9 * SCALE, at.1), 3 * SCALE, mark.colour.filled()))
        }
        Shape::Bars(_) => {
            let corners = [(at.0, at.1 - 5 * SCALE), (end, at.1 + 5 * SCALE)];
            root.draw(&Rectangle::new(corners, mark.colour.mix(0.4).filled()))
        }
    }
}

/// Curves in one picture: what a notebook plots. Each is a name and its points.
///
/// # Errors
/// [`ReportError::Drawing`] if the drawing library fails.
pub fn plot_lines(title: &str, xlabel: &str, ylabel: &str, curves: &[(&str, Vec<(f64, f64)>)]) -> Result<Svg> {
    curves
        .iter()
        .fold(Chart::new(title, xlabel, ylabel), |chart, (name, points)| chart.line(name, points.clone()))
        .svg()
}
