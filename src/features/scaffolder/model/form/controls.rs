//! The controls of simple questions: text, numbers, choices, lists and rows.

use serde_json::Value;

use super::draw::{Draw, Spot};
use super::field::{Area, Choosable, Control, Input, Item, List, Password, RowField, Rows};
use super::shape::{Opt, can_grow, fixed_items, item_schema, options, row_schema};
use super::ui::{ui, ui_text};
use super::upstream::{equal, text};
use super::words::capitalised;
use super::{MAX_EMPTY_ITEMS, MAX_ITEMS};

impl Draw<'_> {
    /// What stands in the control: what was typed, else the answer.
    fn shown(&self, spot: &Spot<'_>) -> String {
        let typed = self.form.typed.texts.get(&spot.path.name()).cloned();
        typed.unwrap_or_else(|| spot.value.filter(|value| !value.is_null()).map(text).unwrap_or_default())
    }

    pub(super) fn text(&self, spot: &Spot<'_>) -> Control {
        let value = self.shown(spot);
        let placeholder = ui_text(spot.schema, "placeholder").map(str::to_owned);
        if ui_text(spot.schema, "widget") == Some("textarea") {
            let rows = ui(spot.schema, "rows").and_then(Value::as_u64).unwrap_or(5).clamp(2, 40);
            return Control::Area(Area { rows, value, placeholder });
        }
        let kind = kind(spot.schema, &value, spot.required);
        let value = if kind == "datetime-local" { value.trim_end_matches(['Z', 'z']).to_owned() } else { value };
        let number = |key: &str| spot.schema.get(key).and_then(Value::as_u64);
        Control::Input(Input {
            kind,
            value,
            placeholder: placeholder
                .or_else(|| (ui_text(spot.schema, "field") == Some("RepoBranchPicker")).then(|| "main".to_owned())),
            autocomplete: ui_text(spot.schema, "autocomplete").unwrap_or("off").to_owned(),
            pattern: spot.schema.get("pattern").and_then(Value::as_str).map(str::to_owned),
            min_length: number("minLength"),
            max_length: number("maxLength"),
            suggestions: spot
                .schema
                .get("examples")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
            short: matches!(kind, "date" | "time" | "color"),
            literal: kind != "text" || spot.schema.get("pattern").is_some() || ui_text(spot.schema, "field").is_some(),
            ..Input::default()
        })
    }

    pub(super) fn number(&self, spot: &Spot<'_>, whole: bool) -> Control {
        let at_least_zero = ["minimum", "exclusiveMinimum"]
            .iter()
            .any(|key| spot.schema.get(*key).and_then(Value::as_f64).is_some_and(|min| min >= 0.0));
        Control::Input(Input {
            kind: "text",
            // The numeric keyboard of a phone has no minus sign.
            mode: at_least_zero.then_some(if whole { "numeric" } else { "decimal" }),
            value: self.shown(spot),
            placeholder: ui_text(spot.schema, "placeholder").map(str::to_owned),
            autocomplete: ui_text(spot.schema, "autocomplete").unwrap_or("off").to_owned(),
            suggestions: spot
                .schema
                .get("examples")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
            short: true,
            literal: true,
            ..Input::default()
        })
    }

    pub(super) fn options(spot: &Spot<'_>) -> Control {
        let options = options(spot.schema);
        let described = options.iter().any(|option| !option.note.is_empty());
        let in_the_open = matches!(ui_text(spot.schema, "widget"), Some("radio"))
            || (described && ui_text(spot.schema, "widget").is_none());
        let chosen = |option: &Opt| spot.value.is_some_and(|value| equal(value, &option.value));
        let any = options.iter().any(chosen);
        let two = spot.schema.get("enum").is_none();
        let blank = match (spot.required, in_the_open) {
            (true, true) => None,
            (true, false) => (!any).then_some("Choose…"),
            (false, true) => (!two).then_some("None"),
            (false, false) => Some("None"),
        };
        let mut out: Vec<Choosable> = options.iter().map(|option| choosable(option, chosen(option))).collect();
        if let Some(label) = blank {
            let (label, checked) = (label.to_owned(), !any);
            let none = Choosable {
                id: String::new(),
                code: String::new(),
                label,
                note: String::new(),
                checked,
                disabled: false,
            };
            // Among radios the way out comes last, in a closed list first.
            out.insert(if in_the_open { out.len() } else { 0 }, none);
        }
        number_ids(&mut out, &spot.path.id());
        if in_the_open { Control::Radio(out) } else { Control::Select(out) }
    }

    pub(super) fn many(spot: &Spot<'_>) -> Control {
        let values = spot.value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let options = spot.schema.get("items").map(options).unwrap_or_default();
        let chosen = |option: &Opt| values.iter().any(|value| equal(value, &option.value));
        let mut out: Vec<Choosable> = options.iter().map(|option| choosable(option, chosen(option))).collect();
        number_ids(&mut out, &spot.path.id());
        Control::Checks(out)
    }

    pub(super) fn password(spot: &Spot<'_>, is_set: bool) -> Control {
        Control::Password(Password {
            is_set,
            placeholder: ui_text(spot.schema, "placeholder").map(str::to_owned),
            autocomplete: ui_text(spot.schema, "autocomplete").unwrap_or("new-password").to_owned(),
        })
    }

    pub(super) fn list(&self, spot: &Spot<'_>) -> Control {
        let values = spot.value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let limit =
            |key: &str| spot.schema.get(key).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let least = limit("minItems").unwrap_or(0);
        let fixed = fixed_items(spot.schema);
        let count = values.len().max(fixed).max(least.min(MAX_EMPTY_ITEMS)).min(MAX_ITEMS);
        let noun = noun(spot);
        let removable = ui(spot.schema, "removable") != Some(&Value::Bool(false));
        let item = |index: usize| {
            let (schema, is_fixed) = item_schema(spot.schema, index);
            let path = spot.path.item(index);
            let own = schema.get("title").and_then(Value::as_str).filter(|_| is_fixed);
            let label = own.map_or_else(|| format!("{} {}", capitalised(&noun), index + 1), str::to_owned);
            let inner =
                Spot { schema: &schema, value: values.get(index), path: &path, label, required: true, controls: false };
            let field = self.field(&inner)?;
            let remove = (!is_fixed && removable).then(|| format!("remove:{}", path.name()));
            Some(Item { field, remove })
        };
        let room = count < limit("maxItems").unwrap_or(MAX_ITEMS).min(MAX_ITEMS);
        let add = (can_grow(spot.schema) && room).then(|| format!("add:{}", spot.path.name()));
        Control::List(List { items: (0..count).filter_map(item).collect(), add, noun })
    }

    /// The rows of a map: properties that the schema does not name.
    pub(super) fn rows(&self, spot: &Spot<'_>) -> Control {
        let schema = row_schema(spot.schema).unwrap_or(Value::Null);
        let pairs =
            self.form.typed.rows.get(&spot.path.name()).cloned().unwrap_or_else(|| row_values(spot.schema, spot.value));
        let row = |(index, (key, value)): (usize, &(String, Value))| {
            let path = spot.path.row(index);
            let label = if key.is_empty() { format!("Value {}", index + 1) } else { format!("Value of {key}") };
            let inner =
                Spot { schema: &schema, value: Some(value), path: &path, label, required: true, controls: false };
            let field = self.field(&inner)?;
            Some(RowField {
                key_name: spot.path.part(&format!("k{index}")),
                key: key.clone(),
                field,
                remove: format!("remove:{}", path.name()),
            })
        };
        let add = (pairs.len() < MAX_ITEMS).then(|| format!("add:{}", spot.path.name()));
        Control::Rows(Rows { rows: pairs.iter().enumerate().filter_map(row).collect(), add })
    }
}

