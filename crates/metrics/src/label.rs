//! Labels with a closed set of values.

/// What tells the series of one metric apart.
pub trait Label: Copy + 'static {
    /// The label's name and its values, in the order of their cells.
    const DOC: LabelDoc;

    /// The cell of this value.
    fn cell(self) -> usize;
}

/// A label as the documentation tells it.
#[derive(Debug, Clone, Copy)]
pub struct LabelDoc {
    /// Its name.
    pub name: &'static str,
    /// Its values, each with its meaning. Empty when they are written elsewhere in the code.
    pub values: &'static [(&'static str, &'static str)],
}

/// Declares an enum of label values. The documentation of a variant is its meaning on the page.
macro_rules! label {
    (
        $(#[doc = $doc:literal])*
        $name:ident($label:literal) {
            $($(#[doc = $meaning:literal])* $value:ident = $text:literal,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $meaning])* $value,)*
        }

        impl $name {
            /// How many values there are.
            pub const COUNT: usize = [$($text),*].len();
        }

        impl $crate::Label for $name {
            const DOC: $crate::LabelDoc = $crate::LabelDoc {
                name: $label,
                values: &[$(($text, concat!($($meaning),*))),*],
            };

            fn cell(self) -> usize {
                self as usize
            }
        }
    };
}

pub(crate) use label;
