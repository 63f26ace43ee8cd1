//! What the recorded answers do not reach: positions, limits, aliases, the list of all problems,
//! addresses of code hosts, and what lists see.

use serde_json::{Value, json};

use super::hosts::CodeHosts;
use super::location::LocationRef;
use super::relations::relations;
use super::yaml::{Document, Limits, Position, YamlFault, read_stream};
use super::{Place, check, placeholder, search_text, storable, view};

fn read(text: &str) -> Vec<Document> {
    read_stream(text.as_bytes(), &Limits::default()).documents().cloned().collect()
}

fn first_problem(text: &str) -> super::yaml::YamlProblem {
    read_stream(text.as_bytes(), &Limits::default()).problems().next().cloned().expect("a problem")
}

fn at(line: u64, column: u64) -> Position {
    Position { line, column }
}

#[test]
fn positions_name_keys_items_and_the_nearest_ancestor() {
    let text =
        "# head\n---\nkind: API\nmetadata:\n  tags: [a, é, c]\n  labels:\n    a/b: x\n---\nspec:\n- one\n- two: 2\n";
    let documents = read(text);
    assert_eq!(documents[0].line, 3);
    assert_eq!(documents[0].position(""), at(3, 1));
    assert_eq!(documents[0].position("/metadata/tags/2"), at(5, 16));
    assert_eq!(documents[0].position("/metadata/labels/a~1b"), at(7, 5));
    assert_eq!(documents[0].position("/metadata/name"), at(4, 1), "what is missing is at its parent");
    assert_eq!(documents[0].position("/spec/owner"), at(3, 1));
    assert_eq!(documents[1].position("/spec/1/two"), at(11, 3));
}

#[test]
fn positions_survive_aliases_and_keys_that_read_alike() {
    let documents = read("a: &x {k: [1]}\nb: *x\n1: one\n\"1\": two\n");
    assert_eq!(documents[0].value, json!({ "a": { "k": [1] }, "b": { "k": [1] }, "1": "two" }));
    assert_eq!(documents[0].position("/b/k/0"), at(2, 1));
    assert_eq!(documents[0].position("/1"), at(4, 1));
}

#[test]
fn problems_say_where_and_what() {
    let problem = first_problem("kind: API\nmetadata:\n  name: x\n\tnamespace: y\n");
    assert_eq!(problem.position, at(4, 1));
    assert!(problem.to_string().starts_with("line 4, column 1: A tab"), "{problem}");
    let location = LocationRef::new("url", "https://x.example/c.yaml");
    assert!(
        problem.message_at(&location).starts_with("YAML error at url:https://x.example/c.yaml, YAMLParseError: Tabs")
    );
    let missing = first_problem("a: *nothing\n");
    assert_eq!(missing.fault, YamlFault::Reference);
    assert!(missing.message_at(&location).starts_with("Unable to read url, Unresolved alias"));
}

#[test]
fn a_broken_document_leaves_the_others() {
    let reading = read_stream(b"a: 1\n---\nb: [\n---\nc: 3\n", &Limits::default());
    assert_eq!(reading.documents().count(), 2);
    assert_eq!(reading.problems().count(), 1);
    let trailing = read_stream(b"\"a\"\nb: 1\n---\nc: 3\n", &Limits::default());
    assert_eq!((trailing.documents().count(), trailing.problems().count()), (1, 1));
}

