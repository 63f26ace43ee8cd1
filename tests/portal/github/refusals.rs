//! Every way in which GitHub refuses, limits, delays or loses a call, and what becomes of it.

use super::*;

const REPO: &str = "/repos/acme/shop";

async fn find(github: &GitHub) -> PortError {
    github.find(&shop()).await.expect_err("it fails")
}

#[tokio::test]
async fn a_revoked_token_is_unauthorized() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    bench.github.find(&shop()).await.expect("the token is good").expect("it is there");
    bench.world.revoke_token(&bench.token);
    let told = "Bad credentials".to_owned();
    assert_eq!(find(&bench.github).await, PortError::Unauthorized { system: "GitHub".to_owned(), why: told });
}

#[tokio::test]
async fn the_hourly_limit_is_told_with_the_time_until_it_ends() {
    let bench = bench();
    bench.world.leave_calls(&bench.token, 0, 300);
    let wait = retry_after(&find(&bench.github).await).as_secs();
    assert!((295..=300).contains(&wait), "{wait}");
    // A refused call was not carried out: the engine may repeat it.
    let error = bench.github.create(&new_repository(shop())).await.expect_err("limited");
    assert!(error.had_no_effect() && error.is_transient(), "{error:?}");
    assert_eq!(bench.world.repo("acme", "shop"), None);
}

#[tokio::test]
async fn a_secondary_limit_is_told_with_its_own_time() {
    let bench = bench();
    for code in [403, 429] {
        bench.world.fail_next(Match::any(), Fault::SecondaryLimit { code, retry_after: Some(17) });
        assert_eq!(retry_after(&find(&bench.github).await), Duration::from_secs(17), "{code}");
    }
}

#[tokio::test]
async fn a_secondary_limit_without_a_time_is_a_minute_and_not_the_rest_of_the_hour() {
    let bench = bench();
    for code in [403, 429] {
        bench.world.fail_next(Match::any(), Fault::SecondaryLimit { code, retry_after: None });
        assert_eq!(retry_after(&find(&bench.github).await), Duration::from_mins(1), "{code}");
    }
}

#[tokio::test]
async fn a_secondary_limit_on_create_leaves_no_trace() {
    let bench = bench();
    let which = Match::prefix("POST", "/orgs/acme/repos");
    bench.world.fail_next(which, Fault::SecondaryLimit { code: 403, retry_after: Some(2) });
    bench.github.create(&new_repository(shop())).await.expect_err("limited");
    // Certainly not made, so a look need not be patient.
    let began = Instant::now();
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_plain_403_is_refused_and_no_limit() {
    let bench = bench();
    let body = r#"{"message":"Resource protected by organization SAML enforcement."}"#;
    bench.world.fail_next(Match::any(), Fault::status(403, body));
    let error = find(&bench.github).await;
    assert!(matches!(&error, PortError::Refused { why, .. } if why.contains("SAML")), "{error:?}");
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("a", b"a", "100644")]);
    let kind = |error: &PortError| match error {
        PortError::NotFound { .. } => "not found",
        PortError::Unauthorized { .. } => "unauthorized",
        PortError::Refused { .. } => "refused",
        PortError::Conflict { .. } => "conflict",
        PortError::Invalid { .. } => "invalid",
        PortError::RateLimited { .. } => "limited",
        PortError::Unavailable { .. } => "unavailable",
        PortError::Unknown { .. } => "unknown",
    };
    let exists = r#"{"message":"Validation Failed","errors":[{"resource":"Hook","code":"already_exists"}]}"#;
    let timed_out = r#"{"message":"Sorry, your request timed out.  It's likely that your input was too large."}"#;
    let cases = [
        (400, "{}", "invalid"),
        (401, "{}", "unauthorized"),
        (404, "{}", "not found"),
        (409, "{}", "conflict"),
        (410, "{}", "not found"),
        (413, "too large", "invalid"),
        (422, "{}", "invalid"),
        (422, exists, "conflict"),
        (422, timed_out, "unknown"),
        (429, "{}", "limited"),
        (451, "{}", "refused"),
        (500, "{}", "unknown"),
        (503, "<html>", "unknown"),
    ];
    for (code, body, expected) in cases {
        bench.world.fail_next(Match::prefix("PUT", REPO), Fault::status(code, body));
        let error = bench.github.configure(&shop(), &Setting::Topics(Vec::new())).await.expect_err("it fails");
        assert_eq!(kind(&error), expected, "{code} {body}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_read_is_unknown() {
    let bench = bench();
    bench.world.fail_next(Match::prefix("GET", REPO), Fault::status(200, "[]"));
    assert!(matches!(find(&bench.github).await, PortError::Unknown { .. }));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_unknown() {
    let bench = bench();
    bench.world.fail_next(Match::any(), Fault::DropBefore);
    let error = find(&bench.github).await;
    assert!(matches!(&error, PortError::Unknown { why, .. } if !why.contains("backtrace")), "{error:?}");
    // The next call makes a connection of its own.
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
}

#[tokio::test]
async fn a_closed_port_means_that_nothing_was_sent() {
    let bench = bench();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let api_url = format!("http://127.0.0.1:{port}").parse().expect("an address");
    let credentials = Credentials::Token(Secret::new(&bench.token));
    let github = GitHub::new(GitHubSettings { host: "github.com".to_owned(), api_url, credentials }).expect("settings");
    let error = github.create(&new_repository(shop())).await.expect_err("nobody is there");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error:?}");
    assert!(error.had_no_effect());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_unknown() {
    let bench = bench();
    bench.world.fail_next(Match::any(), Fault::Delay(Duration::from_secs(40)));
    // Twenty seconds of real waiting; without the limit it would end well after forty.
    let error = find(&bench.github).await;
    assert!(matches!(error, PortError::Unknown { .. }), "{error:?}");
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    bench.world.fail_next(Match::any(), Fault::Delay(Duration::from_secs(1)));
    assert!(bench.github.find(&shop()).await.expect("an answer").is_some());
}

#[tokio::test]
async fn tokens_and_keys_that_cannot_be_used_are_refused_at_the_start() {
    let bench = bench();
    let api_url = bench.world.api_url();
    let bad = [
        Credentials::Token(Secret::new("line\nbreak")),
        Credentials::App { app_id: 1, private_key_pem: Secret::new("no key"), org: "acme".to_owned() },
    ];
    for credentials in bad {
        let settings = GitHubSettings { host: "github.com".to_owned(), api_url: api_url.clone(), credentials };
        let error = GitHub::new(settings).expect_err("it cannot be used");
        assert!(matches!(error, PortError::Invalid { .. }), "{error:?}");
    }
}

#[test]
fn outside_a_runtime_it_says_so_and_does_not_panic() {
    let api_url = "https://api.github.com".parse().expect("an address");
    let credentials = Credentials::Token(Secret::new("x"));
    let error = GitHub::new(GitHubSettings { host: "github.com".to_owned(), api_url, credentials });
    assert!(matches!(error, Err(PortError::Invalid { .. })));
}

#[tokio::test]
async fn what_is_printed_has_no_secret_in_it() {
    let bench = bench();
    assert!(!format!("{:?}", bench.github).contains(&bench.token));
    assert!(!format!("{:?}", Credentials::Token(Secret::new(&bench.token))).contains(&bench.token));
}
