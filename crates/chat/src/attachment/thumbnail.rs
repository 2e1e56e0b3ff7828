//! Small images of large ones, made under bounds: strangers' bytes are decoded here.
//!
//! What a decoder may cost is bounded four times: bytes of the image, pixels, memory, and time. At most
//! two are made at once, away from the runtime's threads. Whatever is refused, cannot be read or takes
//! too long has no thumbnail, and the image itself is served in its place. A thumbnail holds pixels only:
//! where a photograph was taken is not in it.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use stoa_core::limits;
use stoa_metrics::attachments::{THUMBNAILS, Thumbnail};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Error;

/// Formats that are decoded.
const FORMATS: &[ImageFormat] =
    &[ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];
/// How good a JPEG thumbnail is, of 100.
const QUALITY: u8 = 80;
/// Thumbnails that are made at once, at the most.
const MOST_AT_ONCE: usize = 2;

/// How large a thumbnail may be, in pixels. The image keeps its proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThumbnailSize {
    width: u32,
    height: u32,
}

impl Default for ThumbnailSize {
    fn default() -> Self {
        Self { width: limits::THUMBNAIL_SIDE, height: limits::THUMBNAIL_SIDE }
    }
}

impl ThumbnailSize {
    /// The size that two texts say; what is not said is as by default.
    ///
    /// # Errors
    /// [`Error::Upload`] for what is no number of pixels in range.
    pub fn read(width: Option<&str>, height: Option<&str>) -> Result<Self, Error> {
        let side = |field, text: Option<&str>| {
            let most = limits::THUMBNAIL_SIDE_MOST;
            let Some(text) = text else { return Ok(limits::THUMBNAIL_SIDE) };
            let side = text.trim().parse().ok().filter(|side| (1..=most).contains(side));
            let problem = || format!("must be a whole number of pixels from 1 to {most}");
            side.ok_or_else(|| Error::upload(field, problem()))
        };
        Ok(Self {
            width: side("thumbnail-width", width)?,
            height: side("thumbnail-height", height)?,
        })
    }
}

/// A thumbnail, encoded.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
}

/// Makes thumbnails, few at once.
pub(crate) struct Thumbnails {
    turns: Arc<Semaphore>,
}

impl Default for Thumbnails {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new((cores / 2).clamp(1, MOST_AT_ONCE))) }
    }
}

impl Thumbnails {
    /// The thumbnail of the image that `source` gives when it is its turn; none if it cannot be had in
    /// time.
    pub(super) async fn make(
        &self,
        source: impl Future<Output = Option<Vec<u8>>>,
        size: ThumbnailSize,
    ) -> Option<Made> {
        let until = Instant::now() + limits::THUMBNAIL_DEADLINE;
        let made = timeout(limits::THUMBNAIL_DEADLINE, async {
            let turn = self.turns.clone().acquire_owned().await.ok()?;
            let source = source.await?;
            // The turn ends with the work, whether somebody still waits for it or not.
            let work = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                make(source, size, until)
            });
            // A decoder that panicked made nothing.
            work.await.ok().flatten()
        });
        let made = made.await.ok().flatten();
        let outcome = if made.is_some() { Thumbnail::Made } else { Thumbnail::None };
        THUMBNAILS.of(outcome).inc();
        made
    }
}

fn make(source: Vec<u8>, size: ThumbnailSize, until: Instant) -> Option<Made> {
    let original = source.len();
    let source = Patient { source: Cursor::new(source), until };
    let mut reader = ImageReader::new(source).with_guessed_format().ok()?;
    reader.format().filter(|format| FORMATS.contains(format))?;
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(limits::IMAGE_MEMORY);
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let small = width <= size.width && height <= size.height;
    if small || pixels > limits::IMAGE_PIXELS || decoder.total_bytes() > limits::IMAGE_MEMORY {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).ok()?;
    if Instant::now() >= until {
        return None;
    }
    let mut image = image.thumbnail(size.width, size.height);
    image.apply_orientation(orientation);
    let mut bytes = Vec::new();
    let content_type = if image.color().has_alpha() {
        let image = DynamicImage::ImageRgba8(image.into_rgba8());
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).ok()?;
        "image/png"
    } else {
        JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&image.into_rgb8()).ok()?;
        "image/jpeg"
    };
    (bytes.len() < original).then_some(Made { bytes, content_type })
}

