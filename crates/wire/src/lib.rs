//! The MSYNC protobuf types and their framing. No IO.
