//! The rows, by subject.

mod contacts;
mod files;
mod groups;
mod messages;
mod rooms;
mod users;

use super::row::Row;

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = users::rows();
    rows.extend(contacts::rows());
    rows.extend(groups::rows());
    rows.extend(rooms::rows());
    rows.extend(messages::rows());
    rows.extend(files::rows());
    rows
}
