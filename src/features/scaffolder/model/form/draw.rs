//! Turns a page and the answers so far into questions that are ready to be drawn.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::effective::{CONTROLS, VARIANT, Variants, resolve};
use super::field::{Choosable, Control, Field, Group};
use super::page::Page;
use super::path::Path;
use super::pick::{Choices, Context, Found, Lookup};
use super::review::value_text;
use super::shape::{Shape, is_known_field, row_schema, shape};
use super::ui::{is_locked, is_required, ui_flag, ui_text};
use super::words::{label_from_key, spans};
use crate::kernel::fault::FieldFault;
use crate::kernel::secret::Secret;

/// Secret answers by name. They never lie among the other answers.
pub type Secrets = BTreeMap<String, Secret>;

/// What was typed and is not an answer: text that is no number, searches, rows without a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Typed {
    /// Text by the name of its control.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// All rows of a map whose names cannot serve as keys yet.
    #[serde(default)]
    pub rows: BTreeMap<String, Vec<(String, Value)>>,
    /// Which of several forms was chosen.
    #[serde(default)]
    pub variants: Variants,
}

/// A page with everything that decides what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// The page.
    pub page: &'a Page,
    /// The answers to all pages so far.
    pub answers: &'a Value,
    /// The secret answers so far.
    pub secrets: &'a Secrets,
    /// What was typed and is not an answer.
    pub typed: &'a Typed,
    /// What is wrong, by the name of the control.
    pub faults: &'a [FieldFault],
    /// The person and the installation.
    pub context: &'a Context,
}

impl Form<'_> {
    /// The questions of the page.
    #[must_use]
    pub fn fields(&self, choices: &dyn Choices) -> Vec<Field> {
        let schema = resolve(&self.page.schema, self.answers, &self.context.flags, &self.typed.variants);
        let draw = Draw { form: *self, choices };
        draw.object(&schema, Some(self.answers), &Path::root())
    }

    /// The searches that must be done before the page can be drawn, for callers that look things up beforehand.
    #[must_use]
    pub fn lookups(&self) -> Vec<Lookup> {
        let seen = RefCell::new(Vec::new());
        let record = |lookup: &Lookup| {
            seen.borrow_mut().push(lookup.clone());
            Found::default()
        };
        drop(self.fields(&record));
        seen.into_inner()
    }
}

/// Whether an answer on the page decides what else is asked there: such a page brings an "Update" button.
#[must_use]
pub fn has_conditions(fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        field.controls || field.inner().into_iter().any(|inner| has_conditions(std::slice::from_ref(inner)))
    })
}

/// What surrounds one question.
pub(super) struct Spot<'s> {
    pub(super) schema: &'s Value,
    pub(super) value: Option<&'s Value>,
    pub(super) path: &'s Path,
    pub(super) label: String,
    pub(super) required: bool,
    pub(super) controls: bool,
}

pub(super) struct Draw<'a> {
    pub(super) form: Form<'a>,
    pub(super) choices: &'a dyn Choices,
}

