//! Writes databases in MaxMind's format (MaxMind DB File Format Specification, version 2.0), with what a
//! test needs: records of 24 bits, an IPv6 tree in which IPv4 lies below `::/96`.

use std::net::IpAddr;

/// What a node of the tree leads to.
#[derive(Clone, Copy)]
enum Leads {
    Nowhere,
    Node(usize),
    /// Offset in the data.
    Data(usize),
}

/// A value of the format.
pub(crate) enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Number(u32),
    Long(u64),
    /// A list without anything in it.
    Empty,
    Map(&'a [(&'a str, Value<'a>)]),
}

impl Value<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        /// Type and size, for sizes below 29.
        fn head(kind: u8, size: usize, out: &mut Vec<u8>) {
            let size = u8::try_from(size).unwrap();
            assert!(size < 29, "longer ones are not needed");
            out.push(kind << 5 | size);
        }
        match self {
            Self::Text(text) => {
                head(2, text.len(), out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Short(number) => {
                head(5, 2, out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Long(number) => {
                // An extended type: its number less 7 comes after.
                head(0, 8, out);
                out.push(9 - 7);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Empty => {
                head(0, 0, out);
                out.push(11 - 7);
            }
            Self::Number(number) => {
                head(6, 4, out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Map(entries) => {
                head(7, entries.len(), out);
                for (key, value) in *entries {
                    Value::Text(key).write(out);
                    value.write(out);
                }
            }
        }
    }
}

/// A database in which each range (address, bits) has its value.
pub(crate) fn database(ranges: &[(&str, u32, Value<'_>)]) -> Vec<u8> {
    let mut nodes = vec![[Leads::Nowhere; 2]];
    let mut data = Vec::new();
    for (address, bits, value) in ranges {
        let (path, bits) = match address.parse::<IpAddr>().unwrap() {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), bits + 96),
            IpAddr::V6(ip) => (ip.into(), *bits),
        };
        let offset = data.len();
        value.write(&mut data);
        let mut node = 0;
        for depth in 0..bits {
            let side = usize::from(path >> (127 - depth) & 1 == 1);
            if depth + 1 == bits {
                nodes[node][side] = Leads::Data(offset);
            } else if let Leads::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Leads::Nowhere; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Leads::Node(next);
                node = next;
            }
        }
    }
    let mut out = Vec::new();
    for sides in &nodes {
        for leads in sides {
            let number = match leads {
                Leads::Nowhere => nodes.len(),
                Leads::Node(node) => *node,
                Leads::Data(offset) => nodes.len() + 16 + offset,
            };
            out.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
        }
    }
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let nodes = u32::try_from(nodes.len()).unwrap();
    Value::Map(&[
        ("binary_format_major_version", Value::Short(2)),
        ("binary_format_minor_version", Value::Short(0)),
        ("build_epoch", Value::Long(1_800_000_000)),
        ("database_type", Value::Text("Test-Country")),
        ("description", Value::Map(&[])),
        ("languages", Value::Empty),
        ("ip_version", Value::Short(6)),
        ("node_count", Value::Number(nodes)),
        ("record_size", Value::Short(24)),
    ])
    .write(&mut out);
    out
}
