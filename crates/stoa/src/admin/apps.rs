//! Operations on apps.

use std::sync::Arc;

use stoa_console::NewApp;
use stoa_core::{App, Secret};

use super::{Answer, AppRequest, AppView, SecretText, Text};
use crate::failure::Failure;
use crate::node::Node;

pub(super) async fn carry_out(node: &Node, request: AppRequest) -> Result<Answer, Failure> {
    let console = &node.console;
    Ok(match request {
        AppRequest::Create { key: Text(key), region, auth: Text(auth), reveal } => {
            let region = region.map_or_else(|| console.region(), |Text(region)| region);
            let app = console.create_app(NewApp { key, region, auth }).await?;
            with_primary(&app, reveal)
        }
        AppRequest::List => {
            let apps = console.apps().iter().map(|app| AppView::from(&**app)).collect();
            Answer::Apps { apps }
        }
        AppRequest::Show { key: Text(key), reveal } => with_primary(&node.app(&key)?, reveal),
        AppRequest::SetAuth { key: Text(key), auth: Text(auth) } => {
            shown(&console.set_auth(&key, auth).await?, None)
        }
        AppRequest::SetTokenCap { key: Text(key), seconds } => {
            shown(&console.set_token_cap(&key, seconds).await?, None)
        }
        AppRequest::SetPlan { key: Text(key), plan: Text(plan) } => {
            shown(&console.set_plan(&key, plan).await?, None)
        }
        AppRequest::SetFriendsOnly { key: Text(key), friends_only } => {
            shown(&console.set_friends_only(&key, friends_only).await?, None)
        }
        AppRequest::SetRecallWindow { key: Text(key), seconds } => {
            shown(&console.set_recall_window(&key, seconds).await?, None)
        }
        AppRequest::SetAttachmentBytes { key: Text(key), bytes } => {
            shown(&console.set_attachment_bytes(&key, bytes).await?, None)
        }
        AppRequest::SetRoomHistory { key: Text(key), messages } => {
            shown(&console.set_room_history(&key, messages).await?, None)
        }
        AppRequest::SetRoomRate { key: Text(key), messages } => {
            shown(&console.set_room_rate(&key, messages).await?, None)
        }
        AppRequest::AddCertificate { key: Text(key) } => {
            let (app, certificate) = console.add_certificate(&key).await?;
            shown(&app, Some(certificate))
        }
        AppRequest::SwapCertificates { key: Text(key) } => {
            shown(&console.swap_certificates(&key).await?, None)
        }
        AppRequest::RetireCertificate { key: Text(key), slot: Text(slot) } => {
            shown(&console.retire_certificate(&key, slot).await?, None)
        }
    })
}

fn with_primary(app: &Arc<App>, reveal: bool) -> Answer {
    shown(app, app.certificates.first().filter(|_| reveal).cloned())
}

fn shown(app: &Arc<App>, certificate: Option<Secret>) -> Answer {
    Answer::App { app: AppView::from(&**app), certificate: certificate.map(SecretText) }
}
