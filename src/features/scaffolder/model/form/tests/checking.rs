//! What is said about answers.

use super::*;

/// What is said about one answer to one question.
fn about(schema: &Value, answer: &Value) -> String {
    let bench = Bench::new(json!({ "properties": { "x": schema } })).answered(json!({ "x": answer }));
    bench.form().check().first().map_or_else(String::new, |fault| fault.message.clone())
}

#[test]
fn messages_say_what_to_do() {
    let cases = [
        (
            json!({ "type": "integer", "minimum": 1024, "maximum": 65535 }),
            json!(80),
            "Choose a number from 1024 to 65535.",
        ),
        (json!({ "type": "integer", "minimum": 3 }), json!(1), "Choose a number of 3 or more."),
        (
            json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10 }),
            json!(10),
            "Choose a number above 0 and below 10.",
        ),
        (json!({ "type": "number", "multipleOf": 0.5 }), json!(1.3), "Choose a multiple of 0.5."),
        (json!({ "type": "string", "minLength": 3 }), json!("a"), "Use at least 3 characters."),
        (json!({ "type": "string", "minLength": 3, "maxLength": 10 }), json!("a"), "Use 3 to 10 characters."),
        (json!({ "type": "string", "maxLength": 1 }), json!("ab"), "Use at most 1 character."),
        (
            json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }),
            json!("A"),
            "Use only lower-case letters, digits and hyphens.",
        ),
        (
            json!({ "type": "string", "pattern": "^[A-Z_]{2,5}$" }),
            json!("a"),
            "Use only upper-case letters and underscores, 2 to 5 characters.",
        ),
        (json!({ "type": "string", "pattern": "^x(y|z)$" }), json!("a"), "This does not fit the pattern ^x(y|z)$"),
        (
            json!({ "type": "string", "pattern": "^x$", "description": "Only x." }),
            json!("a"),
            "This does not have the right form. Only x.",
        ),
        (json!({ "type": "string", "pattern": "^x$", "errorMessage": "Be x." }), json!("a"), "Be x."),
        (
            json!({ "type": "string", "pattern": "^x$", "ui:options": { "errorMessage": { "pattern": "Be x!" } } }),
            json!("a"),
            "Be x!",
        ),
        (
            json!({ "type": "string", "format": "date" }),
            json!("2024-02-30"),
            "Write a date that exists, such as 2026-03-31.",
        ),
        (
            json!({ "type": "string", "format": "email" }),
            json!("nope"),
            "Write an e-mail address, such as name@example.com.",
        ),
        (
            json!({ "type": "string", "enum": ["a", "b"], "enumNames": ["Ah", "Be"] }),
            json!("c"),
            "Choose one of these: Ah, Be.",
        ),
        (json!({ "type": "array", "minItems": 2, "items": {} }), json!([1]), "Add at least 2."),
        (
            json!({ "type": "array", "maxItems": 1, "uniqueItems": true, "items": { "enum": [1, 2] } }),
            json!([1, 2]),
            "Choose at most 1.",
        ),
        (json!({ "type": "array", "uniqueItems": true, "items": {} }), json!([1, 1]), "The same value is here twice."),
        (
            json!({ "type": "object", "additionalProperties": false, "properties": { "a": {} } }),
            json!({ "b": 1 }),
            "“b” is not known here.",
        ),
        (json!({ "not": { "const": "root" } }), json!("root"), "This answer is not possible here."),
        (
            json!({ "ui:field": "EntityNamePicker" }),
            json!("Not Valid!"),
            "Use letters and digits, with - _ or . between them, at most 63 characters.",
        ),
        (
            json!({ "ui:field": "EntityTagsPicker", "type": "array" }),
            json!(["UP"]),
            "“UP” cannot be a tag. Use lower-case letters, digits, + and #, with single hyphens between them.",
        ),
    ];
    for (schema, answer, message) in cases {
        assert_eq!(about(&schema, &answer), message, "{schema}");
    }
}

#[test]
fn missing_answers_are_asked_for_by_their_kind() {
    let bench = Bench::new(json!({
        "required": ["a", "b", "c", "d", "e", "f"],
        "properties": {
            "a": { "type": "string" }, "b": { "type": "integer", "minimum": 1, "maximum": 5 }, "c": { "enum": [1] }, "d": { "type": "array", "items": {} },
            "e": { "ui:field": "OwnerPicker" }, "f": { "type": "string", "errorMessage": { "required": "We need f." } },
        },
    })).answered(json!({}));
    let said = bench.said();
    assert_eq!(
        said,
        [
            "a: Fill this in.",
            "b: Choose a number from 1 to 5.",
            "c: Choose one.",
            "d: Add at least one.",
            "e: Choose one.",
            "f: We need f."
        ]
    );
    assert_eq!(summary_title(said.len()), "Six answers need a change");
    assert_eq!(summary_title(1), "One answer needs a change");
}