#[test]
fn limits_refuse_what_costs_too_much() {
    let limits = Limits { file_bytes: 10, documents: 2, depth: 3, ..Limits::default() };
    let fault = |text: &str| read_stream(text.as_bytes(), &limits).problems().next().map(|problem| problem.fault);
    assert_eq!(fault("0123456789a"), Some(YamlFault::Limit));
    assert_eq!(fault("a\n---\nb"), None);
    let many = Limits { documents: 2, ..Limits::default() };
    assert_eq!(read_stream(b"a\n---\nb\n---\nc\n", &many).problems().count(), 1);
    assert_eq!(fault("[[[1]]]"), None);
    assert_eq!(fault("[[[[1]]]]"), Some(YamlFault::Limit));
    assert_eq!(first_problem(&"[".repeat(100_000)).fault, YamlFault::Limit);
    assert_eq!(first_problem("a: \"x\\0y\"\n").fault, YamlFault::Limit);
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    assert_ne!(first_problem(&bomb).fault, YamlFault::Syntax);
    assert_eq!(read(&format!("a: &a x\nb: [{}]\n", "*a, ".repeat(99))).len(), 1);
    assert_eq!(first_problem(&format!("a: &a x\nb: [{}]\n", "*a, ".repeat(100))).fault, YamlFault::Reference);
    assert_eq!(first_problem("a: &a [*a]\n").fault, YamlFault::Reference);
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(5000), "*a, ".repeat(90));
    assert_eq!(first_problem(&wide).fault, YamlFault::Limit);
}

#[test]
fn version_1_1_is_another_language_until_it_is_unsaid() {
    let documents = read(
        "%YAML 1.1\n---\na: [yes, 0b11, 1_000, 2024-01-02, 1:30]\n<<: {z: 1}\n---\na: on\n...\n%YAML 1.2\n---\na: on\n",
    );
    assert_eq!(documents[0].value, json!({ "a": [true, 3, 1000, "2024-01-02T00:00:00.000Z", 90], "z": 1 }));
    assert_eq!(documents[1].value, json!({ "a": true }));
    assert_eq!(documents[2].value, json!({ "a": "on" }));
}

fn component(spec: &Value) -> Value {
    json!({ "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": { "name": "a" }, "spec": spec })
}

#[test]
fn all_problems_are_told_at_once() {
    let mut entity = component(&json!({ "type": 5, "owner": "ns/", "dependsOn": ["db"] }));
    entity["metadata"] = json!({ "name": "-a", "tags": ["Java"], "links": [{ "title": "x" }] });
    entity["status"] = json!({});
    let pointers: Vec<String> = check::problems(&entity).into_iter().map(|problem| problem.pointer).collect();
    let expected = [
        "/metadata/links/0/url",
        "/status",
        "/metadata/name",
        "/metadata/tags/0",
        "/spec/lifecycle",
        "/spec/type",
        "/spec/owner",
        "/spec/dependsOn/0",
    ];
    assert_eq!(pointers, expected);
    assert!(check::problems(&component(&json!({ "type": "x", "lifecycle": "y", "owner": "z" }))).is_empty());
    let mut api = component(&json!({ "type": "x", "lifecycle": "y", "owner": "z", "definition": { "$text": "./x" } }));
    api["kind"] = json!("API");
    assert!(check::problems(&api).is_empty(), "what a placeholder stands for is not known yet");
    assert_eq!(check::problems(&json!([]))[0].sentence, "The document must be a mapping, but it is a list.");
}

#[test]
fn what_could_not_be_stored_is_refused_with_a_reason() {
    let clash = component(&json!({ "foo": 1, "Foo": 2 }));
    let error = storable::check(&clash, &[]).expect_err("keys clash").error;
    assert_eq!(error.message, "Entity has duplicate keys that vary only in casing, 'spec.foo'");
    let long = component(&json!({ "owner": "o".repeat(300) }));
    let related = relations(&long).expect("readable");
    assert!(storable::check(&long, &related).is_err());
}

