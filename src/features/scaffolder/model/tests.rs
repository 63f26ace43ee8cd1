//! The expression language and rendering, where the conformance cases do not reach: types, limits, paths.

use serde_json::json;

use super::expression::{Engine, Rendered};
use super::input::FetchTemplate;
use super::render;
use crate::kernel::tree::{File, Mode, Tree, TreePath};

fn evaluate(source: &str) -> Rendered {
    let context = json!({ "parameters": { "name": "Eta Api", "port": 8080, "on": true, "list": ["a", "b"], "none": null },
        "steps": { "publish": { "output": { "remoteUrl": "https://x" } } } });
    Engine::default().string(source, &context).expect("it evaluates")
}

#[test]
fn a_single_expression_keeps_its_type() {
    assert_eq!(evaluate("${{ parameters.port }}"), Rendered::Value(json!(8080)));
    assert_eq!(evaluate("${{ parameters.on }}"), Rendered::Value(json!(true)));
    assert_eq!(evaluate("${{ parameters.list }}"), Rendered::Value(json!(["a", "b"])));
    assert_eq!(evaluate("${{ parameters.none }}"), Rendered::Value(json!(null)));
    assert_eq!(evaluate("${{ parameters.missing }}"), Rendered::Nothing);
    assert_eq!(evaluate("${{ parameters.missing.deeper }}"), Rendered::Nothing);
}

#[test]
fn text_prints_as_javascript_does() {
    assert_eq!(evaluate("p${{ parameters.port }}"), Rendered::Value(json!("p8080")));
    assert_eq!(evaluate("x${{ parameters.on }}y"), Rendered::Value(json!("xtruey")));
    assert_eq!(evaluate("x${{ parameters.none }}y"), Rendered::Value(json!("xy")));
    assert_eq!(evaluate("l:${{ parameters.list }}"), Rendered::Value(json!("l:a,b")));
}

#[test]
fn methods_and_filters_of_authors_work() {
    assert_eq!(evaluate("${{ parameters.name.toLowerCase().replace(' ', '-') }}"), Rendered::Value(json!("eta-api")));
    assert_eq!(evaluate("${{ parameters.list.length }}"), Rendered::Value(json!(2)));
    assert_eq!(evaluate("${{ ('github.com?owner=o&repo=r' | parseRepoUrl).repo }}"), Rendered::Value(json!("r")));
    assert_eq!(evaluate("${{ ('group:default/x' | parseEntityRef).name }}"), Rendered::Value(json!("x")));
    assert_eq!(evaluate("${{ steps['publish'].output.remoteUrl }}"), Rendered::Value(json!("https://x")));
    assert_eq!(evaluate("${{ 'a' if parameters.port === 8080 else 'b' }}"), Rendered::Value(json!("a")));
}

#[test]
fn a_loop_that_does_not_end_is_given_up() {
    let source = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let error = Engine::default().text(source, &json!({})).expect_err("it is bounded");
    assert!(error.is_limit, "{error}");
}

#[test]
fn a_rendered_path_cannot_climb_out() {
    let mut skeleton = Tree::new();
    let file = File { content: "x".into(), mode: Mode::Regular };
    skeleton.insert(TreePath::new("${{ values.name }}").expect("a path"), file).expect("room");
    let input = json!({ "url": "./skeleton", "values": { "name": "../../etc/passwd" } });
    let input = FetchTemplate::read(&input).expect("an input");
    let error = render::fetch_template(&skeleton, &input, &mut Tree::new()).expect_err("it is refused");
    assert!(error.to_string().contains("climbs out"), "{error}");
}

#[test]
fn raw_blocks_and_foreign_braces_stay() {
    let source = "a: {{ .Values.x }}\nb: {% raw %}${{ github.ref }}{% endraw %}\n";
    let text = Engine::default().text(source, &json!({})).expect("it renders");
    assert_eq!(text, "a: {{ .Values.x }}\nb: ${{ github.ref }}\n");
}
