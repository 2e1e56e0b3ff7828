//! What of the calls stands in the audit log.

use http::Method;
use serde_json::{Value, json};
use stoa_audit::{Name, Query, Recorded};
use stoa_core::AuthPolicy;

use crate::lab::{Call, Lab};

/// The entries, the oldest first, and the whole log as it is exported.
async fn log(lab: &Lab) -> (Vec<Recorded>, String) {
    lab.audit.settle().await;
    let trail = lab.audit.of(&lab.caller_of_app().await).await.unwrap();
    let head = trail.verify().await.unwrap().unwrap();
    let query = Query { oldest_first: true, limit: 200, ..Query::default() };
    let entries = trail.page(&query).await.unwrap().entries;
    let lines = trail.lines(0, head.last).await.unwrap().lines;
    (entries, serde_json::to_string(&lines).unwrap())
}

fn told(entry: &Recorded) -> String {
    let subject = match &entry.subject {
        Some(Name::Name(name)) => name.as_str(),
        Some(_) => "(erased)",
        None => "-",
    };
    format!("{} {} {} {subject}", entry.actor, entry.act, entry.outcome)
}

#[tokio::test]
async fn each_act_of_a_back_end_is_one_entry() {
    let lab = Lab::new();
    lab.users(&["amy", "bob"]).await;
    let token = lab.user_token("amy");
    let calls = [
        (Method::PUT, "/users/amy/password", json!({ "newpassword": "quite-secret" })),
        (Method::POST, "/users/amy/deactivate", Value::Null),
        (Method::POST, "/users/amy/activate", Value::Null),
        (Method::POST, "/users/amy/disconnect", Value::Null),
        (Method::DELETE, "/users/amy/disconnect/web", Value::Null),
        (Method::POST, "/chatrooms/super_admin", json!({ "superadmin": "amy" })),
        (Method::DELETE, "/chatrooms/super_admin/amy", Value::Null),
        (Method::POST, "/token", json!({ "grant_type": "inherit", "username": "amy" })),
        (Method::POST, "/token/invalid", json!({ "token": token })),
        (Method::POST, "/token/users/amy/devices/web/invalid", Value::Null),
        (Method::POST, "/token/users/amy/invalid", Value::Null),
        (Method::DELETE, "/users/bob", Value::Null),
    ];
    for (method, path, body) in calls {
        lab.admin(method, path, body).await.done();
    }
    lab.admin(Method::DELETE, "/users/bob", Value::Null).await.refused(404);
    let (entries, export) = log(&lab).await;
    let told: Vec<_> = entries.iter().map(told).collect();
    let expected = [
        "app user.created done amy",
        "app user.created done (erased)",
        "app user.password_set done amy",
        "app user.deactivated done amy",
        "app user.activated done amy",
        "app user.logged_out done amy",
        "app user.logged_out done amy",
        "app super_admin.added done amy",
        "app super_admin.removed done amy",
        "app token.issued done amy",
        "app token.revoked done amy",
        "app device.revoked done amy",
        "app user.revoked done amy",
        "app user.deleted done (erased)",
        "app user.deleted refused -",
    ];
    assert_eq!(told, expected);
    for secret in [token.as_str(), "quite-secret", "secret-amy", "bob"] {
        assert!(!export.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn refusals_are_counted_with_the_place_and_nothing_secret() {
    let lab = Lab::with(AuthPolicy::TokenOrPassword);
    lab.users(&["amy"]).await;
    let forged = lab.forged_token();
    for _ in 0..500 {
        let call = Call::new(Method::GET, "/users").token(&forged).from("192.0.2.7");
        assert_eq!(lab.call(call).await.status, 401);
    }
    let call = Call::new(Method::GET, "/users").token(&lab.user_token("amy")).from("127.0.0.1");
    lab.call(call).await.refused(401);
    for password in ["wrong-one", "wrong-two"] {
        let body = json!({ "grant_type": "password", "username": "amy", "password": password });
        let call = Call::new(Method::POST, "/token").json(body).from("192.0.2.8");
        lab.call(call).await.refused(400);
    }
    let call = Call::new(Method::POST, "/users").json(json!({ "username": "nobody-yet" }));
    lab.call(call.from("192.0.2.9")).await.refused(401);
    let (entries, export) = log(&lab).await;
    let of = |act: &str| {
        let of_act = entries.iter().filter(|entry| entry.act == act);
        let rows = of_act.map(|e| (e.count, e.reason.as_str(), e.site.as_deref()));
        rows.collect::<Vec<_>>()
    };
    let site = Some("192.0.2.7");
    assert_eq!(of("token.refused"), [(1, "bad_signature", site), (499, "bad_signature", site)]);
    assert_eq!(of("call.refused"), [(1, "app_token_needed", Some("127.0.0.1"))]);
    let site = Some("192.0.2.8");
    assert_eq!(of("password.refused"), [(1, "invalid_grant", site), (1, "invalid_grant", site)]);
    assert_eq!(of("registration.refused"), [(1, "closed", Some("192.0.2.9"))]);
    for secret in [forged.as_str(), "wrong-one", "nobody-yet"] {
        assert!(!export.contains(secret), "{secret}");
    }
}