#[test]
fn addresses_of_code_hosts() {
    let hosts = CodeHosts::default();
    let github = "https://github.com/acme/repo/blob/main/a/catalog-info.yaml";
    assert_eq!(hosts.resolve("./x.yaml", github).as_deref(), Ok("https://github.com/acme/repo/tree/main/a/x.yaml"));
    assert_eq!(hosts.resolve("/x.yaml", github).as_deref(), Ok("https://github.com/acme/repo/tree/main/x.yaml"));
    assert_eq!(
        hosts.edit_address(github).as_deref(),
        Some("https://github.com/acme/repo/edit/main/a/catalog-info.yaml")
    );
    assert_eq!(
        hosts.source_folder("https://gitlab.com/g/s/r/-/blob/main/d/c.yaml").as_deref(),
        Some("https://gitlab.com/g/s/r/-/blob/main/d/")
    );
    let azure = "https://dev.azure.com/o/p/_git/r?path=%2Fd%2Fc.yaml";
    assert_eq!(hosts.resolve("../x.yaml", azure).as_deref(), Ok("https://dev.azure.com/o/p/_git/r?path=%2Fx.yaml"));
    let bitbucket = "https://bitbucket.org/a/b/src/main/c.yaml";
    assert_eq!(
        hosts.edit_address(bitbucket).as_deref(),
        Some("https://bitbucket.org/a/b/src/main/c.yaml?mode=edit&at=main")
    );
    assert!(hosts.is_same_repository("https://github.com/acme/repo/blob/v1/x", github));
    assert!(!hosts.is_same_repository("https://github.com/acme/other/blob/main/x", github));
    assert!(!hosts.is_same_repository("https://github.com/acme/repo", "https://example.com/c.yaml"));
}

#[test]
fn placeholders_are_found_and_filled() {
    let hosts = CodeHosts::default();
    let resolvers = placeholder::Resolvers::default();
    let base = "https://example.com/d/c.yaml";
    let entity = json!({ "a": { "$text": "./t" }, "b": [{ "$json": "/j" }], "c": { "$text": "x", "other": 1 }, "d": { "$ref": "#" } });
    let addresses: Vec<String> = placeholder::find(&entity, base, &hosts, &resolvers)
        .expect("found")
        .into_iter()
        .map(|wanted| wanted.address)
        .collect();
    assert_eq!(addresses, ["https://example.com/d/t", "https://example.com/d/c.yaml/j"]);
    let filled = placeholder::substitute(&entity, base, &hosts, &resolvers, |address| {
        Ok(if address.ends_with("/j") { b"{\"x\": [1]}".to_vec() } else { b"text".to_vec() })
    });
    let expected = json!({ "a": "text", "b": [{ "x": [1] }], "c": { "$text": "x", "other": 1 }, "d": { "$ref": "#" } });
    assert_eq!(filled.expect("filled"), expected);
}

#[test]
fn lists_and_search_see_the_entity() {
    let mut entity = component(
        &json!({ "type": "service", "lifecycle": "production", "owner": "Team", "system": "core", "list": ["A", { "d": 1.5 }] }),
    );
    entity["metadata"]["links"] =
        json!([{ "url": "javascript:alert(1)" }, { "url": "https://x.example", "title": "X" }]);
    let place = Place::direct(LocationRef::new("file", "/x/c.yaml"));
    let admitted = check::admit(&entity, &place).expect("admitted");
    let checked = check::check(&admitted, &place, &CodeHosts::default()).expect("checked");
    let related = relations(&checked.entity).expect("related");
    let columns = view::columns(&checked.entity, &related);
    assert_eq!(columns.owner.as_deref(), Some("group:default/team"));
    assert_eq!(columns.system.as_deref(), Some("system:default/core"));
    let followable: Vec<bool> = view::links(&checked.entity).iter().map(|link| link.is_followable).collect();
    assert_eq!(followable, [false, true]);
    let rows: Vec<String> = search_text::search_rows(&checked.entity)
        .filter(|row| row.key.starts_with("spec.list"))
        .map(|row| format!("{}={}", row.key, row.value.unwrap_or_default()))
        .collect();
    assert_eq!(rows, ["spec.list=a", "spec.list.a=true", "spec.list.d=1.5"]);
    let tag = view::etag(&checked.entity);
    let mut other = checked.entity.clone();
    other["metadata"]["uid"] = json!("u");
    assert_eq!(view::etag(&other), tag);
    other["spec"]["type"] = json!("website");
    assert_ne!(view::etag(&other), tag);
}
