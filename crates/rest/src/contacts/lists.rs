//! The lists of contacts.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_chat::Contact;
use stoa_core::limits;

use crate::Rest;
use crate::auth::AnyCaller;
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::users::named;

/// A contact with what its owner noted, null for nothing.
fn with_remark(contact: &Contact) -> Value {
    json!({ "username": contact.user.as_str(), "remark": contact.remark })
}

/// `GET /{org}/{app}/users/{user}/contacts/users`: R027, all contacts, the newest first: their names in
/// `data`. With `needReturnRemark=true` also `entities` of `{username, remark}`.
///
/// Errors: 401 for another user's token, 404.
pub(crate) async fn all(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let remarks = query.flag("needReturnRemark")?;
    let user = named(&rest, &caller, &user).await?;
    let contacts = rest.chat.contacts(&caller, &user).await?;
    let names: Vec<&str> = contacts.iter().map(|contact| contact.user.as_str()).collect();
    let mut reply = Full::of(&*caller).data(json!(names)).count(contacts.len());
    if remarks {
        reply.entities = contacts.iter().map(with_remark).collect();
    }
    Ok(reply.into())
}

/// `GET /{org}/{app}/users/{user}/contacts?limit&cursor&needReturnRemark`, also under `/user/…` (U06):
/// R028, a page of 1 to 50 (10), the newest first. `data.cursor` is empty on the last page.
///
/// Errors: 400 for a limit out of range or a cursor that is none; 401 for another user's token; 404.
pub(crate) async fn page(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let limit = query.whole("limit", 1..=limits::CONTACT_PAGE, limits::LIST_PAGE_DEFAULT)?;
    let remarks = query.flag("needReturnRemark")?;
    let user = named(&rest, &caller, &user).await?;
    let page = rest.chat.contact_page(&caller, &user, limit, query.get("cursor")?).await?;
    let contacts = page.contacts.iter().map(|contact| match remarks {
        true => with_remark(contact),
        false => json!({ "username": contact.user.as_str(), "remark": null }),
    });
    let data = json!({
        "contacts": contacts.collect::<Vec<Value>>(),
        "cursor": page.cursor.as_deref().unwrap_or_default(),
    });
    let count = page.contacts.len();
    Ok(Full::of(&*caller).data(data).count(count).cursor(page.cursor).into())
}