/// The properties of a value that its schema does not name.
pub(super) fn row_values(schema: &Value, value: Option<&Value>) -> Vec<(String, Value)> {
    let named = |key: &str| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
    let all = value.and_then(Value::as_object).into_iter().flatten();
    all.filter(|(key, _)| !named(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn choosable(option: &Opt, checked: bool) -> Choosable {
    Choosable {
        id: String::new(),
        code: option.code.clone(),
        label: option.label.clone(),
        note: option.note.clone(),
        checked,
        disabled: option.disabled,
    }
}

/// The first choice bears the id of the question, so that a link to the question lands on it.
fn number_ids(options: &mut [Choosable], id: &str) {
    for (index, option) in options.iter_mut().enumerate() {
        option.id = if index == 0 { id.to_owned() } else { format!("{id}-{index}") };
    }
}

/// Whether the answer is a moment: a date with a time, kept in universal time.
pub(super) fn is_moment(schema: &Value) -> bool {
    let format = schema.get("format").and_then(Value::as_str);
    format == Some("date-time") || matches!(ui_text(schema, "widget"), Some("date-time" | "datetime" | "alt-datetime"))
}

/// The `type` of a text control.
fn kind(schema: &Value, value: &str, required: bool) -> &'static str {
    const KINDS: [&str; 11] =
        ["text", "email", "url", "tel", "number", "date", "time", "month", "week", "color", "search"];
    if let Some(kind) = ui_text(schema, "inputType").and_then(|wanted| KINDS.into_iter().find(|kind| *kind == wanted)) {
        return kind;
    }
    // A moment with another offset than UTC stays text: the control would lose the offset.
    let local = value.is_empty() || (value.ends_with(['Z', 'z']) && value.len() >= 17);
    if is_moment(schema) {
        return if local { "datetime-local" } else { "text" };
    }
    let widget = ui_text(schema, "widget").or_else(|| schema.get("format").and_then(Value::as_str));
    match widget {
        Some("email") => "email",
        Some("uri" | "url") => "url",
        Some("date" | "alt-date") => "date",
        Some("time") => "time",
        // A colour control has no empty state: an optional colour is written.
        Some("color") if required || !value.is_empty() => "color",
        _ => "text",
    }
}

/// What one item of a list is called, in lower case where it is not a name.
fn noun(spot: &Spot<'_>) -> String {
    let title = spot.schema.get("items").and_then(|items| items.get("title")).and_then(Value::as_str);
    if let Some(title) = title.filter(|title| !title.is_empty()) {
        return lower_first(title);
    }
    singular(&lower_first(&spot.label)).unwrap_or_else(|| "entry".to_owned())
}

/// One of what a plural names, where English leaves no doubt: `tags` is one, `aliases` is not.
fn singular(label: &str) -> Option<String> {
    if matches!(label, "cookies" | "movies" | "series" | "species") {
        return None;
    }
    if let Some(stem) = label.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    let doubtful = ["ss", "us", "is", "ses", "xes", "zes", "ches", "shes"].iter().any(|end| label.ends_with(end));
    label.strip_suffix('s').filter(|stem| !doubtful && stem.len() > 1).map(str::to_owned)
}

/// Lower-cases the first letter, unless the word is an abbreviation.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    if chars.clone().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.to_lowercase().chain(chars).collect()
}
