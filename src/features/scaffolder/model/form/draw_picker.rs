//! Controls that choose from outside the template: entities, tags, repositories.

use serde_json::Value;

use super::draw::{Draw, Spot};
use super::field::{Choosable, Control, Field, Group, Input, Mark, Pick, Picker, Search};
use super::path::id_of;
use super::pick::{Choice, Filter, Found, Lookup, PICKS_SHOWN, PICKS_WITHOUT_SEARCH, filter, noun};
use super::repo::{Address, Part, hosts, parts};
use super::shape::Shape;
use super::ui::{texts, ui, ui_flag, ui_text};
use crate::kernel::entity_ref::{DEFAULT_NAMESPACE, EntityRef};

impl Draw<'_> {
    pub(super) fn picker(&self, spot: &Spot<'_>, shape: Shape) -> Control {
        let name = spot.path.name();
        let filter = filter(spot.schema, self.form.context);
        let selected: Vec<String> =
            spot.value.map(texts).unwrap_or_default().into_iter().filter(|value| !value.is_empty()).collect();
        let query = self.form.typed.texts.get(&spot.path.part("q")).cloned().unwrap_or_default();
        let closed = !allows_other(spot.schema) && shape != Shape::Tags;
        let lookup = Lookup { name, filter, query, selected, closed, limit: PICKS_SHOWN };
        let found = self.choices.find(&lookup);
        let many = shape != Shape::Entity;
        let (one, all) = noun(&lookup.filter);
        let picks = picks(spot, &lookup, &found, many);
        let crowded = found.more || found.choices.len() > PICKS_WITHOUT_SEARCH || !lookup.query.is_empty();
        let search = (shape != Shape::Tags && (crowded || allows_other(spot.schema))).then(|| Search {
            name: spot.path.part("q"),
            was_name: spot.path.part("was"),
            query: lookup.query.clone(),
            label: format!("Find {one}"),
            find: format!("find:{}", lookup.name),
        });
        Control::Picker(Box::new(Picker {
            many,
            search,
            note: note(&lookup, &found),
            picks,
            list_label: format!("{all} found"),
            more: (shape == Shape::Tags).then(|| self.more_tags(spot)),
            more_name: spot.path.part("more"),
        }))
    }

    fn more_tags(&self, spot: &Spot<'_>) -> Input {
        let value = self.form.typed.texts.get(&spot.path.part("more")).cloned().unwrap_or_default();
        let placeholder = ui_text(spot.schema, "placeholder").map(str::to_owned);
        Input { kind: "text", value, placeholder, autocomplete: "off".to_owned(), literal: true, ..Input::default() }
    }

    /// A repository: its host, its owner, its name, side by side.
    pub(super) fn repo(&self, spot: &Spot<'_>) -> Control {
        let mut address = spot.value.and_then(Value::as_str).map(Address::read).unwrap_or_default();
        let hosts = hosts(spot.schema, self.form.context);
        if let (true, Some(first)) = (address.host.is_empty(), hosts.first()) {
            address.host.clone_from(first);
        }
        let host = Part { key: "host", label: "Host", allowed: hosts, required: true };
        let mut fields = vec![self.repo_part(spot, &host, &address.host)];
        if let Some(first) = fields.first_mut() {
            // Another host may be named by other parts.
            first.controls = matches!(&first.control, Control::Select(_));
        }
        fields.extend(
            parts(spot.schema, &address.host).iter().map(|part| self.repo_part(spot, part, address.part(part.key))),
        );
        Control::Group(Group { fields, beside: true })
    }

    fn repo_part(&self, spot: &Spot<'_>, part: &Part, value: &str) -> Field {
        let name = spot.path.part(part.key);
        let option = |allowed: &String| Choosable {
            id: String::new(),
            code: allowed.clone(),
            label: allowed.clone(),
            note: String::new(),
            checked: allowed == value,
            disabled: false,
        };
        let control = match part.allowed.as_slice() {
            [only] => Control::Fixed { text: only.clone(), send: true },
            [] => Control::Input(Input {
                kind: "text",
                value: value.to_owned(),
                autocomplete: "off".to_owned(),
                literal: true,
                ..Input::default()
            }),
            several => Control::Select(several.iter().map(option).collect()),
        };
        let fixed = matches!(control, Control::Fixed { .. });
        Field {
            id: id_of(&name),
            label: part.label.to_owned(),
            help: Vec::new(),
            required: spot.required && part.required && !fixed,
            optional: !(fixed || (spot.required && part.required)),
            error: self.form.faults.iter().find(|fault| fault.field == name).map(|fault| fault.message.clone()),
            warning: None,
            autofocus: false,
            locked: fixed,
            controls: false,
            control,
            name,
        }
    }
}

/// Whether the picker takes values that are not in the catalog.
pub(super) fn allows_other(schema: &Value) -> bool {
    let groups_only =
        matches!(ui_text(schema, "field"), Some("MyGroupsPicker" | "OwnedGroupsPicker" | "OwnershipEntityRefPicker"));
    !groups_only && ui(schema, "allowArbitraryValues") != Some(&Value::Bool(false))
}