impl Draw<'_> {
    /// The questions for the properties of an object, with its rows and its choice of forms.
    pub(super) fn object(&self, schema: &Value, value: Option<&Value>, path: &Path) -> Vec<Field> {
        let mut out: Vec<Field> = Self::selector(schema, path).into_iter().collect();
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let spot = Spot {
                schema: property,
                value: value.and_then(|value| value.get(key)),
                path: &path.key(key),
                label: label(property, key),
                required: is_required(schema, key),
                controls: schema
                    .get(CONTROLS)
                    .and_then(Value::as_array)
                    .is_some_and(|names| names.iter().any(|name| name == key)),
            };
            out.extend(self.field(&spot));
        }
        if path.depth() > 0 && !out.is_empty() && row_schema(schema).is_some() {
            let label = "More entries".to_owned();
            let spot = Spot { schema, value, path, label, required: false, controls: false };
            let mut rows = self.frame(&spot, self.rows(&spot));
            rows.id = format!("{}:rows", rows.id);
            rows.help.clear();
            rows.error = None;
            out.push(rows);
        }
        out
    }

    /// One question. `None` for what is carried along unseen.
    pub(super) fn field(&self, spot: &Spot<'_>) -> Option<Field> {
        let shape = shape(spot.schema);
        if shape == Shape::Hidden {
            return None;
        }
        if shape == Shape::Constant || is_locked(spot.schema) {
            let shown = self.form.typed.texts.get(&spot.path.name()).cloned();
            let text = shown.unwrap_or_else(|| {
                value_text(spot.schema, spot.value.or_else(|| spot.schema.get("const")).unwrap_or(&Value::Null))
            });
            let mut field = self.frame(spot, Control::Fixed { text, send: false });
            (field.locked, field.optional, field.required) = (true, false, false);
            return Some(field);
        }
        if spot.schema.get(VARIANT).is_some() && shape != Shape::Object {
            return Some(self.variant(spot));
        }
        let control = self.control(shape, spot);
        Some(self.frame(spot, control))
    }

    fn control(&self, shape: Shape, spot: &Spot<'_>) -> Control {
        match shape {
            Shape::Text | Shape::Hidden | Shape::Constant => self.text(spot),
            Shape::Number(whole) => self.number(spot, whole),
            Shape::Check => Control::Check { checked: spot.value == Some(&Value::Bool(true)) },
            Shape::Options => Self::options(spot),
            Shape::Many => Self::many(spot),
            Shape::Password => Self::password(
                spot,
                spot.value.is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty())),
            ),
            Shape::Secret => {
                let name = spot.path.last_key().unwrap_or_default();
                Self::password(spot, self.form.secrets.contains_key(name))
            }
            Shape::Entity | Shape::Entities | Shape::Tags => self.picker(spot, shape),
            Shape::Repo => self.repo(spot),
            Shape::List => self.list(spot),
            Shape::Object => {
                let fields = self.object(spot.schema, spot.value, spot.path);
                if fields.is_empty() && row_schema(spot.schema).is_some() {
                    return self.rows(spot);
                }
                Control::Group(Group { fields, beside: false })
            }
        }
    }

    /// A value that can take several forms: the choice of the form, then the question in that form.
    fn variant(&self, spot: &Spot<'_>) -> Field {
        let selector = Self::selector(spot.schema, spot.path);
        let chosen = selector.as_ref().and_then(|field| match &field.control {
            Control::Select(options) => options.iter().find(|option| option.checked).map(|option| option.label.clone()),
            _ => None,
        });
        let control = self.control(shape(spot.schema), spot);
        let label = chosen.unwrap_or_else(|| spot.label.clone());
        let inner = self.frame(&Spot { label, ..spot_like(spot) }, control);
        let inner = Field { help: Vec::new(), ..inner };
        let fields = selector.into_iter().chain([inner]).collect();
        let mut outer = self.frame(spot, Control::Group(Group { fields, beside: true }));
        outer.id = format!("{}:form", outer.id);
        outer.error = None;
        outer
    }

    /// The control that chooses among forms.
    fn selector(schema: &Value, path: &Path) -> Option<Field> {
        let mark = schema.get(VARIANT)?;
        let chosen = mark.get("chosen").and_then(Value::as_u64);
        let labels = mark.get("labels").and_then(Value::as_array)?;
        let option = |(index, label): (usize, &Value)| Choosable {
            id: String::new(),
            code: index.to_string(),
            label: label.as_str().unwrap_or_default().to_owned(),
            note: String::new(),
            checked: chosen == u64::try_from(index).ok(),
            disabled: false,
        };
        let name = path.part("as");
        Some(Field {
            id: super::path::id_of(&name),
            label: "Form of the answer".to_owned(),
            help: Vec::new(),
            required: true,
            optional: false,
            error: None,
            warning: None,
            autofocus: false,
            locked: false,
            controls: true,
            control: Control::Select(labels.iter().enumerate().map(option).collect()),
            name,
        })
    }

    /// What every question has, around its control.
    pub(super) fn frame(&self, spot: &Spot<'_>, control: Control) -> Field {
        let name = spot.path.name();
        let plain_box = matches!(control, Control::Check { .. } | Control::Fixed { .. });
        let error = self.form.faults.iter().find(|fault| fault.field == name).map(|fault| fault.message.clone());
        Field {
            id: spot.path.id(),
            help: spans(&help(spot.schema)),
            required: spot.required && !plain_box,
            optional: !spot.required && !plain_box,
            error,
            warning: warning(spot.schema),
            // With faults on the page the focus belongs to their summary.
            autofocus: self.form.faults.is_empty() && ui_flag(spot.schema, "autofocus"),
            locked: false,
            controls: spot.controls,
            label: spot.label.clone(),
            name,
            control,
        }
    }
}

fn spot_like<'s>(spot: &Spot<'s>) -> Spot<'s> {
    Spot { label: String::new(), ..*spot }
}

/// What a property is called in the form.
pub(super) fn label(schema: &Value, key: &str) -> String {
    let title = ui_text(schema, "title")
        .or_else(|| schema.get("title").and_then(Value::as_str).filter(|title| !title.is_empty()));
    title.map_or_else(|| label_from_key(key), str::to_owned)
}

/// The help under a label: what the author wrote, else what the limits of a number say.
fn help(schema: &Value) -> String {
    let description = ui_text(schema, "description").or_else(|| schema.get("description").and_then(Value::as_str));
    let written: Vec<&str> =
        description.into_iter().chain(ui_text(schema, "help")).map(str::trim).filter(|text| !text.is_empty()).collect();
    let mut out = written.join(" ");
    let hint = match shape(schema) {
        Shape::Number(_) if out.is_empty() => super::say::range(schema).unwrap_or_default(),
        Shape::Text if super::controls::is_moment(schema) => "In universal time (UTC).".to_owned(),
        _ => String::new(),
    };
    if !out.is_empty() && !hint.is_empty() {
        out.push(' ');
    }
    out + &hint
}

/// What the template asks for and this portal does not have.
fn warning(schema: &Value) -> Option<String> {
    if let Some(field) = ui_text(schema, "field").filter(|field| !is_known_field(field)) {
        return Some(format!(
            "The template asks for the field “{field}”, which this portal does not have. Answer it as it stands here."
        ));
    }
    let file =
        ui_text(schema, "widget") == Some("file") || schema.get("format").and_then(Value::as_str) == Some("data-url");
    file.then(|| "Files cannot be uploaded here. Write the content as text.".to_owned())
}
