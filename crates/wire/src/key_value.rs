//! Typed map entries: a message's `ext`, a custom message's parameters.

/// One entry of a map that keeps the type of its value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KeyValue {
    /// The key.
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    /// What the value means, a [`ValueType`].
    #[prost(enumeration = "ValueType", optional, tag = "2")]
    pub kind: Option<i32>,
    /// The value.
    #[prost(oneof = "Value", tags = "3, 4, 5, 6")]
    pub value: Option<Value>,
}

/// How the value of a [`KeyValue`] is written.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Value {
    /// Booleans and integers.
    #[prost(int64, tag = "3")]
    Varint(i64),
    /// Numbers of single precision.
    #[prost(float, tag = "4")]
    Float(f32),
    /// Numbers of double precision.
    #[prost(double, tag = "5")]
    Double(f64),
    /// Text and JSON.
    #[prost(string, tag = "6")]
    String(String),
}

/// What the value of a [`KeyValue`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ValueType {
    /// A boolean in [`Value::Varint`].
    Bool = 1,
    /// A signed 32-bit number in [`Value::Varint`]; the client writes every integer so.
    Int = 2,
    /// An unsigned 32-bit number in [`Value::Varint`].
    Uint = 3,
    /// A signed 64-bit number in [`Value::Varint`].
    Llint = 4,
    /// A number in [`Value::Float`].
    Float = 5,
    /// A number in [`Value::Double`].
    Double = 6,
    /// A text in [`Value::String`].
    String = 7,
    /// An object, array or null as JSON in [`Value::String`].
    JsonString = 8,
}

impl KeyValue {
    /// A boolean.
    pub fn bool(key: &str, value: bool) -> Self {
        Self::new(key, ValueType::Bool, Value::Varint(value.into()))
    }

    /// An integer, as the client writes it.
    pub fn int(key: &str, value: i64) -> Self {
        Self::new(key, ValueType::Int, Value::Varint(value))
    }

    /// A number with a fraction.
    pub fn double(key: &str, value: f64) -> Self {
        Self::new(key, ValueType::Double, Value::Double(value))
    }

    /// A text.
    pub fn string(key: &str, value: &str) -> Self {
        Self::new(key, ValueType::String, Value::String(value.to_owned()))
    }

    /// An object, an array or null, already written as JSON.
    pub fn json(key: &str, json: String) -> Self {
        Self::new(key, ValueType::JsonString, Value::String(json))
    }

    fn new(key: &str, kind: ValueType, value: Value) -> Self {
        Self { key: Some(key.to_owned()), kind: Some(kind.into()), value: Some(value) }
    }
}
