//! A second protobuf encoder, written from the encoding's definition and not from the crate: keys
//! and lengths are base-128 with the low group first, a key is number * 8 + wire type.

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let group = u8::try_from(value % 128).unwrap();
        value /= 128;
        if value == 0 {
            out.push(group);
            return out;
        }
        out.push(group + 128);
    }
}

pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field * 8), varint(value)].concat()
}

pub(crate) fn double(field: u64, value: f64) -> Vec<u8> {
    [varint(field * 8 + 1), value.to_le_bytes().to_vec()].concat()
}

pub(crate) fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [varint(field * 8 + 2), varint(value.len() as u64), value.to_vec()].concat()
}

pub(crate) fn message(field: u64, parts: &[Vec<u8>]) -> Vec<u8> {
    bytes(field, parts.concat())
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}
