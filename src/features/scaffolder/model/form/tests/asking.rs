//! Which questions there are: conditions, order, flags, references.

use super::*;

#[test]
fn a_dependent_question_follows_the_one_it_depends_on() {
    let schema = json!({
        "properties": { "kind": { "enum": ["none", "sql"] }, "last": {} },
        "dependencies": { "kind": { "oneOf": [
            { "properties": { "kind": { "enum": ["none"] } } },
            { "properties": { "kind": { "enum": ["sql"] }, "dsn": { "type": "string" }, "pool": {} }, "required": ["dsn"] },
        ] } },
    });
    let bench = Bench::new(schema).answered(json!({ "kind": "sql" }));
    assert_eq!(bench.names(), ["kind", "dsn", "pool", "last"]);
    assert!(bench.field("dsn").required);
    assert!(bench.field("kind").controls);
    assert_eq!(bench.answered(json!({ "kind": "none" })).names(), ["kind", "last"]);
}

#[test]
fn conditions_nest_and_decide_by_all_pages() {
    let schema = json!({
        "properties": { "a": {} },
        "if": { "properties": { "elsewhere": { "const": true } }, "required": ["elsewhere"] },
        "then": {
            "properties": { "b": { "enum": ["x", "y"] } },
            "if": { "properties": { "b": { "const": "y" } }, "required": ["b"] },
            "then": { "properties": { "c": { "type": "integer" } } },
        },
        "else": { "properties": { "d": {} } },
    });
    let bench = Bench::new(schema);
    assert_eq!(bench.names(), ["a", "d"]);
    let bench = bench.answered(json!({ "elsewhere": true }));
    assert_eq!(bench.names(), ["a", "b"]);
    assert_eq!(bench.answered(json!({ "elsewhere": true, "b": "y" })).names(), ["a", "b", "c"]);
}

#[test]
fn all_of_is_combined() {
    let schema = json!({ "allOf": [
        { "properties": { "n": { "type": "integer", "minimum": 1, "enum": [1, 2, 3] } }, "required": ["n"] },
        { "properties": { "n": { "minimum": 2, "enum": [2, 3, 4] } } },
    ] });
    let resolved = effective_schema(&schema, &json!({}), &[]);
    assert_eq!(resolved["properties"]["n"], json!({ "type": "integer", "minimum": 2, "enum": [2, 3] }));
    assert_eq!(resolved["required"], json!(["n"]));
}

#[test]
fn order_is_the_authors_with_the_rest_where_the_star_stands() {
    let bench =
        Bench::new(json!({ "ui:order": ["d", "*", "a"], "properties": { "a": {}, "b": {}, "c": {}, "d": {} } }));
    assert_eq!(bench.names(), ["d", "b", "c", "a"]);
}

#[test]
fn flags_hide_questions_and_what_demands_them() {
    let schema = json!({ "required": ["beta"], "properties": { "a": {}, "beta": { "backstage:featureFlag": "new" } } });
    let mut bench = Bench::new(schema);
    assert_eq!(bench.names(), ["a"]);
    assert!(bench.said().is_empty());
    bench.context.flags.push("new".to_owned());
    assert_eq!(bench.names(), ["a", "beta"]);
    assert_eq!(bench.said(), ["beta: Fill this in."]);
}

#[test]
fn references_are_followed_and_endless_ones_end() {
    let schema = json!({
        "definitions": {
            "slug": { "type": "string", "title": "Slug" },
            "node": { "type": "object", "properties": { "name": { "type": "string" }, "children": { "type": "array", "items": { "$ref": "#/definitions/node" } }, "left": { "$ref": "#/definitions/node" } } },
            "loop": { "$ref": "#/definitions/loop" },
        },
        "properties": {
            "a": { "$ref": "#/definitions/slug", "description": "beside" },
            "tree": { "$ref": "#/definitions/node" },
            "loop": { "$ref": "#/definitions/loop" },
            "gone": { "$ref": "#/definitions/missing" },
            "far": { "$ref": "https://example.com/schema.json" },
        },
    });
    let bench = Bench::new(schema);
    assert_eq!(bench.names(), ["a", "tree", "gone", "far"]);
    assert_eq!((bench.field("a").label.as_str(), bench.field("a").help.len()), ("Slug", 1));
    let bench = bench.answered(json!({ "tree": { "children": [{ "name": "x", "children": [{ "name": "y" }] }] } }));
    assert!(
        matches!(bench.field("tree.children[0].children[0].name").control, Control::Input(Input { ref value, .. }) if value == "y")
    );
}

