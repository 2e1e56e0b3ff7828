//! SPDX licence expressions, as far as package manifests use them.
//!
//! `A OR B` is fine when one side is, `A AND B` when both are; `WITH` names an exception that is
//! allowed together with its licence or not at all; `/` is Cargo's old spelling of `OR`. Source:
//! the SPDX specification, annex "SPDX license expressions".

/// Whether the expression can be satisfied with allowed licences only.
///
/// # Errors
///
/// A sentence when the expression cannot be read.
pub(crate) fn satisfied(expression: &str, allowed: &[&str]) -> Result<bool, String> {
    let words = words(expression);
    let mut reader = Reader { words: &words, allowed };
    let verdict = reader.either();
    match (verdict, reader.words) {
        (Some(verdict), []) => Ok(verdict),
        _ => Err(format!("`{expression}` is not a licence expression")),
    }
}

fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Reader<'a> {
    words: &'a [String],
    allowed: &'a [&'a str],
}

impl Reader<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut verdict = self.both()?;
        while self.take("OR") {
            verdict |= self.both()?;
        }
        Some(verdict)
    }

    fn both(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let verdict = self.either()?;
            return self.take(")").then_some(verdict);
        }
        let mut licence = self.next_name()?;
        // "This version or any later one": we take this version.
        if let Some(this) = licence.strip_suffix('+') {
            licence = this.to_owned();
        }
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.next_name()?);
        }
        Some(self.allowed.contains(&licence.as_str()))
    }

    fn next_name(&mut self) -> Option<String> {
        let (first, rest) = self.words.split_first()?;
        if ["OR", "AND", "WITH", "(", ")"].contains(&first.as_str()) {
            return None;
        }
        self.words = rest;
        Some(first.clone())
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    const ALLOWED: &[&str] = &["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];

    #[test]
    fn one_good_side_of_or_is_enough_both_sides_of_and_are_needed() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("ISC AND (Apache-2.0 OR GPL-2.0-only)", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
            ("MIT WITH LLVM-exception", false),
            ("Apache-2.0+", true),
            ("GPL-2.0+", false),
            ("GPL-2.0-only OR MIT AND ISC", true),
        ] {
            assert_eq!(satisfied(expression, ALLOWED), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        for nonsense in ["", "MIT OR", "(MIT", "MIT ISC", "AND MIT", "MIT)"] {
            assert!(satisfied(nonsense, ALLOWED).is_err(), "{nonsense}");
        }
    }
}
