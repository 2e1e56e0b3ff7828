//! Operations on users: those of the rules of chat, called by the app's administrator.

use stoa_chat::{NewUser, User};
use stoa_core::{Caller, limits};

use super::{Answer, SecretText, Text, UserRequest, UserView};
use crate::failure::Failure;
use crate::node::Node;

pub(super) async fn carry_out(node: &Node, request: UserRequest) -> Result<Answer, Failure> {
    let chat = &node.chat;
    Ok(match request {
        UserRequest::Create { app: Text(app), user: Text(username), password, nickname } => {
            let caller = node.administer(&app).await?;
            let password = password.map(|SecretText(password)| password);
            let new = NewUser { username, password, nickname };
            match chat.register(&caller, vec![new]).await?.created.first() {
                Some(user) => shown(node, &caller, user)?,
                None => {
                    return Err(Failure::Refused("there is a user with that name already".into()));
                }
            }
        }
        UserRequest::List { app: Text(app), cursor } => {
            let caller = node.administer(&app).await?;
            let page = chat.users(&caller, limits::LIST_PAGE, cursor.as_deref()).await?;
            let users = page.users.iter().map(|user| view(node, &caller, user));
            Answer::Users { users: users.collect::<Result<_, _>>()?, cursor: page.cursor }
        }
        UserRequest::Show { app: Text(app), user: Text(user) } => {
            let caller = node.administer(&app).await?;
            shown(node, &caller, &chat.user(&caller, &user).await?)?
        }
        UserRequest::Delete { app: Text(app), user: Text(user) } => {
            chat.delete_user(&node.administer(&app).await?, &user).await?;
            Answer::Done
        }
        UserRequest::SetPassword { app: Text(app), user: Text(user), password } => {
            chat.set_password(&node.administer(&app).await?, &user, &password.0).await?;
            Answer::Done
        }
        UserRequest::SetActivated { app: Text(app), user: Text(user), activated } => {
            let caller = node.administer(&app).await?;
            shown(node, &caller, &chat.set_activated(&caller, &user, activated).await?)?
        }
        UserRequest::LogOut { app: Text(app), user: Text(user), device } => {
            let caller = node.administer(&app).await?;
            let device = device.map(|Text(device)| device);
            Answer::LoggedOut { ended: chat.disconnect(&caller, &user, device).await? }
        }
        UserRequest::Revoke { app: Text(app), user: Text(user), device } => {
            let caller = node.administer(&app).await?;
            match device {
                Some(Text(device)) => {
                    let tokens = chat.revoke_device(&caller, &user, &device).await?;
                    Answer::Revoked { tokens: Some(tokens) }
                }
                None => {
                    chat.revoke_user(&caller, &user).await?;
                    Answer::Revoked { tokens: None }
                }
            }
        }
        UserRequest::RevokeInClasses { app: Text(app), user: Text(user) } => {
            chat.revoke_class_user(&node.administer(&app).await?, &user).await?;
            Answer::Revoked { tokens: None }
        }
        UserRequest::RevokeToken { app: Text(app), token: SecretText(token) } => {
            let caller = node.administer(&app).await?;
            chat.revoke_token(&caller, token.expose().trim()).await?;
            Answer::Revoked { tokens: Some(1) }
        }
    })
}

fn shown(node: &Node, caller: &Caller, user: &User) -> Result<Answer, Failure> {
    Ok(Answer::User { user: view(node, caller, user)? })
}

fn view(node: &Node, caller: &Caller, user: &User) -> Result<UserView, Failure> {
    let online = node.chat.devices_online(caller, &user.username)?;
    Ok(UserView::new(user, online.len()))
}