fn picks(spot: &Spot<'_>, lookup: &Lookup, found: &Found, many: bool) -> Vec<Pick> {
    let known =
        |value: &String| found.selected.iter().chain(&found.choices).find(|choice| &choice.value == value).cloned();
    let bare = |value: &String| Choice { value: value.clone(), title: value.clone(), note: String::new() };
    let mut out: Vec<Pick> =
        lookup.selected.iter().map(|value| pick(&known(value).unwrap_or_else(|| bare(value)), lookup, true)).collect();
    let rest = found.choices.iter().filter(|choice| !lookup.selected.contains(&choice.value)).take(PICKS_SHOWN);
    out.extend(rest.map(|choice| pick(choice, lookup, false)));
    if let Some(other) = as_written(spot.schema, lookup, &out) {
        out.push(other);
    }
    let obvious = ui_flag(spot.schema, "autoSelect") || ui_text(spot.schema, "field") == Some("MyGroupsPicker");
    if let (true, true, [only]) = (obvious && spot.required, lookup.query.is_empty(), out.as_mut_slice()) {
        only.checked = true;
    }
    if !many && !spot.required && !out.is_empty() {
        let checked = lookup.selected.is_empty();
        out.push(Pick {
            id: String::new(),
            value: String::new(),
            title: "None".to_owned(),
            note: String::new(),
            checked,
            mark: Mark::None,
        });
    }
    let id = spot.path.id();
    for (index, pick) in out.iter_mut().enumerate() {
        pick.id = if index == 0 { id.clone() } else { format!("{id}-{index}") };
    }
    out
}

fn pick(choice: &Choice, lookup: &Lookup, checked: bool) -> Pick {
    let mark = if lookup.filter.tags_of.is_some() { Mark::None } else { mark(choice) };
    Pick {
        id: String::new(),
        value: choice.value.clone(),
        title: choice.title.clone(),
        note: choice.note.clone(),
        checked,
        mark,
    }
}

/// What was searched for, as a choice of its own where anything may be written.
fn as_written(schema: &Value, lookup: &Lookup, others: &[Pick]) -> Option<Pick> {
    let text = lookup.query.trim();
    if text.is_empty() || !allows_other(schema) || lookup.filter.tags_of.is_some() {
        return None;
    }
    let value = complete(schema, text);
    let known = others.iter().any(|pick| pick.value.eq_ignore_ascii_case(&value));
    let (title, note) = (text.to_owned(), "not in the catalog; use it as written".to_owned());
    (!known).then_some(Pick { id: String::new(), value, title, note, checked: false, mark: Mark::None })
}

/// Completes a written reference with the kind and namespace that the picker takes for granted.
fn complete(schema: &Value, text: &str) -> String {
    let namespace = ui_text(schema, "defaultNamespace").unwrap_or(DEFAULT_NAMESPACE);
    match ui_text(schema, "defaultKind") {
        Some(kind) => {
            EntityRef::parse(text, Some(kind), namespace).map_or_else(|_| text.to_owned(), |entity| entity.canonical())
        }
        None => text.to_owned(),
    }
}

fn note(lookup: &Lookup, found: &Found) -> Option<String> {
    let nothing = found.choices.is_empty() && lookup.selected.is_empty();
    match (found.more, nothing, lookup.query.trim()) {
        (true, ..) => Some("More match than fit here. Search to narrow them down.".to_owned()),
        (_, true, "") => Some(nothing_yet(&lookup.filter)),
        (..) if found.choices.is_empty() && !lookup.query.trim().is_empty() => {
            Some(format!("Nothing matches “{}”.", lookup.query.trim()))
        }
        _ => None,
    }
}

fn nothing_yet(filter: &Filter) -> String {
    match (&filter.only, &filter.owned_by, &filter.tags_of) {
        (Some(_), ..) => "You are in no team yet.".to_owned(),
        (_, Some(_), _) => "You and your teams own nothing that fits here.".to_owned(),
        (.., Some(_)) => "No tags are in use yet.".to_owned(),
        _ => "The catalog has nothing that fits here.".to_owned(),
    }
}

fn mark(choice: &Choice) -> Mark {
    let kind = choice.value.split_once(':').map_or("", |(kind, _)| kind).to_lowercase();
    match kind.as_str() {
        "user" => Mark::Person(initials(&choice.title)),
        "group" => Mark::Team(initials(&choice.title)),
        "component" => Mark::Icon("service"),
        "api" => Mark::Icon("api"),
        "system" | "domain" => Mark::Icon("system"),
        "resource" => Mark::Icon("database"),
        "template" => Mark::Icon("create"),
        _ => Mark::Icon("catalog"),
    }
}

/// Two letters for an avatar: of the first two words, else the first two of the only one.
fn initials(title: &str) -> String {
    let words: Vec<&str> = title.split([' ', '-', '_', '.', '/']).filter(|word| !word.is_empty()).collect();
    let letters: String = match words.as_slice() {
        [only] => only.chars().take(2).collect(),
        several => several.iter().take(2).filter_map(|word| word.chars().next()).collect(),
    };
    letters.to_uppercase()
}
