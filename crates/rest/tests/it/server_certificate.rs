//! What the server has issued, over a rotation of the certificate that it signs with.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Call, Lab};

/// Tokens of each kind that the server issues for a day: for a password and for the back end's own proof, at the
/// door, and on behalf of the back end.
async fn grants(lab: &Lab) -> Vec<String> {
    let (id, secret) = (lab.app.id.to_string(), lab.app.certificates[1].expose());
    let at_the_door = [
        json!({"grant_type": "password", "username": "alice", "password": "secret-alice"}),
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}),
    ];
    let mut answers = Vec::new();
    for body in at_the_door {
        answers.push(lab.call(Call::new(Method::POST, "/token").json(body)).await);
    }
    let inherited = json!({"grant_type": "inherit", "username": "alice"});
    answers.push(lab.admin(Method::POST, "/token", inherited).await);
    let token = |answer: &Value| answer["access_token"].as_str().unwrap().to_owned();
    answers.iter().map(|answer| token(answer.done())).collect()
}

/// What becomes of a call with each.
async fn statuses(lab: &Lab, tokens: &[String]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for token in tokens {
        let answer = lab.call(Call::new(Method::GET, "/users/alice").token(token)).await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn what_was_issued_before_goes_on_for_the_overlap_and_then_ends() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let before = grants(&lab).await;
    lab.rotate_server_certificate(&lab.app, Some(Duration::from_secs(600)));
    let after = grants(&lab).await;
    assert!(before.iter().all(|token| !after.contains(token)));
    assert_eq!(statuses(&lab, &before).await, [200; 3]);
    assert_eq!(statuses(&lab, &after).await, [200; 3]);
    // Who asks is told when it ends, as the SDK does.
    let ask = Call::new(Method::GET, "/sdk/users/alice/token/expires").token(&before[0]);
    let told = lab.call(ask).await;
    assert_eq!(told.done()["expire_timestamp"], 1_800_000_600_000_u64);

    lab.clock.advance(Duration::from_secs(599));
    assert_eq!(statuses(&lab, &before).await, [200; 3]);
    lab.clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&lab, &before).await, [401; 3]);
    assert_eq!(statuses(&lab, &after).await, [200; 3]);
    let renewed = lab.call(Call::new(Method::GET, "/users/alice").token(&before[0])).await;
    assert_eq!(renewed.refused(401).1, "Unable to authenticate.");
}

#[tokio::test]
async fn without_an_overlap_what_was_issued_before_ends_at_once() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let first = grants(&lab).await;
    lab.rotate_server_certificate(&lab.app, Some(Duration::from_secs(600)));
    lab.clock.advance(Duration::from_secs(1));
    let second = grants(&lab).await;
    lab.rotate_server_certificate(&lab.app, None);
    assert_eq!(statuses(&lab, &first).await, [401; 3], "the former one ends as well");
    assert_eq!(statuses(&lab, &second).await, [401; 3]);
    let third = grants(&lab).await;
    assert_eq!(statuses(&lab, &third).await, [200; 3]);
    // What the back end makes itself has another certificate.
    assert_eq!(statuses(&lab, &[lab.user_token("alice"), lab.app_token()]).await, [200; 2]);
}
