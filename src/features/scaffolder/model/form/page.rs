//! The pages of a form, as `spec.parameters` of a template describes them.

use serde_json::{Map, Value, json};

use super::effective::FLAG;
use super::keys::own_keys;

/// The title of a page that has none.
pub const DEFAULT_TITLE: &str = "Please enter the following information";

/// Judges the `when` of a page: the expression as it was written, and the answers so far.
/// An expression that cannot be evaluated must give `true`: such a page is shown.
pub type When<'a> = &'a dyn Fn(&Value, &Value) -> bool;

/// One page of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// What stands under the heading. Markdown.
    pub description: Option<String>,
    /// JSON Schema of the page, with `ui:…` keys inline and without `when`.
    pub schema: Value,
    /// The expression that decides whether the page is shown.
    pub when: Option<Value>,
}

impl Page {
    /// The pages in `spec.parameters`: one object is one page, a list is a page per entry.
    #[must_use]
    pub fn from_parameters(parameters: &Value) -> Vec<Self> {
        match parameters {
            Value::Null => Vec::new(),
            Value::Array(pages) => pages.iter().map(Self::new).collect(),
            page => vec![Self::new(page)],
        }
    }

    fn new(page: &Value) -> Self {
        let text = |key: &str| page.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut schema = page.clone();
        let when = schema.as_object_mut().and_then(|map| map.shift_remove("when"));
        Self {
            title: text("title").unwrap_or_else(|| DEFAULT_TITLE.to_owned()),
            description: text("description"),
            schema,
            when,
        }
    }

    /// Whether the page is asked for: its feature flag is on and its `when` holds.
    #[must_use]
    pub fn is_shown(&self, answers: &Value, flags: &[String], when: When<'_>) -> bool {
        let flag = self.schema.get(FLAG).and_then(Value::as_str);
        flag.is_none_or(|flag| flags.iter().any(|on| on == flag)) && self.holds(answers, when)
    }

    /// Whether the `when` of the page holds, whatever its feature flag says. This is all the API looks at.
    #[must_use]
    pub fn holds(&self, answers: &Value, when: When<'_>) -> bool {
        self.when.as_ref().is_none_or(|expression| when(expression, answers))
    }

    /// The page as an entry of `steps` in the parameter schema of the API.
    #[must_use]
    pub fn to_step(&self) -> Value {
        let mut step = Map::new();
        step.insert("title".to_owned(), json!(self.title));
        if let Some(description) = &self.description {
            step.insert("description".to_owned(), json!(description));
        }
        if let Some(when) = &self.when {
            step.insert("when".to_owned(), when.clone());
        }
        step.insert("schema".to_owned(), self.schema.clone());
        Value::Object(step)
    }
}

/// The body of `GET /v2/templates/{namespace}/{kind}/{name}/parameter-schema` for a template entity.
#[must_use]
pub fn parameter_schema(template: &Value) -> Value {
    let at = |pointer: &str| template.pointer(pointer).filter(|value| !value.is_null()).cloned();
    let mut body = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    put("title", at("/metadata/title").or_else(|| at("/metadata/name")));
    put("presentation", at("/spec/presentation"));
    put("description", at("/metadata/description"));
    put("ui:options", at("/metadata/ui:options"));
    let pages = Page::from_parameters(&at("/spec/parameters").unwrap_or(Value::Null));
    put("steps", Some(pages.iter().map(Page::to_step).collect()));
    put("EXPERIMENTAL_formDecorators", at("/spec/EXPERIMENTAL_formDecorators"));
    put("formDecorators", at("/spec/formDecorators"));
    Value::Object(body)
}

/// The values that the steps may see: what belongs only to pages hidden by `when` is left out.
#[must_use]
pub fn without_hidden_pages(pages: &[Page], values: &Value, when: When<'_>) -> Value {
    let (shown, hidden): (Vec<&Page>, Vec<&Page>) = pages.iter().partition(|page| page.holds(values, when));
    let kept: Vec<String> = shown.iter().flat_map(|page| own_keys(&page.schema)).collect();
    let gone: Vec<String> =
        hidden.iter().flat_map(|page| own_keys(&page.schema)).filter(|key| !kept.contains(key)).collect();
    let mut out = values.clone();
    if let Some(map) = out.as_object_mut() {
        map.retain(|key, _| !gone.contains(key));
    }
    out
}
