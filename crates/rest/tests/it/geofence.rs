//! A geofence is asked at every endpoint, before anything else.

use http::Method;
use serde_json::json;

use crate::lab::{Call, Lab};

#[tokio::test]
async fn no_endpoint_serves_who_is_outside() {
    let lab = Lab::fenced();
    let app = "/{org}/{app}";
    let paths: Vec<String> =
        stoa_rest::paths().iter().filter_map(|path| Some(path.strip_prefix(app)?.into())).collect();
    assert!(paths.len() > 100, "{}", paths.len());
    for path in paths {
        // The variables' names are values that are as good as any.
        let path = path.replace(['{', '}'], "");
        let mut refused = 0;
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            for token in [None, Some(lab.app_token()), Some(lab.user_token("alice"))] {
                let mut call = Call::new(method.clone(), &path).from("192.0.2.7").json(json!({}));
                if let Some(token) = &token {
                    call = call.token(token);
                }
                let answer = lab.call(call).await;
                if answer.status == 405 {
                    continue;
                }
                let (error, text) = answer.refused(403);
                assert_eq!(error, "forbidden_op", "{method} {path}");
                assert!(text.contains("service area"), "{method} {path}: {text}");
                refused += 1;
            }
        }
        assert!(refused >= 3, "{path} was asked");
    }
}

#[tokio::test]
async fn another_app_of_the_server_is_served_as_ever() {
    let lab = Lab::fenced();
    let call = Call::new(Method::GET, "//demo/other/users").token(&lab.foreign_token());
    lab.call(call.from("192.0.2.7")).await.done();
}