#[test]
fn recursive_lists_grow_by_one_level() {
    let node = json!({ "type": "object", "properties": { "name": { "type": "string" }, "children": { "type": "array", "items": { "$ref": "#/definitions/node" } } } });
    let mut bench = Bench::new(
        json!({ "definitions": { "node": node }, "properties": { "tree": { "$ref": "#/definitions/node" } } }),
    );
    bench.send(&[("tree.name", "a"), ("tree.children:items", ""), (":do", "add:tree.children")]);
    assert!(matches!(bench.field("tree.children[0].name").control, Control::Input(_)));
    bench.send(&[
        ("tree.name", "a"),
        ("tree.children:items", ""),
        ("tree.children[0].name", "b"),
        ("tree.children[0].children:items", ""),
        (":do", "next"),
    ]);
    assert_eq!(bench.answers, json!({ "tree": { "name": "a", "children": [{ "name": "b", "children": [] }] } }));
    assert!(bench.said().is_empty());
}

#[test]
fn a_list_that_demands_items_shows_them_empty() {
    let schema = json!({ "definitions": { "p": { "type": "object", "properties": { "n": { "type": "integer" } } } }, "required": ["l"], "properties": { "l": { "type": "array", "minItems": 2, "items": { "$ref": "#/definitions/p" } } } });
    let mut bench = Bench::new(schema);
    assert!(matches!(bench.field("l[1].n").control, Control::Input(Input { short: true, .. })));
    bench.send(&[("l:items", ""), ("l[0].n", "1"), ("l[1].n", ""), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "l": [{ "n": 1 }] }));
    assert_eq!(bench.said(), ["l: Add at least 2."]);
}

#[test]
fn settled_answers_are_those_still_asked_for() {
    let pages = Page::from_parameters(&json!([
        { "properties": { "a": {}, "kind": { "enum": ["x", "y"] } }, "if": { "properties": { "kind": { "const": "x" } }, "required": ["kind"] }, "then": { "properties": { "b": {} } } },
        { "when": "b", "properties": { "c": {} } },
        { "when": "c", "properties": { "d": {}, "a": {} } },
    ]));
    let when = |expression: &Value, answers: &Value| expression.as_str().is_none_or(|key| answers.get(key).is_some());
    let answers = json!({ "a": 1, "kind": "y", "b": 2, "c": 3, "d": 4, "extra": 5 });
    assert_eq!(settled_answers(&pages, &answers, &[], &when), json!({ "a": 1, "kind": "y", "extra": 5 }));
}

