//! From submitted pairs to typed answers.

use super::*;

#[test]
fn texts_numbers_boxes_and_options_get_their_types() {
    let mut bench = Bench::new(json!({ "properties": {
        "name": { "type": "string" }, "note": { "ui:widget": "textarea" }, "port": { "type": "integer" }, "ratio": { "type": "number" },
        "on": { "type": "boolean" }, "off": { "type": "boolean", "default": true }, "size": { "enum": [1, "1", null] },
        "either": { "type": ["integer", "string"] }, "blank": { "type": "string" }, "kept": { "type": "string", "ui:emptyValue": "" },
    } }));
    let parsed = bench.send(&[
        ("name", "  parcel  "),
        ("note", "a\r\nb "),
        ("port", "8080"),
        ("ratio", "2.50"),
        ("on", "false"),
        ("on", "true"),
        ("off", "false"),
        ("size", "\"1\""),
        ("either", "x7"),
        ("blank", "  "),
        ("kept", ""),
        (":do", "next"),
    ]);
    assert_eq!(
        parsed.answers,
        json!({
            "name": "parcel", "note": "a\nb ", "port": 8080, "ratio": 2.5, "on": true, "off": false, "size": "1", "either": "x7", "kept": "",
        })
    );
    assert!(parsed.faults.is_empty() && parsed.revealed.is_empty());
    bench.send(&[("port", "3.0"), ("either", "7"), ("size", "null"), (":do", "next")]);
    assert_eq!(
        (&bench.answers["port"], &bench.answers["either"], &bench.answers["size"]),
        (&json!(3), &json!(7), &json!(null))
    );
}

#[test]
fn what_is_no_number_stays_in_its_box() {
    let mut bench = Bench::new(
        json!({ "required": ["port"], "properties": { "port": { "type": "integer" }, "r": { "type": "number" } } }),
    );
    bench.send(&[("port", "eighty"), ("r", "1,5"), (":do", "next")]);
    assert_eq!(bench.answers, json!({}));
    assert!(matches!(bench.field("port").control, Control::Input(Input { ref value, .. }) if value == "eighty"));
    assert_eq!(bench.said(), ["port: Write a whole number in digits.", "r: Write a number, such as 2 or 2.5."]);
    for text in ["1e400", "NaN", "inf", "0x10", "99999999999999999999999999"] {
        bench.send(&[("port", text), ("r", ""), (":do", "next")]);
        assert_eq!(bench.answers, json!({}), "{text}");
    }
}

#[test]
fn keys_with_odd_letters_have_safe_names() {
    let mut bench = Bench::new(json!({ "properties": { "a.b": {}, "c[0]": {}, "x:y z~": {}, "": {} } }));
    assert_eq!(bench.names(), ["a~2eb", "c~5b0~5d", "x~3ay~20z~7e", "~"]);
    bench.send(&[("a~2eb", "1"), ("c~5b0~5d", "2"), ("x~3ay~20z~7e", "3"), ("~", "4")]);
    assert_eq!(bench.answers, json!({ "a.b": "1", "c[0]": "2", "x:y z~": "3", "": "4" }));
}

#[test]
fn answers_of_other_pages_stay_and_those_of_dropped_branches_go() {
    let mut bench = Bench::new(json!({
        "properties": { "kind": { "enum": ["none", "sql"] } },
        "dependencies": { "kind": { "oneOf": [{ "properties": { "kind": { "const": "none" } } }, { "properties": { "kind": { "const": "sql" }, "dsn": {} } }] } },
    })).answered(json!({ "kind": "sql", "dsn": "pg", "elsewhere": 1 }));
    bench.send(&[("kind", "none"), ("dsn", "pg"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "elsewhere": 1, "kind": "none" }));
}

#[test]
fn questions_that_an_answer_brings_up_are_told_and_get_their_defaults() {
    let mut bench = Bench::new(json!({
        "properties": { "deploy": { "type": "boolean" } },
        "if": { "properties": { "deploy": { "const": true } }, "required": ["deploy"] },
        "then": { "properties": { "cluster": { "default": "eu" }, "watch": { "type": "boolean", "default": true } } },
    }));
    let parsed = bench.send(&[("deploy", "false"), ("deploy", "true"), (":do", "next")]);
    assert_eq!(parsed.revealed, ["cluster", "watch"]);
    assert_eq!(parsed.answers, json!({ "deploy": true, "cluster": "eu", "watch": true }));
    let parsed = bench.send(&[("deploy", "true"), ("cluster", ""), ("watch", "false"), (":do", "next")]);
    assert!(parsed.revealed.is_empty());
    assert_eq!(parsed.answers, json!({ "deploy": true, "watch": false }), "an emptied default stays empty");
}

