//! Pictures: arrays, folders of files, sheets of tiles, with a table of what is known about each.

use super::error::{DataError, DataErrors};
use super::load::Intake;
use super::npy;
use super::options::{FileEntry, Files, ImageSource, Images, Part};
use super::read::read_files;
use super::table::{Cells, Column, Segment, Table};

/// Pictures of one size.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageSet {
    /// How many.
    pub count: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// count × height × width × channels values, 0 black to 1 full.
    pub pixels: Vec<f32>,
}

impl ImageSet {
    /// Values a picture.
    #[must_use]
    pub fn size(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// One picture, height × width × channels.
    #[must_use]
    pub fn image(&self, index: usize) -> &[f32] {
        self.pixels.get(index * self.size()..(index + 1) * self.size()).unwrap_or(&[])
    }

    /// Appends pictures of the same size.
    fn append(&mut self, more: Self, file: &str) -> Result<(), DataError> {
        if self.count == 0 {
            *self = more;
            return Ok(());
        }
        let size = |set: &Self| (set.height, set.width, set.channels);
        if size(self) != size(&more) {
            let reason = format!(
                "pictures of {:?} (height, width, channels) follow pictures of {:?}; all must be of one size",
                size(&more),
                size(self)
            );
            return Err(DataError::format(file, reason));
        }
        self.count += more.count;
        self.pixels.extend(more.pixels);
        Ok(())
    }
}

/// Reads all pictures and their table, one row a picture.
///
/// # Errors
/// Files that are no pictures, sizes that differ, tiles that do not fit, labels that are not one a picture.
pub fn read_images(intake: &Intake<'_>, options: &Images) -> Result<(ImageSet, Table), DataErrors> {
    let (set, mut table) = match &options.source {
        ImageSource::Array(files) => read_each(intake, files, |bytes, entry, _| {
            let set = array(&entry.path, bytes)?;
            let rows = set.count;
            Ok((set, Table::new(&entry.path, rows, Vec::new(), Vec::new())))
        })?,
        ImageSource::Folder { path, color } => folder(intake, path, *color)?,
        ImageSource::Sheet { files, tile, row, column, color } => read_each(intake, files, |bytes, entry, first| {
            sheet(&entry.path, bytes, *tile, (row, column), *color, first)
        })?,
    };
    if let Some(labels) = &options.labels {
        let labels = read_files(intake, labels)?;
        if labels.rows != table.rows {
            let reason =
                format!("{} rows of labels for {} pictures; one a picture, in their order", labels.rows, table.rows);
            return Err(DataError::option("images: labels", reason).into());
        }
        // Messages about labels should name the file of labels; parts stay those of the pictures.
        if table.segments.iter().all(|segment| segment.part.is_none()) {
            table.segments = labels.segments;
        }
        for column in labels.columns {
            if table.column(&column.name).is_some() {
                return Err(DataError::DuplicateColumn { file: "labels".to_owned(), column: column.name }.into());
            }
            table.columns.push(column);
        }
    }
    Ok((set, table))
}

type ReadOne<'a> = dyn Fn(&[u8], &FileEntry, usize) -> Result<(ImageSet, Table), DataError> + 'a;

/// Reads files one after the other; the reader is told how many rows of tiles came before.
fn read_each(
    intake: &Intake<'_>,
    files: &Files,
    read: impl Fn(&[u8], &FileEntry, usize) -> Result<(ImageSet, Table), DataError>,
) -> Result<(ImageSet, Table), DataErrors> {
    let read: &ReadOne<'_> = &read;
    let mut whole = (ImageSet::default(), Table::default());
    let mut tile_rows = 0;
    for (part, entry) in files.entries() {
        let bytes = intake.read(&entry.path)?;
        let (set, mut table) = read(&bytes, entry, tile_rows)?;
        if let Some(Cells::Numbers(rows)) = table.columns.first().map(|column| &column.cells) {
            tile_rows = rows.last().map_or(tile_rows, |last| *last as usize + 1);
        }
        for (name, value) in &entry.with {
            table.add_constant(name, value)?;
        }
        append(&mut whole, set, table, part, &entry.path)?;
    }
    Ok(whole)
}

fn append(
    whole: &mut (ImageSet, Table),
    set: ImageSet,
    mut table: Table,
    part: Option<Part>,
    file: &str,
) -> Result<(), DataErrors> {
    table.set_part(part);
    whole.0.append(set, file)?;
    whole.1.append(table).map_err(DataErrors)
}

fn array(file: &str, bytes: &[u8]) -> Result<ImageSet, DataError> {
    let array = npy::read_array(file, bytes)?;
    let Cells::Numbers(values) = array.cells else {
        return Err(DataError::format(file, "text where pixels should be"));
    };
    let (count, height, width, channels) = match array.shape.as_slice() {
        [n, h, w] => (*n, *h, *w, 1),
        [n, h, w, c @ (1 | 3)] => (*n, *h, *w, *c),
        shape => {
            return Err(DataError::format(
                file,
                format!("shape {shape:?}; pictures are [n, h, w] or [n, h, w, 1 or 3]"),
            ));
        }
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let picture = at / (height * width * channels).max(1);
        return Err(DataError::format(
            file,
            format!("picture {} holds the value {}", picture + 1, values.get(at).copied().unwrap_or(f64::NAN)),
        ));
    }
    let scale = array.full_scale.unwrap_or(1.0);
    let pixels = values.iter().map(|value| (value / scale) as f32).collect();
    Ok(ImageSet { count, height, width, channels, pixels })
}

/// Decodes PNG or JPEG; refuses pictures that would unpack to more than the library's default 512 MiB.
fn decode(file: &str, bytes: &[u8], color: bool) -> Result<ImageSet, DataError> {
    let bad = |error: &dyn std::fmt::Display| DataError::format(file, format!("not a PNG or JPEG picture: {error}"));
    let reader =
        image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().map_err(|error| bad(&error))?;
    let picture = reader.decode().map_err(|error| bad(&error))?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (channels, pixels) =
        if color { (3, picture.into_rgb32f().into_raw()) } else { (1, picture.into_luma32f_one()) };
    Ok(ImageSet { count: 1, height, width, channels, pixels })
}

trait IntoLuma {
    fn into_luma32f_one(self) -> Vec<f32>;
}

impl IntoLuma for image::DynamicImage {
    /// Grey in 0..1; grey pictures keep their levels exactly.
    fn into_luma32f_one(self) -> Vec<f32> {
        match self {
            Self::ImageLuma8(grey) => grey.into_raw().into_iter().map(|level| f32::from(level) / 255.0).collect(),
            other => other.into_luma16().into_raw().into_iter().map(|level| f32::from(level) / 65535.0).collect(),
        }
    }
}

fn folder(intake: &Intake<'_>, path: &str, color: bool) -> Result<(ImageSet, Table), DataErrors> {
    let is_picture = |name: &String| {
        let lower = name.to_lowercase();
        [".png", ".jpg", ".jpeg"].iter().any(|ending| lower.ends_with(ending))
    };
    let files: Vec<String> = intake.list(path)?.into_iter().filter(is_picture).collect();
    if files.is_empty() {
        return Err(
            DataError::Read { file: path.to_owned(), reason: "no PNG or JPEG below this folder".to_owned() }.into()
        );
    }
    let mut set = ImageSet::default();
    let mut table = Table { rows: files.len(), ..Table::default() };
    let (mut names, mut folders) = (Vec::new(), Vec::new());
    for (start, file) in files.iter().enumerate() {
        set.append(decode(file, &intake.read(file)?, color)?, file)?;
        table.segments.push(Segment { file: file.as_str().into(), start, rows: 1, part: None, lines: Vec::new() });
        let mut parts = file.rsplit(['/', '\\']);
        names.push(parts.next().unwrap_or_default().to_owned());
        folders.push(parts.next().unwrap_or_default().to_owned());
    }
    table.columns = vec![Column::text("file", names), Column::text("folder", folders)];
    Ok((set, table))
}

/// Cuts a picture into tiles, row by row.
fn sheet(
    file: &str,
    bytes: &[u8],
    tile: (usize, usize),
    names: (&str, &str),
    color: bool,
    first: usize,
) -> Result<(ImageSet, Table), DataError> {
    let whole = decode(file, bytes, color)?;
    let (width, height) = tile;
    if width == 0 || height == 0 || whole.width % width != 0 || whole.height % height != 0 {
        let reason = format!("{}×{} pixels do not divide into tiles of {width}×{height}", whole.width, whole.height);
        return Err(DataError::format(file, reason));
    }
    let (across, down, channels) = (whole.width / width, whole.height / height, whole.channels);
    let mut pixels = Vec::with_capacity(whole.pixels.len());
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    for row in 0..down {
        for column in 0..across {
            for line in row * height..(row + 1) * height {
                let start = (line * whole.width + column * width) * channels;
                pixels.extend_from_slice(whole.pixels.get(start..start + width * channels).unwrap_or(&[]));
            }
            rows.push((first + row) as f64);
            columns.push(column as f64);
        }
    }
    let count = across * down;
    let table = vec![Column::numbers(names.0, Vec::new(), rows), Column::numbers(names.1, Vec::new(), columns)];
    Ok((ImageSet { count, height, width, channels, pixels }, Table::new(file, count, table, Vec::new())))
}
