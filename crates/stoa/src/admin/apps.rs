//! Operations on apps.

use std::sync::Arc;

use stoa_console::{NewApp, ServerOverlap};
use stoa_core::{App, Secret};

use super::{Answer, AppRequest, AppView, SecretText, Text, retention};
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
        AppRequest::SetPlan { key: Text(key), plan: Text(plan), confirm } => {
            let set = console.set_plan(&key, plan, confirm).await;
            shown(&set.map_err(retention::confirmable)?, None)
        }
        AppRequest::SetFriendsOnly { key: Text(key), friends_only } => {
            shown(&console.set_friends_only(&key, friends_only).await?, None)
        }
        AppRequest::SetErasedMessages { key: Text(key), keep } => {
            shown(&console.set_erased_messages(&key, keep).await?, None)
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
        AppRequest::SetClockSkew { key: Text(key), seconds } => {
            shown(&console.set_clock_skew(&key, seconds).await?, None)
        }
        AppRequest::SetAccepts006 { key: Text(key), accepts } => {
            shown(&console.set_accepts_006(&key, accepts).await?, None)
        }
        AppRequest::SetAcceptsRtmToken { key: Text(key), accepts } => {
            shown(&console.set_accepts_rtm_token(&key, accepts).await?, None)
        }
        AppRequest::SetReleaseAnchor { key: Text(key), anchor: Text(anchor) } => {
            shown(&console.set_release_anchor(&key, anchor).await?, None)
        }
        AppRequest::SetClassCallback { key: Text(key), url } => {
            let url = url.map(|Text(target)| target.to_string());
            shown(&console.set_class_callback(&key, url).await?, None)
        }
        AppRequest::SetRegistrations { key: Text(key), per_hour } => {
            shown(&console.set_registrations_per_hour(&key, per_hour).await?, None)
        }
        AppRequest::RotateCertificate { key: Text(key), overlap_seconds } => {
            let (app, certificate) = console.rotate_certificate(&key, overlap_seconds).await?;
            shown(&app, Some(certificate.secret().clone()))
        }
        AppRequest::Revoke { key: Text(key) } => shown(&console.revoke_app(&key).await?, None),
        AppRequest::Delete { key: Text(key) } => {
            node.delete_app(&key).await?;
            Answer::Done
        }
        AppRequest::AddCertificate { key: Text(key) } => {
            let (app, certificate) = console.add_certificate(&key).await?;
            shown(&app, Some(certificate.secret().clone()))
        }
        AppRequest::SwapCertificates { key: Text(key) } => {
            shown(&console.swap_certificates(&key).await?, None)
        }
        AppRequest::RetireCertificate { key: Text(key), slot: Text(slot), leaked } => {
            shown(&console.retire_certificate(&key, slot, leaked).await?, None)
        }
        AppRequest::RotateServerCertificate { key: Text(key), overlap_seconds, leaked } => {
            let overlap = match (overlap_seconds, leaked) {
                (None | Some(0), true) => ServerOverlap::Leaked,
                (Some(_), true) => {
                    let why = "a server certificate that has leaked has no overlap";
                    return Err(Failure::Usage(why.into()));
                }
                (Some(seconds), false) => ServerOverlap::Seconds(seconds),
                (None, false) => ServerOverlap::Tokens,
            };
            shown(&console.rotate_server_certificate(&key, overlap).await?, None)
        }
    })
}

fn with_primary(app: &Arc<App>, reveal: bool) -> Answer {
    let primary = app.certificates.first().map(|certificate| certificate.secret().clone());
    shown(app, primary.filter(|_| reveal))
}

fn shown(app: &Arc<App>, certificate: Option<Secret>) -> Answer {
    Answer::App { app: AppView::from(&**app), certificate: certificate.map(SecretText) }
}