#[test]
fn lists_grow_and_shrink_without_script() {
    let mut bench = Bench::new(json!({ "properties": { "tags": { "type": "array", "items": { "type": "string" } } } }));
    bench.send(&[("tags:items", ""), (":do", "add:tags")]);
    assert_eq!(bench.answers, json!({ "tags": [null] }));
    bench.send(&[("tags:items", ""), ("tags[0]", "a"), (":do", "add:tags")]);
    bench.send(&[("tags:items", ""), ("tags[0]", "a"), ("tags[1]", "b"), (":do", "add:tags")]);
    bench.send(&[("tags:items", ""), ("tags[0]", "a"), ("tags[1]", "b"), ("tags[2]", "c"), (":do", "remove:tags[1]")]);
    assert_eq!(bench.answers, json!({ "tags": ["a", "c"] }));
    bench.send(&[("tags:items", ""), ("tags[0]", "a"), ("tags[1]", ""), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "tags": ["a"] }), "empty items are not answers");
}

#[test]
fn items_with_conditions_keep_their_own_questions() {
    let item = json!({
        "type": "object", "properties": { "kind": { "enum": ["a", "b"] } },
        "dependencies": { "kind": { "oneOf": [{ "properties": { "kind": { "const": "a" }, "x": {} } }, { "properties": { "kind": { "const": "b" }, "n": { "type": "integer" } } }] } },
    });
    let mut bench = Bench::new(json!({ "properties": { "list": { "type": "array", "items": item } } }))
        .answered(json!({ "list": [{ "kind": "a", "x": "1" }, { "kind": "b", "n": 2 }] }));
    bench.send(&[
        ("list[0].kind", "a"),
        ("list[0].x", "1"),
        ("list[1].kind", "b"),
        ("list[1].n", "two"),
        (":do", "remove:list[0]"),
    ]);
    assert_eq!(bench.answers, json!({ "list": [{ "kind": "b" }] }));
    assert!(
        matches!(bench.field("list[0].n").control, Control::Input(Input { ref value, .. }) if value == "two"),
        "typed text moves with its item"
    );
}

#[test]
fn tuples_and_what_may_follow_them() {
    let mut bench = Bench::new(
        json!({ "properties": { "pair": { "type": "array", "items": [{ "type": "string" }, { "type": "integer" }], "additionalItems": { "type": "boolean" } } } }),
    );
    let Control::List(list) = bench.field("pair").control else { panic!("a list") };
    assert_eq!((list.items.len(), list.items[0].remove.is_none(), list.add.is_some()), (2, true, true));
    bench.send(&[
        ("pair:items", ""),
        ("pair[0]", "a"),
        ("pair[1]", "2"),
        ("pair[2]", "false"),
        ("pair[2]", "true"),
        (":do", "next"),
    ]);
    assert_eq!(bench.answers, json!({ "pair": ["a", 2, true] }));
    bench.send(&[("pair:items", ""), ("pair[0]", ""), ("pair[1]", ""), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "pair": [] }));
}

