//! The review page and words.

use super::*;

#[test]
fn answers_are_shown_in_words_and_secrets_are_not() {
    let parameters = json!([
        { "title": "First", "properties": {
            "repoUrl": { "ui:field": "RepoUrlPicker" }, "size": { "enum": [1, 2], "enumNames": ["Small", "Large"] }, "on": { "type": "boolean" },
            "tags": { "type": "array", "items": {} }, "db": { "type": "object", "title": "Database", "properties": { "engine": {}, "none": {} } },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
        } },
        { "title": "Second", "properties": {
            "token": { "ui:field": "Secret" }, "pw": { "ui:widget": "password" }, "hid": { "ui:widget": "hidden" },
            "no": { "ui:backstage": { "review": { "show": false } } }, "masked": { "ui:backstage": { "review": { "mask": "<hidden>", "name": "Other" } } },
        } },
        { "title": "Never", "when": false, "properties": { "x": {} } },
    ]);
    let pages = Page::from_parameters(&parameters);
    let answers = json!({
        "repoUrl": "github.com?owner=o&repo=r", "size": 2, "on": false, "tags": ["a", "b"], "db": { "engine": "pg" }, "labels": { "k": "v" },
        "token": "****", "pw": "hunter2", "hid": "h", "no": "n", "masked": "m", "x": 1,
    });
    let rows = review_rows(&pages, &answers, &Context::default(), &|expression, _| expression != &json!(false));
    let shown: Vec<(&str, &str, bool)> =
        rows.iter().map(|row| (row.label.as_str(), row.value.as_str(), row.masked)).collect();
    assert_eq!(
        shown,
        [
            ("Repo URL", "github.com/o/r", false),
            ("Size", "Large", false),
            ("On", "No", false),
            ("Tags", "a, b", false),
            ("Database: Engine", "pg", false),
            ("Database: None", "", false),
            ("Labels", "k: v", false),
            ("Token", MASK, true),
            ("Pw", MASK, true),
            ("Other", "<hidden>", true),
        ]
    );
    assert_eq!((rows[4].page, rows[4].anchor.as_str(), rows[7].page_title.as_str()), (0, "f-db.engine", "Second"));
    assert_eq!(secret_names(&pages), ["token"]);
}

#[test]
fn tokens_are_wished_for_by_repository_fields() {
    let pages = Page::from_parameters(
        &json!({ "properties": { "repo": { "ui:field": "RepoUrlPicker", "ui:options": { "requestUserCredentials": {
        "secretsKey": "USER_OAUTH_TOKEN", "additionalScopes": { "github": ["workflow"] } } } } } }),
    );
    let wishes = token_wishes(&pages, &json!({ "repo": "github.com?owner=o&repo=r" }), &Context::default());
    assert_eq!(
        wishes,
        [TokenWish {
            secrets_key: "USER_OAUTH_TOKEN".to_owned(),
            host: Some("github.com".to_owned()),
            scopes: json!({ "github": ["workflow"] })
        }]
    );
}

#[test]
fn labels_are_made_from_names() {
    let cases = [
        ("repoUrl", "Repo URL"),
        ("component_id", "Component ID"),
        ("name", "Name"),
        ("enable-http2", "Enable http2"),
        ("AWSRegion", "AWS region"),
        ("useHTTPSOnly", "Use https only"),
        ("", ""),
        ("_", "_"),
    ];
    for (key, label) in cases {
        assert_eq!(label_from_key(key), label);
    }
}

#[test]
fn descriptions_keep_code_and_links_and_nothing_else() {
    let link = |text: &str, href: &str| Span::Link { text: text.to_owned(), href: href.to_owned() };
    assert_eq!(
        spans("Use `a-z`, see [the docs](https://x.y)."),
        [
            Span::Text("Use ".to_owned()),
            Span::Code("a-z".to_owned()),
            Span::Text(", see ".to_owned()),
            link("the docs", "https://x.y"),
            Span::Text(".".to_owned()),
        ]
    );
    for odd in ["[x](javascript:alert(1))", "[x](//evil.com)", "<b>x</b>", "a ** b", "[a](", "`", "[](https://x)"] {
        assert_eq!(spans(odd), [Span::Text(odd.to_owned())], "{odd}");
    }
}