/// An image whose reading fails when the time is over, so that a decoder that loops ends.
struct Patient {
    source: Cursor<Vec<u8>>,
    until: Instant,
}

impl Patient {
    fn check(&self) -> io::Result<()> {
        if Instant::now() < self.until { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.source.read(into)
    }
}

impl BufRead for Patient {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
    }
}

impl Seek for Patient {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.check()?;
        self.source.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// An image that does not compress well.
    fn noise(width: u32, height: u32) -> DynamicImage {
        let noise = |x: u32, y: u32| {
            let n = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503))
                .wrapping_mul(2_246_822_519);
            n.to_le_bytes()
        };
        let pixel = |x, y| {
            let [a, b, c, _] = noise(x, y);
            Rgb([a, b, c])
        };
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
    }

    #[test]
    fn every_format_gets_a_small_image_of_its_proportions() {
        for format in FORMATS {
            let source = encoded(&noise(400, 200), *format);
            let made = make(source, ThumbnailSize::default(), soon()).unwrap();
            let small = image::load_from_memory(&made.bytes).unwrap();
            assert_eq!((small.width(), small.height()), (170, 85), "{format:?}");
            assert!(matches!(made.content_type, "image/jpeg" | "image/png"), "{format:?}");
        }
    }

    #[test]
    fn what_is_see_through_stays_so() {
        let image = RgbaImage::from_fn(300, 300, |x, y| {
            let byte = |n: u32| u8::try_from(n % 256).unwrap();
            Rgba([byte(x * y), byte(x ^ y), 7, 100])
        });
        let source = encoded(&DynamicImage::ImageRgba8(image), ImageFormat::Png);
        let made = make(source, ThumbnailSize::default(), soon()).unwrap();
        assert_eq!(made.content_type, "image/png");
        assert!(image::load_from_memory(&made.bytes).unwrap().color().has_alpha());
    }

    #[test]
    fn a_small_image_is_its_own() {
        let source = encoded(&noise(170, 170), ImageFormat::Png);
        assert!(make(source, ThumbnailSize::default(), soon()).is_none());
    }

    #[test]
    fn bombs_cut_images_and_other_bytes_have_none() {
        // A PNG of 60,000 by 60,000 pixels in a few bytes; the sum over its head is right.
        let mut bomb = encoded(&noise(1, 1), ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let sum = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        let mut gif = encoded(&noise(1, 1), ImageFormat::Gif);
        gif[6..10].fill(0xFF);
        for source in
            [bomb, gif, Vec::new(), b"GIF89a".to_vec(), b"<svg/>".to_vec(), vec![0xFF; 99]]
        {
            assert!(make(source, ThumbnailSize::default(), soon()).is_none());
        }
        let whole = encoded(&noise(400, 400), ImageFormat::Png);
        for cut in [8, 40, whole.len() / 2] {
            // Whatever comes of it, it ends.
            let _ = make(whole[..cut].to_vec(), ThumbnailSize::default(), soon());
        }
    }

    #[test]
    fn when_the_time_is_over_it_ends() {
        let source = encoded(&noise(400, 200), ImageFormat::Png);
        assert!(make(source, ThumbnailSize::default(), Instant::now()).is_none());
    }

    #[test]
    fn sizes_are_read_in_their_range() {
        let read = ThumbnailSize::read;
        assert_eq!(read(None, None).unwrap(), ThumbnailSize { width: 170, height: 170 });
        assert_eq!(
            read(Some("40"), Some("1024")).unwrap(),
            ThumbnailSize { width: 40, height: 1024 }
        );
        for text in ["0", "1025", "-1", "many", "1e3", "99999999999"] {
            let problem = read(Some(text), None).unwrap_err().to_string();
            assert_eq!(problem, "thumbnail-width: must be a whole number of pixels from 1 to 1024");
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let step = |sum: u32, byte: &u8| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 * (sum & 1)))
        };
        !bytes.iter().fold(u32::MAX, step)
    }
}
