//! The form cases recorded from a running Backstage: what its API answers to template parameters.
//!
//! Every submission of every case counts for itself, and so does the parameter schema of each template.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use slipway::features::scaffolder::model::form::{
    Page, Secrets, Typed, api_errors, parameter_schema, secret_errors, validate, without_hidden_pages,
};

/// The share of cases that must pass, in percent.
const MUST_PASS: usize = 100;

fn cases_dir() -> Option<PathBuf> {
    let set = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance");
    [set, Some(default)].into_iter().flatten().map(|dir| dir.join("scaffolder/forms")).find(|dir| dir.is_dir())
}

struct Case {
    id: String,
    template: Value,
    expected: Value,
}

fn cases(dir: &Path) -> Vec<Case> {
    let mut out: Vec<Case> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("template.yaml").is_file())
        .map(|path| {
            let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
            Case {
                id: path.file_name().unwrap().to_string_lossy().into_owned(),
                template: yaml(&read("template.yaml")),
                expected: serde_json::from_str(&read("expected.json")).unwrap(),
            }
        })
        .collect();
    out.sort_by(|a, b| a.id.cmp(&b.id));
    out
}

/// The expressions of `when` in the cases are simple; the scaffolder's own engine is tested elsewhere.
fn when(expression: &Value, parameters: &Value) -> bool {
    match expression {
        Value::Bool(shown) => *shown,
        Value::String(text) => {
            let text = text.trim();
            let inner = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).unwrap_or(text);
            let env = minijinja::Environment::new();
            let compiled = inner.replace("===", "==");
            let Ok(expression) = env.compile_expression(compiled.trim()) else { return true };
            expression
                .eval(serde_json::from_value::<minijinja::Value>(json!({ "parameters": parameters })).unwrap())
                .map_or(true, |value| value.is_true())
        }
        _ => true,
    }
}

/// YAML 1.2, as Backstage reads it: `off` and `Y` are texts.
fn yaml(text: &str) -> Value {
    {
        use slipway::features::catalog::model::yaml;
        let reading = yaml::read_stream(text.as_bytes(), &yaml::Limits::default());
        serde_json::from_value(reading.documents().next().expect("a document").value.clone()).unwrap()
    }
}

fn reduced(errors: &[Value]) -> Value {
    let keep = |error: &Value| json!({ "path": error["path"], "property": error["property"], "message": error["message"], "name": error["name"] });
    errors.iter().map(keep).collect()
}

/// What we answer to one submission, in the shape of the recorded answer.
fn answer(spec: &Value, submission: &Value) -> Value {
    let parameters = spec.get("parameters").cloned().unwrap_or(Value::Null);
    let values = &submission["values"];
    let mut errors = api_errors(&parameters, values, &when);
    if let (true, Some(schema)) = (errors.is_empty(), spec.pointer("/secrets/schema")) {
        errors = secret_errors(schema, submission.get("secrets").unwrap_or(&json!({})));
    }
    if errors.is_empty() { json!("valid") } else { reduced(&errors) }
}

#[test]
fn answers_as_backstage_does() {
    let Some(dir) = cases_dir() else {
        println!("skipped: no form cases in $CONFORMANCE_DIR or tests/data/conformance");
        return;
    };
    let (mut total, mut failed) = (0, Vec::new());
    for case in cases(&dir) {
        let spec = &case.template["spec"];
        let mut count = |id: String, expected: &Value, found: &Value| {
            total += 1;
            if expected != found {
                failed.push(format!("{id}\n  expected {expected}\n  found    {found}"));
            }
        };
        count(format!("{}/schema", case.id), &case.expected["parameterSchema"], &parameter_schema(&case.template));
        for (index, submission) in case.expected["submissions"].as_array().unwrap().iter().enumerate() {
            count(format!("{}/{index}", case.id), &submission["expected"], &answer(spec, submission));
            if let Some(seen) = submission.get("parametersSeen") {
                let pages = Page::from_parameters(spec.get("parameters").unwrap_or(&Value::Null));
                count(
                    format!("{}/{index}/seen", case.id),
                    seen,
                    &without_hidden_pages(&pages, &submission["values"], &when),
                );
            }
        }
    }
    println!("scaffolder forms: {}/{total} passed", total - failed.len());
    for failure in &failed {
        println!("failed {failure}");
    }
    assert!(total > 0, "no cases in {}", dir.display());
    assert!((total - failed.len()) * 100 >= total * MUST_PASS, "{} of {total} form cases failed", failed.len());
}

/// What the API refuses the form must refuse too: a person learns of it on the page, not at the end.
/// The form may be stricter, for example about dates that do not exist.
#[test]
fn the_form_accepts_nothing_that_the_api_refuses() {
    let Some(dir) = cases_dir() else { return };
    for case in cases(&dir) {
        let pages = Page::from_parameters(case.template["spec"].get("parameters").unwrap_or(&Value::Null));
        for (index, submission) in case.expected["submissions"].as_array().unwrap().iter().enumerate() {
            let values = &submission["values"];
            let refused = !api_errors(&case.template["spec"]["parameters"], values, &when).is_empty();
            let shown = pages.iter().filter(|page| page.holds(values, &when));
            let faults: Vec<_> = shown
                .flat_map(|page| {
                    validate(
                        page,
                        values,
                        &Secrets::new(),
                        &Typed::default(),
                        &slipway::features::scaffolder::model::form::Context::default(),
                    )
                })
                .collect();
            // The trap of `additionalProperties: false` on one of several pages is not a fault of the answers.
            let trap = case.id == "additional-properties-false";
            assert!(trap || !refused || !faults.is_empty(), "{}/{index} passes the form: {values}", case.id);
        }
    }
}
