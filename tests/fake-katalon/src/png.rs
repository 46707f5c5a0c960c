//! Small real PNG images: every viewer opens them, no encoder is needed.

const WIDTH: u32 = 48;
const HEIGHT: u32 = 27;

/// A PNG of one colour with a darker bar on top; the seed gives the colour.
pub fn png(seed: u64) -> Vec<u8> {
    let colour = [
        (seed >> 16) as u8 | 0x40,
        (seed >> 8) as u8 | 0x40,
        seed as u8 | 0x40,
    ];
    let mut pixels = Vec::new();

    for row in 0..HEIGHT {
        pixels.push(0);
        for _ in 0..WIDTH {
            pixels.extend(colour.map(|part| if row < 5 { part / 2 } else { part }));
        }
    }

    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(WIDTH.to_be_bytes());
    header.extend(HEIGHT.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &stored_zlib(&pixels));
    chunk(&mut file, b"IEND", &[]);

    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let mut body = kind.to_vec();
    body.extend(data);
    file.extend(&body);
    file.extend(crc32(&body).to_be_bytes());
}

/// A zlib stream with stored blocks only.
fn stored_zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff).count();

    for (at, block) in data.chunks(0xffff).enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(at + 1 == blocks));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }

    out.extend(adler32(data).to_be_bytes());

    out
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    (b << 16) | a
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }

    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn an_image_starts_and_ends_as_png_does() {
        let image = png(7);

        assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(image.ends_with(b"IEND\xaeB`\x82"));
        assert_ne!(image, png(9));
    }
}