#[test]
fn rows_of_a_map() {
    let mut bench = Bench::new(
        json!({ "properties": { "labels": { "type": "object", "additionalProperties": { "type": "integer" } } } }),
    )
    .answered(json!({ "labels": { "a": 1 } }));
    let html = bench.html();
    assert!(html.contains(r#"name="labels:k0" value="a""#) && html.contains(r#"name="labels:v0" value="1""#), "{html}");
    bench.send(&[("labels:rows", ""), ("labels:k0", "a"), ("labels:v0", "1"), (":do", "add:labels")]);
    assert!(bench.html().contains(r#"name="labels:k1""#));
    bench.send(&[
        ("labels:rows", ""),
        ("labels:k0", "a"),
        ("labels:v0", "1"),
        ("labels:k1", "a"),
        ("labels:v1", "2"),
        (":do", "next"),
    ]);
    assert_eq!(bench.said(), ["labels:v1: “a” is here twice."]);
    assert!(bench.html().contains(r#"name="labels:v1" value="2""#), "nothing that was typed is lost");
    bench.send(&[
        ("labels:rows", ""),
        ("labels:k0", "a"),
        ("labels:v0", "1"),
        ("labels:k1", "b"),
        ("labels:v1", "x"),
        (":do", "next"),
    ]);
    assert_eq!(bench.said(), ["labels:v1: Write a whole number in digits."]);
    bench.send(&[
        ("labels:rows", ""),
        ("labels:k0", "a"),
        ("labels:v0", "1"),
        ("labels:k1", "b"),
        ("labels:v1", "2"),
        (":do", "remove:labels:v0"),
    ]);
    assert_eq!(bench.answers, json!({ "labels": { "b": 2 } }));
}

#[test]
fn an_untouched_optional_group_is_not_there() {
    let mut bench = Bench::new(
        json!({ "properties": { "db": { "type": "object", "required": ["engine"], "properties": { "engine": {}, "backup": { "type": "boolean" } } } } }),
    );
    bench.send(&[("db.engine", ""), ("db.backup", "false"), (":do", "next")]);
    assert_eq!(bench.answers, json!({}));
    assert!(bench.said().is_empty());
    bench.send(&[("db.engine", ""), ("db.backup", "true"), (":do", "next")]);
    assert_eq!(bench.said(), ["db.engine: Fill this in."]);
}

#[test]
fn several_values_and_tags() {
    let mut bench = Bench::new(json!({ "properties": {
        "multi": { "type": "array", "uniqueItems": true, "items": { "enum": ["a", "b"] } },
        "needed": { "type": "array", "uniqueItems": true, "minItems": 1, "items": { "enum": ["a", "b"] } },
        "tags": { "type": "array", "ui:field": "EntityTagsPicker" },
        "many": { "type": "array", "ui:field": "MultiEntityPicker" },
    } }));
    bench.send(&[
        ("multi", ""),
        ("multi", "b"),
        ("multi", "b"),
        ("multi", "z"),
        ("needed", ""),
        ("tags", ""),
        ("tags", "rust"),
        ("tags:more", "go, rust c++"),
        ("many", ""),
        ("many", "group:default/a"),
        (":do", "next"),
    ]);
    assert_eq!(bench.answers, json!({ "multi": ["b"], "tags": ["rust", "go", "c++"], "many": ["group:default/a"] }));
    assert_eq!(bench.said(), ["multi: Choose from the options."]);
}

#[test]
fn locked_hidden_and_constant_answers_cannot_be_sent() {
    let mut bench = Bench::new(json!({ "properties": {
        "read": { "default": "r", "ui:readonly": true }, "hid": { "default": "h", "ui:widget": "hidden" }, "fix": { "const": "f" }, "off": { "ui:disabled": true },
    } }));
    bench.send(&[("read", "x"), ("hid", "x"), ("fix", "x"), ("off", "x"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "read": "r", "hid": "h", "fix": "f" }));
}

#[test]
fn secrets_leave_a_mask_and_never_come_back() {
    let mut bench = Bench::new(json!({ "required": ["token"], "properties": {
        "token": { "type": "string", "ui:field": "Secret", "minLength": 6, "pattern": "^ghp" }, "pw": { "type": "string", "ui:widget": "password" },
    } }));
    bench.send(&[("token", "ghp_12345"), ("pw", "hunter2"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "token": "*********", "pw": "hunter2" }));
    assert_eq!(bench.secrets["token"].expose(), "ghp_12345");
    assert!(bench.said().is_empty(), "rules look at the secret itself: {:?}", bench.said());
    let html = bench.html();
    assert!(!html.contains("hunter2") && !html.contains("ghp_") && !html.contains("****"), "{html}");
    bench.send(&[("token", ""), ("pw", ""), (":do", "next")]);
    assert_eq!((bench.secrets.len(), &bench.answers["pw"]), (1, &json!("hunter2")), "empty keeps what is stored");
    bench.send(&[("token", ""), ("pw", ""), ("pw:clear", "true"), (":do", "next")]);
    assert_eq!(bench.answers.get("pw"), None);
    bench.secrets.clear();
    assert_eq!(bench.said(), ["token: Fill this in."], "a mask without its secret is no answer");
}

#[test]
fn repositories_are_put_together() {
    let mut bench = Bench::new(
        json!({ "required": ["repo"], "properties": { "repo": { "ui:field": "RepoUrlPicker", "ui:options": { "allowedHosts": ["github.com"], "allowedOwners": ["tidepost", "o & p"] } } } }),
    );
    bench.send(&[("repo:host", "github.com"), ("repo:owner", "o & p"), ("repo:repo", "parcel"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "repo": "github.com?owner=o+%26+p&repo=parcel" }));
    assert!(bench.said().is_empty());
    bench.send(&[("repo:host", "evil.com"), ("repo:owner", "x"), ("repo:repo", ""), (":do", "next")]);
    assert_eq!(
        bench.said(),
        ["repo:host: Choose one of the hosts.", "repo:owner: Choose one of the options.", "repo:repo: Fill this in."]
    );
    bench.send(&[("repo:host", "github.com"), ("repo:owner", ""), ("repo:repo", ""), (":do", "next")]);
    assert_eq!(bench.said(), ["repo: Say which repository."]);
}

#[test]
fn moments_are_kept_in_universal_time() {
    let mut bench = Bench::new(json!({ "properties": { "at": { "type": "string", "format": "date-time" } } }));
    bench.send(&[("at", "2026-03-01T12:30"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "at": "2026-03-01T12:30:00Z" }));
    assert!(bench.html().contains(r#"type="datetime-local" id="f-at" name="at" value="2026-03-01T12:30:00""#));
    assert!(bench.said().is_empty());
}

#[test]
fn enter_searches_where_a_search_was_typed() {
    let action = |pairs: &[(&str, &str)]| {
        Action::read(&pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>())
    };
    assert_eq!(action(&[("owner:q", "tra"), ("owner:was", ""), (ACTION, "enter")]), Action::Find("owner".to_owned()));
    assert_eq!(action(&[("owner:q", "tra"), ("owner:was", "tra"), (ACTION, "enter")]), Action::Next);
    assert_eq!(action(&[("owner:q", "tra"), ("owner:was", ""), (ACTION, "next")]), Action::Next);
    assert_eq!(action(&[(ACTION, "remove:a[0]:v1")]), Action::Remove("a[0]:v1".to_owned()));
    assert_eq!(action(&[(ACTION, "nonsense")]), Action::Next);
    assert_eq!(action(&[]), Action::Next);
}

#[test]
fn a_form_larger_than_any_honest_one_is_refused() {
    let page =
        Page::from_parameters(&json!({ "properties": { "l": { "type": "array", "items": { "type": "string" } } } }))
            .remove(0);
    let held = Held { answers: &json!({}), secrets: &Secrets::new() };
    let pairs = |count: usize| (0..count).map(|n| (format!("l[{n}]"), "x".to_owned())).collect::<Vec<_>>();
    assert_eq!(
        parse(&page, &pairs(MAX_PAIRS + 1), held, &Context::default()).unwrap_err(),
        TooManyPairs { pairs: MAX_PAIRS + 1 }
    );
    let parsed = parse(&page, &pairs(MAX_ITEMS + 5), held, &Context::default()).unwrap();
    assert_eq!(parsed.answers["l"].as_array().unwrap().len(), MAX_ITEMS);
    assert_eq!(parsed.faults[0].message, "At most 200 entries are possible here.");
    let far = vec![("l[99999999999]".to_owned(), "x".to_owned()), ("l[7]".to_owned(), "y".to_owned())];
    assert_eq!(parse(&page, &far, held, &Context::default()).unwrap().answers, json!({ "l": ["y", "x"] }));
}

proptest::proptest! {
    /// Whatever is sent, reading ends, and what was read can be drawn and judged.
    #[test]
    fn nothing_that_is_sent_breaks_the_form(pairs in proptest::collection::vec(("(name|port|tags|db|m|repo|owner|b)(\\[[0-9]{1,3}\\]|\\.x|\\.engine|:as|:k0|:v0|:q|:host|:repo|)", "[a-z0-9:\\[\\]\\-]{0,8}"), 0..40), action in "(next|add|remove|find|update):?(tags|tags\\[0\\]|m|m:v0|owner|)") {
        let mut bench = Bench::new(json!({ "required": ["name", "db"], "properties": {
            "name": { "type": "string", "pattern": "^[a-z]+$" }, "port": { "type": "integer", "minimum": 3 },
            "tags": { "type": "array", "items": { "$ref": "#/definitions/t" } }, "db": { "type": "object", "properties": { "engine": {} }, "additionalProperties": { "type": "number" } },
            "m": { "type": "object", "additionalProperties": true }, "repo": { "ui:field": "RepoUrlPicker" }, "owner": { "ui:field": "OwnerPicker" },
            "b": { "oneOf": [{ "type": "string" }, { "type": "object", "properties": { "x": { "type": "boolean" } } }] },
        }, "definitions": { "t": { "type": "string", "maxLength": 4 } } }));
        let mut all: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        all.push((ACTION, &action));
        bench.send(&all);
        bench.said();
        bench.html();
    }
}
