//! Controls and their markup.

use super::*;

#[test]
fn text_controls_follow_format_and_widget() {
    let kind = |schema: Value| match Bench::new(json!({ "properties": { "x": schema } })).field("x").control {
        Control::Input(input) => input.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(json!({ "format": "email" })), "email");
    assert_eq!(kind(json!({ "format": "uri" })), "url");
    assert_eq!(kind(json!({ "ui:widget": "date" })), "date");
    assert_eq!(kind(json!({ "ui:widget": "alt-datetime" })), "datetime-local");
    assert_eq!(kind(json!({ "ui:widget": "color", "default": "#112233" })), "color");
    assert_eq!(kind(json!({ "ui:widget": "color" })), "text", "a colour control cannot be empty");
    assert_eq!(kind(json!({ "ui:options": { "inputType": "tel" } })), "tel");
    assert_eq!(kind(json!({ "ui:options": { "inputType": "file" } })), "text");
    assert_eq!(kind(json!({ "ui:field": "RepoBranchPicker" })), "text");
    assert_eq!(
        kind(json!({ "default": "2024-01-01T00:00:00+02:00", "format": "date-time" })),
        "text",
        "an offset would be lost"
    );
}

#[test]
fn help_and_marks() {
    let bench = Bench::new(json!({ "required": ["b"], "properties": {
        "a": { "type": "string", "title": "A", "description": "What it is.", "ui:help": "And more.", "ui:autofocus": true, "ui:placeholder": "e.g. x" },
        "b": { "type": "integer", "minimum": 1, "maximum": 9 },
        "c": { "type": "boolean" },
        "d": { "ui:field": "FancyPicker" },
    } }));
    let a = bench.field("a");
    assert_eq!(a.help, [Span::Text("What it is. And more.".to_owned())]);
    assert!(a.optional && a.autofocus && !a.required);
    let b = bench.field("b");
    assert_eq!(b.help, [Span::Text("Choose a number from 1 to 9.".to_owned())]);
    assert!(b.required && !b.optional);
    let c = bench.field("c");
    assert!(!c.required && !c.optional, "a box is always answered");
    assert!(bench.field("d").warning.is_some_and(|warning| warning.contains("FancyPicker")));
    let html = bench.html();
    assert!(html.contains(r#"<label for="f-a">A <span class="field__opt">(optional)</span></label>"#), "{html}");
    assert!(html.contains(r#"<p class="field__help" id="f-a-h">What it is. And more.</p>"#));
    assert!(html.contains(r#"aria-describedby="f-a-h" autofocus"#));
}

#[test]
fn text_from_outside_is_escaped() {
    let bad = "<script>\"'&";
    let bench = Bench::new(json!({ "properties": { "x": { "title": bad, "description": bad, "ui:placeholder": bad, "enum": [bad] }, "y": { "title": bad }, "m": { "type": "object", "additionalProperties": {} } } }))
        .answered(json!({ "x": bad, "y": bad, "m": { bad: bad } }));
    let html = bench.html();
    assert!(!html.contains("<script>") && !html.contains("=\"<"), "{html}");
}

#[test]
fn errors_are_tied_to_their_controls() {
    let mut bench = Bench::new(
        json!({ "properties": { "x": { "description": "Help." }, "g": { "type": "object", "properties": { "y": { "type": "integer" } } } } }),
    );
    bench.faults = vec![
        FieldFault { field: "x".to_owned(), message: "Wrong.".to_owned() },
        FieldFault { field: "g.y".to_owned(), message: "Also.".to_owned() },
    ];
    let html = bench.html();
    assert!(html.contains(r#"aria-describedby="f-x-h f-x-e" aria-invalid="true""#), "{html}");
    assert!(html.contains(r#"<p class="field__error" id="f-g.y-e"><svg class="icon" aria-hidden="true"><use href="/icons.svg#bad"/></svg><span>Also.</span></p>"#));
}

fn found() -> impl Choices {
    |lookup: &Lookup| {
        let all = [
            ("group:default/tracking", "Tracking"),
            ("group:default/last-mile", "Last mile"),
            ("user:default/ada", "Ada Lovelace"),
        ];
        let fits = all.iter().filter(|(_, title)| title.to_lowercase().contains(&lookup.query.to_lowercase()));
        let choice = |(value, title): &(&str, &str)| Choice {
            value: (*value).to_owned(),
            title: (*title).to_owned(),
            note: "7 services".to_owned(),
        };
        Found { choices: fits.map(choice).collect(), selected: Vec::new(), more: false }
    }
}

#[test]
fn pickers_search_mark_and_keep_what_is_chosen() {
    let mut bench = Bench::new(
        json!({ "required": ["owner"], "properties": { "owner": { "ui:field": "OwnerPicker", "ui:options": { "defaultKind": "Group" } } } }),
    );
    bench.send(&[("owner", "group:default/routing"), ("owner:q", "last"), (":do", "find:owner")]);
    let picker = |bench: &Bench| match bench.form().fields(&found()).remove(0).control {
        Control::Picker(picker) => picker,
        other => panic!("{other:?}"),
    };
    let shown = picker(&bench);
    let titles: Vec<(&str, bool)> = shown.picks.iter().map(|pick| (pick.title.as_str(), pick.checked)).collect();
    assert_eq!(titles, [("group:default/routing", true), ("Last mile", false), ("last", false)]);
    assert_eq!(shown.picks[1].mark, Mark::Team("LM".to_owned()));
    assert_eq!(shown.picks[2].value, "group:default/last", "written text is completed");
    let search = shown.search.unwrap();
    assert_eq!((search.label.as_str(), search.query.as_str()), ("Find a team or person", "last"));
    let lookups = bench.form().lookups();
    assert_eq!(
        (lookups.len(), lookups[0].query.as_str(), lookups[0].selected.as_slice()),
        (1, "last", &["group:default/routing".to_owned()][..])
    );
    assert_eq!(
        lookups[0].filter.any_of,
        [vec![("kind".to_owned(), Demand::Is(vec!["Group".to_owned(), "User".to_owned()]))]]
    );
}

#[test]
fn a_closed_picker_refuses_what_it_does_not_offer() {
    let mut bench = Bench::new(json!({ "properties": {
        "a": { "ui:field": "EntityPicker", "ui:options": { "allowArbitraryValues": false } }, "b": { "ui:field": "EntityPicker" }, "c": { "ui:field": "MyGroupsPicker" },
    } }));
    bench.answers = json!({ "a": "group:default/tracking", "b": "x", "c": "group:default/other" });
    let faults = bench.form().check_choices(&found());
    assert_eq!(
        faults,
        [FieldFault { field: "c".to_owned(), message: "“group:default/other” cannot be chosen here.".to_owned() }]
    );
}

#[test]
fn filters_of_pickers() {
    let schema = json!({ "properties": {
        "a": { "ui:field": "EntityPicker", "ui:options": { "catalogFilter": [{ "kind": "Component", "spec.type": "service" }, { "kind": ["API"], "metadata.annotations.x/y": { "exists": true } }], "allowArbitraryValues": false } },
        "b": { "ui:field": "OwnedEntityPicker" }, "c": { "ui:field": "MyGroupsPicker" }, "d": { "ui:field": "EntityTagsPicker", "ui:options": { "kinds": ["Component"] } },
        "e": { "ui:field": "EntityPicker", "ui:options": { "allowedKinds": ["System"] } },
    } });
    let mut bench = Bench::new(schema);
    bench.context.groups = vec!["group:default/g".to_owned()];
    bench.context.owns_as = vec!["user:default/u".to_owned(), "group:default/g".to_owned()];
    let lookups = bench.form().lookups();
    let is = |key: &str, values: &[&str]| {
        (key.to_owned(), Demand::Is(values.iter().map(|value| (*value).to_owned()).collect()))
    };
    assert_eq!(
        lookups[0].filter.any_of,
        [
            vec![is("kind", &["Component"]), is("spec.type", &["service"])],
            vec![is("kind", &["API"]), ("metadata.annotations.x/y".to_owned(), Demand::Exists(true))],
        ]
    );
    assert_eq!(lookups[1].filter.owned_by.as_deref(), Some(&bench.context.owns_as[..]));
    assert_eq!(lookups[2].filter.only.as_deref(), Some(&bench.context.groups[..]));
    assert_eq!(lookups[3].filter.tags_of.as_deref(), Some(&["Component".to_owned()][..]));
    assert_eq!(lookups[4].filter.any_of, [vec![is("kind", &["System"])]]);
}

#[test]
fn a_picker_with_nothing_to_offer_says_so() {
    let bench = Bench::new(json!({ "properties": { "mine": { "ui:field": "MyGroupsPicker" } } }));
    let html = bench.html();
    assert!(html.contains("You are in no team yet.") && !html.contains("class=\"picker\""), "{html}");
}

#[test]
fn the_first_button_goes_on_and_conditions_bring_an_update_button() {
    let html = Bench::new(json!({ "properties": { "tags": { "type": "array", "items": {} } } })).html();
    let first = html.find("<button").unwrap();
    assert!(html[first..].starts_with(r#"<button class="visually-hidden" name=":do" value="enter""#));
    assert!(!html.contains("data-update"));
    let html = Bench::new(json!({ "properties": { "a": {} }, "dependencies": { "a": ["b"] } })).html();
    assert!(html.contains("data-update") && html.contains("data-controls"));
}

#[test]
fn ids_are_unique_on_a_page_with_everything() {
    let mut bench = Bench::new(everything());
    bench.context.hosts = vec!["github.com".to_owned(), "gitlab.com".to_owned()];
    let fields = bench.form().fields(&found());
    check_relations("plain", &Fields::new(&fields, "icons.svg").to_string());
    bench.faults = names_below(&fields)
        .into_iter()
        .map(|field| FieldFault { field, message: "Choose something else.".to_owned() })
        .collect();
    let fields = bench.form().fields(&found());
    check_relations("faulty", &Fields::new(&fields, "icons.svg").to_string());
}

fn names_below(fields: &[Field]) -> Vec<String> {
    let below = |field: &Field| {
        field.inner().into_iter().flat_map(|inner| names_below(std::slice::from_ref(inner))).collect::<Vec<_>>()
    };
    fields.iter().flat_map(|field| std::iter::once(field.name.clone()).chain(below(field))).collect()
}

/// Ids are unique, and what refers to an id finds one. With `FORM_GALLERY` set, the markup is left there.
fn check_relations(state: &str, html: &str) {
    let values =
        |attribute: &str| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>();
    let mut ids = values(" id=\"");
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let targets =
        values(" for=\"").into_iter().chain(values("aria-describedby=\"").into_iter().flat_map(str::split_whitespace));
    for target in targets.chain(values(" list=\"")) {
        assert!(ids.contains(&target), "nothing is called {target}");
    }
    assert!(!html.contains(" style=") && !html.contains(" onclick"));
    if let Ok(dir) = std::env::var("FORM_GALLERY") {
        std::fs::write(format!("{dir}/{state}.html"), html).unwrap();
    }
}

/// A page with every control there is.
fn everything() -> Value {
    json!({ "required": ["name", "owner", "tier", "repoUrl", "port"], "properties": {
        "name": { "type": "string", "title": "Name", "description": "Lower-case letters, digits and hyphens. Becomes `the repository`; see [naming](https://example.com)." },
        "what": { "type": "string", "title": "What it does", "ui:widget": "textarea", "description": "One sentence for the catalog." },
        "owner": { "title": "Owner", "ui:field": "OwnerPicker", "description": "The team that answers at night." },
        "tier": { "title": "How much hurts when it is down?", "oneOf": [
            { "const": 1, "title": "Tier 1", "description": "Parcels stop. 99.9%, two zones." }, { "const": 2, "title": "Tier 2", "description": "Somebody notices." },
            { "const": 3, "title": "Tier 3", "description": "It can wait until morning." },
        ], "default": 2 },
        "system": { "title": "System", "enum": ["Parcel tracking", "Delivery"] },
        "port": { "type": "integer", "title": "Port", "minimum": 1024, "maximum": 65535 },
        "personal": { "type": "boolean", "title": "It handles personal data", "description": "Adds the deletion job." },
        "repoUrl": { "ui:field": "RepoUrlPicker", "title": "Repository" },
        "tags": { "type": "array", "title": "Aliases", "items": { "type": "string" }, "default": ["one", "two"] },
        "multi": { "type": "array", "title": "Regions", "uniqueItems": true, "items": { "enum": ["eu", "us", "asia"] }, "ui:widget": "checkboxes" },
        "pairs": { "type": "array", "title": "Ports", "items": { "type": "object", "title": "Port", "required": ["number"], "properties": { "number": { "type": "integer" }, "open": { "type": "boolean" } } }, "default": [{ "number": 1 }] },
        "labels": { "type": "object", "title": "Labels", "additionalProperties": { "type": "string" }, "default": { "team": "x" } },
        "db": { "type": "object", "title": "Database", "description": "Only when it stores something.", "properties": { "engine": { "enum": ["pg", "none"] }, "size": { "type": "integer" } }, "additionalProperties": { "type": "string" } },
        "b": { "title": "Limit", "anyOf": [{ "type": "string" }, { "type": "integer" }] },
        "store": { "title": "Store", "type": "object", "oneOf": [{ "title": "Table", "properties": { "table": {} } }, { "title": "Bucket", "properties": { "bucket": {} } }] },
        "token": { "title": "Token", "ui:field": "Secret" },
        "pw": { "title": "Password", "ui:widget": "password", "default": "x" },
        "etags": { "type": "array", "title": "Tags", "ui:field": "EntityTagsPicker" },
        "many": { "type": "array", "title": "Reviewers", "ui:field": "MultiEntityPicker" },
        "day": { "format": "date", "title": "Start" },
        "at": { "format": "date-time", "title": "At" },
        "fixed": { "const": "v1", "title": "Version" },
        "odd": { "ui:field": "FancyPicker", "title": "Fancy" },
        "tree": { "type": "array", "title": "Trees", "items": { "type": "array", "items": { "type": "string" } }, "default": [["a"]] },
    } })
}
