//! Property trees: JSON objects that are changed by path (classroom specification, section 2.0).
//!
//! A key without a dot replaces what stands under it; a key with dots sets one leaf and makes what is missing above
//! it. Events name what changed by dotted paths; what is gone has the value `"deleted"`.

use serde_json::{Map, Number, Value};

use crate::Refusal;

/// A tree, or a change to one by dotted paths.
pub type Tree = Map<String, Value>;

/// The most bytes of one tree, as JSON.
pub const TREE_BYTES: usize = 256 * 1024;
/// Objects within each other, at the most.
const DEPTH: usize = 16;
/// The most bytes of a path.
const PATH_BYTES: usize = 512;

fn parts(path: &str) -> Result<Vec<&str>, Refusal> {
    let parts: Vec<&str> = path.split('.').collect();
    let fits = path.len() <= PATH_BYTES && parts.len() <= DEPTH;
    if !fits || parts.iter().any(|part| part.is_empty()) {
        let what = "properties: a key has names that are not empty, joined by dots, 16 of them and 512 bytes at the most";
        return Err(Refusal::argument(what));
    }
    Ok(parts)
}

fn set(tree: &mut Tree, parts: &[&str], value: Value) {
    let Some((last, above)) = parts.split_last() else { return };
    let mut at = tree;
    for part in above {
        let below = at.entry(*part).or_insert_with(|| Value::Object(Tree::new()));
        if !below.is_object() {
            *below = Value::Object(Tree::new());
        }
        let Value::Object(below) = below else { return };
        at = below;
    }
    at.insert((*last).to_owned(), value);
}

fn remove(tree: &mut Tree, parts: &[&str]) -> bool {
    let Some((last, above)) = parts.split_last() else { return false };
    let mut at = tree;
    for part in above {
        let Some(Value::Object(below)) = at.get_mut(*part) else { return false };
        at = below;
    }
    at.remove(*last).is_some()
}

/// The value at a dotted path.
pub fn get<'a>(tree: &'a Tree, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = tree.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_object()?.get(part))
}

/// What is to be done to a tree, in this order: set, add, remove.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Values by key or dotted path.
    pub set: Tree,
    /// Numbers to add, by dotted path.
    pub increments: Tree,
    /// Paths to remove.
    pub remove: Vec<String>,
}

impl Edit {
    /// Sets these.
    pub fn set(set: Tree) -> Self {
        Self { set, ..Self::default() }
    }

    /// Removes these.
    pub fn remove(remove: Vec<String>) -> Self {
        Self { remove, ..Self::default() }
    }

    /// The tree after the edit, and what changed, by dotted path.
    ///
    /// # Errors
    /// [`Refusal::Argument`] for a path that is none, a sum that is no number, and a tree that becomes larger than
    /// [`TREE_BYTES`].
    pub fn apply(self, tree: &Tree) -> Result<(Tree, Tree), Refusal> {
        self.apply_up_to(tree, TREE_BYTES)
    }

    /// As [`Self::apply`], with another bound.
    pub(crate) fn apply_up_to(self, tree: &Tree, most: usize) -> Result<(Tree, Tree), Refusal> {
        let (mut after, mut changed) = (tree.clone(), Tree::new());
        for (path, value) in self.set {
            set(&mut after, &parts(&path)?, value.clone());
            changed.insert(path, value);
        }
        for (path, by) in self.increments {
            let sum = sum(get(&after, &path), &by).ok_or_else(|| {
                Refusal::argument(format!(
                    "increments.{path}: must be a number, and what it is added to too"
                ))
            })?;
            set(&mut after, &parts(&path)?, sum.clone());
            changed.insert(path, sum);
        }
        for path in self.remove {
            if remove(&mut after, &parts(&path)?) {
                changed.insert(path, Value::from("deleted"));
            }
        }
        let bytes = serde_json::to_vec(&after).map_or(usize::MAX, |json| json.len());
        if bytes > most {
            let what = format!("properties: {bytes} bytes together; at most {most} are kept");
            return Err(Refusal::argument(what));
        }
        Ok((after, changed))
    }
}

fn sum(value: Option<&Value>, by: &Value) -> Option<Value> {
    let (value, by) = (value.map_or(Some(&Number::from(0)), number).cloned(), number(by)?);
    let value = value?;
    match (value.as_i64(), by.as_i64()) {
        (Some(a), Some(b)) => a.checked_add(b).map(Value::from),
        _ => Number::from_f64(value.as_f64()? + by.as_f64()?).map(Value::Number),
    }
}

const fn number(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// The same changes, with `above` before each path.
pub fn below(above: &str, changed: Tree) -> Tree {
    changed.into_iter().map(|(path, value)| (format!("{above}.{path}"), value)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(value: Value) -> Tree {
        match value {
            Value::Object(tree) => tree,
            other => panic!("{other} is no tree"),
        }
    }

    #[test]
    fn a_plain_key_replaces_and_a_dotted_one_sets_a_leaf() {
        let before = tree(json!({"a": {"x": 1, "y": 2}, "b": 3}));
        let edit = Edit::set(tree(json!({"a": {"z": 1}, "c.d.e": [1]})));
        let (after, changed) = edit.apply(&before).unwrap();
        assert_eq!(
            Value::Object(after.clone()),
            json!({"a": {"z": 1}, "b": 3, "c": {"d": {"e": [1]}}})
        );
        assert_eq!(Value::Object(changed), json!({"a": {"z": 1}, "c.d.e": [1]}));
        let (after, changed) =
            Edit::remove(vec!["c.d".into(), "no.such".into(), "b".into()]).apply(&after).unwrap();
        assert_eq!(Value::Object(after), json!({"a": {"z": 1}, "c": {}}));
        assert_eq!(Value::Object(changed), json!({"b": "deleted", "c.d": "deleted"}));
    }

    #[test]
    fn numbers_are_added_up_from_nothing() {
        let edit = |by: Value| Edit { increments: tree(json!({"a.n": by})), ..Edit::default() };
        let (after, _) = edit(json!(2)).apply(&Tree::new()).unwrap();
        let (after, changed) = edit(json!(-5)).apply(&after).unwrap();
        assert_eq!(get(&after, "a.n"), Some(&json!(-3)));
        assert_eq!(Value::Object(changed), json!({"a.n": -3}));
        assert!(edit(json!("x")).apply(&after).is_err());
        assert!(
            Edit { increments: tree(json!({"a": 1})), ..Edit::default() }.apply(&after).is_err()
        );
    }

    #[test]
    fn what_is_no_path_or_too_large_is_refused() {
        for path in ["", ".", "a..b", &"a.".repeat(20), &"a".repeat(600)] {
            let edit = Edit::set([(path.to_owned(), json!(1))].into_iter().collect());
            assert!(edit.apply(&Tree::new()).is_err(), "{path}");
        }
        let large = Edit::set(tree(json!({"a": "x".repeat(TREE_BYTES)})));
        assert!(large.apply(&Tree::new()).is_err());
    }
}