#[test]
fn faults_lead_to_the_control_wherever_it_lies() {
    let mut bench = Bench::new(json!({ "properties": {
        "list": { "type": "array", "items": { "type": "object", "required": ["key"], "properties": { "key": { "title": "Key" } } } },
        "labels": { "type": "object", "additionalProperties": { "type": "string", "maxLength": 2 } },
        "nested": { "type": "object", "properties": { "deep": { "type": "object", "properties": { "n": { "type": "integer", "maximum": 3, "title": "N" } } } } },
    } })).answered(json!({ "list": [{ "key": "a" }, { "other": 1 }], "labels": { "a": "ok", "b": "too long" }, "nested": { "deep": { "n": 9 } } }));
    bench.faults = bench.form().check();
    let fields: Vec<&str> = bench.faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["list[1].key", "labels:v1", "nested.deep.n"]);
    let lines = error_lines(&bench.fields(), &bench.faults);
    assert_eq!(
        lines.iter().map(|line| line.href.as_str()).collect::<Vec<_>>(),
        ["#f-list[1].key", "#f-labels:v1", "#f-nested.deep.n"]
    );
    assert_eq!(lines[0].label, "Key");
    let html = bench.html();
    for line in lines {
        assert!(
            html.contains(&format!("id=\"{}\"", line.href.trim_start_matches('#'))),
            "{} is on the page",
            line.href
        );
    }
}

#[test]
fn consent_is_given_by_the_person() {
    let mut bench =
        Bench::new(json!({ "required": ["read"], "properties": { "read": { "type": "boolean", "const": true } } }));
    assert_eq!(bench.answers, json!({}));
    bench.send(&[("read", "false"), (":do", "next")]);
    assert_eq!(bench.said(), ["read: Tick this to go on."]);
    bench.send(&[("read", "false"), ("read", "true"), (":do", "next")]);
    assert!(bench.said().is_empty());
}

#[test]
fn a_fault_without_a_place_comes_last() {
    let faults = [FieldFault { field: String::new(), message: "Odd.".to_owned() }];
    let lines = error_lines(&Bench::new(json!({ "properties": { "a": {} } })).fields(), &faults);
    assert_eq!(lines, [ErrorLine { label: String::new(), message: "Odd.".to_owned(), href: String::new() }]);
}

#[test]
fn another_pages_answers_do_not_trip_a_closed_page() {
    let bench = Bench::new(json!({ "additionalProperties": false, "properties": { "a": { "type": "string" } } }))
        .answered(json!({ "a": "x", "b": "y" }));
    assert!(bench.said().is_empty());
}

#[test]
fn an_authors_slip_does_not_stop_the_check() {
    let bench = Bench::new(json!({ "required": true, "properties": {
        "a": { "type": "sting", "pattern": "[", "required": true }, "b": { "type": "integer", "minimum": "3", "maximum": 5 },
    } })).answered(json!({ "a": "x", "b": 9 }));
    assert_eq!(bench.said(), ["b: Choose a number of 5 or less."]);
}

#[test]
fn a_catastrophic_pattern_refuses_in_time() {
    let started = std::time::Instant::now();
    let text = format!("{}!", "a".repeat(60));
    for pattern in [r"^(a+)+$(?<!a)", r"(?=(a+)+b)", r"^(\w+\s?)*\1$", r"(a|aa)+\1c"] {
        assert_ne!(matches(pattern, &text), Match::Yes, "{pattern}");
    }
    assert_eq!(matches("x{1000}{1000}{1000}", "x"), Match::Unusable);
    assert_eq!(matches(&"x".repeat(MAX_PATTERN + 1), "x"), Match::Unusable);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn patterns_are_those_of_ecmascript() {
    assert_eq!(matches(r"^\d+$", "٣"), Match::No, "digits are ASCII");
    assert_eq!(matches(r"^(?!admin)[a-z]+$", "adm"), Match::Yes);
    assert_eq!(matches(r"b", "abc"), Match::Yes, "not anchored");
    assert_eq!(matches(r"^\p{L}+$", "é"), Match::Yes);
    assert_eq!(matches(r"^[\w-]+$", "a-b_1"), Match::Yes);
}

#[test]
fn rules_about_the_whole_page_still_hold() {
    let bench = Bench::new(json!({ "properties": { "a": { "type": "string" } }, "maxProperties": 0 }))
        .answered(json!({ "a": "x" }));
    assert_eq!(bench.said().len(), 1);
}

#[test]
fn conditional_rules_hold_inside_lists() {
    let item = json!({ "type": "object", "properties": { "k": { "enum": ["a", "b"] } }, "if": { "properties": { "k": { "const": "b" } }, "required": ["k"] }, "then": { "properties": { "n": { "type": "integer" } }, "required": ["n"] } });
    let bench = Bench::new(json!({ "properties": { "l": { "type": "array", "items": item } } }))
        .answered(json!({ "l": [{ "k": "a" }, { "k": "b" }] }));
    assert_eq!(bench.said(), ["l[1].n: Write a whole number."]);
}

#[test]
fn the_api_words_stay_upstreams() {
    let parameters = json!([{ "required": ["name"], "properties": { "name": { "type": "string" } } }, { "when": "no", "required": ["z"] }]);
    let errors = api_errors(&parameters, &json!({}), &|_, _| false);
    assert_eq!(
        errors,
        [json!({
            "path": [], "property": "instance", "message": "requires property \"name\"", "schema": { "required": ["name"], "properties": { "name": { "type": "string" } } },
            "instance": {}, "name": "required", "argument": "name", "stack": "instance requires property \"name\"",
        })]
    );
    assert!(api_errors(&Value::Null, &json!({ "x": 1 }), &|_, _| true).is_empty());
    let endless = json!({ "definitions": { "a": { "anyOf": [{ "$ref": "#/definitions/a" }, { "$ref": "#/definitions/a" }] } }, "$ref": "#/definitions/a" });
    assert_eq!(api_errors(&endless, &json!({}), &|_, _| true).len(), 1, "refused, not endless");
}