#[test]
fn a_schema_that_multiplies_itself_stays_small() {
    let wide: Value = (0..40)
        .map(|n| (format!("p{n}"), json!({ "allOf": [{ "$ref": "#/definitions/next" }] })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut definitions = serde_json::Map::new();
    for n in 0..12 {
        let inner = wide.to_string().replace("next", &format!("d{}", n + 1));
        let inner: Value = serde_json::from_str(&inner).unwrap();
        definitions.insert(format!("d{n}"), json!({ "type": "object", "properties": inner }));
    }
    let schema = json!({ "definitions": definitions, "properties": { "a": { "$ref": "#/definitions/d0" } } });
    let started = std::time::Instant::now();
    let resolved = effective_schema(&schema, &json!({}), &[]);
    assert!(resolved.to_string().len() < 2_000_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn defaults_come_in_once_and_bring_up_more() {
    let schema = json!({
        "properties": { "deploy": { "type": "boolean", "default": true }, "fixed": { "const": "v1" }, "db": { "type": "object", "properties": { "size": { "default": 3 } } } },
        "dependencies": { "deploy": { "oneOf": [{ "properties": { "deploy": { "const": true }, "cluster": { "default": "eu" } } }] } },
    });
    let page = Page::from_parameters(&schema).remove(0);
    assert_eq!(
        page.start(&json!({}), &[]),
        json!({ "deploy": true, "cluster": "eu", "fixed": "v1", "db": { "size": 3 } })
    );
    assert_eq!(
        page.start(&json!({ "deploy": false, "other": 1 }), &[]),
        json!({ "deploy": false, "other": 1, "fixed": "v1", "db": { "size": 3 } })
    );
}

#[test]
fn one_of_several_constants_is_a_list_of_options() {
    let schema = json!({ "properties": { "tier": { "oneOf": [
        { "const": 1, "title": "Tier 1", "description": "Parcels stop." }, { "const": 2, "title": "Tier 2" },
    ] } }, "required": ["tier"] });
    let bench = Bench::new(schema).answered(json!({ "tier": 2 }));
    let Control::Radio(options) = bench.field("tier").control else { panic!("described options stand in the open") };
    assert_eq!(
        (options[0].label.as_str(), options[0].note.as_str(), options[0].code.as_str()),
        ("Tier 1", "Parcels stop.", "1")
    );
    assert!(options[1].checked && !options[0].checked);
}

#[test]
fn several_forms_bring_a_choice_of_form() {
    let schema = json!({ "properties": {
        "b": { "anyOf": [{ "type": "string", "maxLength": 2 }, { "type": "integer" }] },
        "maybe": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
        "store": { "type": "object", "oneOf": [
            { "title": "Table", "properties": { "table": { "type": "string" } }, "required": ["table"] },
            { "title": "Bucket", "properties": { "bucket": { "type": "string" } }, "required": ["bucket"] },
        ] },
    } });
    let mut bench = Bench::new(schema);
    assert!(matches!(bench.field("b").control, Control::Input(Input { kind: "text", short: false, .. })));
    assert!(matches!(bench.field("maybe").control, Control::Input(_)));
    let parsed = bench.send(&[("b:as", "1"), ("b", ""), ("store:as", "1"), ("store.table", ""), (":do", "update")]);
    assert_eq!(parsed.action, Action::Update);
    assert!(matches!(bench.field("b").control, Control::Input(Input { short: true, .. })), "now a number");
    assert!(bench.field("store.bucket").required);
    bench.send(&[("b:as", "1"), ("b", "7"), ("store:as", "1"), ("store.bucket", "x"), (":do", "next")]);
    assert_eq!(bench.answers, json!({ "b": 7, "store": { "bucket": "x" } }));
    assert!(bench.said().is_empty());
}

#[test]
fn options_that_only_restrict_are_no_choice_of_form() {
    let schema = json!({ "properties": { "mail": {}, "phone": { "title": "Phone number" } }, "anyOf": [{ "required": ["mail"] }, { "required": ["phone"] }] });
    let bench = Bench::new(schema);
    assert_eq!(bench.names(), ["mail", "phone"]);
    assert_eq!(bench.said(), [": Answer at least one of these: Mail, Phone number."]);
    assert!(bench.answered(json!({ "mail": "x" })).said().is_empty());
}

#[test]
fn a_pinned_property_chooses_without_a_further_control() {
    let schema = json!({ "properties": { "kind": { "enum": ["a", "b"] } }, "oneOf": [
        { "properties": { "kind": { "const": "a" }, "x": { "type": "string" } } },
        { "properties": { "kind": { "const": "b" }, "y": { "type": "string" } } },
    ] });
    let bench = Bench::new(schema).answered(json!({ "kind": "b" }));
    assert_eq!(bench.names(), ["kind", "y"]);
    assert!(bench.said().is_empty());
}

#[test]
fn pages_show_and_hide() {
    let pages = Page::from_parameters(
        &json!([{ "properties": {} }, { "title": "B", "when": "x", "properties": {} }, { "backstage:featureFlag": "f" }]),
    );
    assert_eq!(pages.iter().map(|page| page.title.as_str()).collect::<Vec<_>>(), [DEFAULT_TITLE, "B", DEFAULT_TITLE]);
    assert!(pages[1].schema.get("when").is_none());
    let shown = |flags: &[String], holds: bool| {
        pages.iter().filter(|page| page.is_shown(&json!({}), flags, &|_, _| holds)).count()
    };
    assert_eq!((shown(&[], true), shown(&[], false), shown(&["f".to_owned()], true)), (2, 1, 3));
}
