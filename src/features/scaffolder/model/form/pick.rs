//! What a picker looks for in the catalog, and what it gets. The looking is done by the caller.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape::{Shape, shape};
use super::ui::{texts, ui, ui_text, ui_texts};

/// How many choices a picker shows.
pub const PICKS_SHOWN: usize = 20;
/// Up to how many choices need no search box.
pub const PICKS_WITHOUT_SEARCH: usize = 8;

/// What the form has to know about the person and the installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Feature flags that are on for the person.
    pub flags: Vec<String>,
    /// References of the groups the person is a member of.
    pub groups: Vec<String>,
    /// References under which the person owns things: the person and all groups.
    pub owns_as: Vec<String>,
    /// Host names of the code hosts this portal is connected to.
    pub hosts: Vec<String>,
}

/// What one key of a filter demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// One of these values, in any case.
    Is(Vec<String>),
    /// The key is there, or is not.
    Exists(bool),
}

/// Which entities may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// An entity must meet all demands of one of these. Empty: no demands.
    pub any_of: Vec<Vec<(String, Demand)>>,
    /// Owned by one of these references.
    pub owned_by: Option<Vec<String>>,
    /// One of these entities.
    pub only: Option<Vec<String>>,
    /// Tags in use are looked for, on entities of these kinds (any when empty), not entities.
    pub tags_of: Option<Vec<String>>,
}

/// One search that a page needs before it can be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Name of the question.
    pub name: String,
    /// What may be chosen.
    pub filter: Filter,
    /// What the person searched for.
    pub query: String,
    /// What is chosen already and must come back with its name.
    pub selected: Vec<String>,
    /// Nothing but what the filter allows may be chosen.
    pub closed: bool,
    /// How many choices are shown. Ask for one more to know whether there are more.
    pub limit: usize,
}

/// One entity or tag that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Its reference, or the tag.
    pub value: String,
    /// Its name for people.
    pub title: String,
    /// A few words about it.
    pub note: String,
}

/// The answer to a lookup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What matches the query, at most as many as asked for.
    pub choices: Vec<Choice>,
    /// What was asked for as selected and meets the filter, whatever the query. What is missing here is
    /// shown by its reference, and refused where the lookup is closed.
    pub selected: Vec<Choice>,
    /// More match than are given.
    pub more: bool,
}

/// Answers lookups while a page is drawn.
pub trait Choices {
    /// What there is to choose from.
    fn find(&self, lookup: &Lookup) -> Found;
}

impl<F: Fn(&Lookup) -> Found> Choices for F {
    fn find(&self, lookup: &Lookup) -> Found {
        self(lookup)
    }
}

/// Answers that were fetched beforehand, by the name of the question.
#[derive(Debug, Clone, Default)]
pub struct Fetched(pub BTreeMap<String, Found>);

impl Choices for Fetched {
    fn find(&self, lookup: &Lookup) -> Found {
        self.0.get(&lookup.name).cloned().unwrap_or_default()
    }
}

/// Which entities a picker with this schema offers to this person.
pub(super) fn filter(schema: &Value, context: &Context) -> Filter {
    if shape(schema) == Shape::Tags {
        return Filter { tags_of: Some(ui_texts(schema, "kinds")), ..Filter::default() };
    }
    let field = ui_text(schema, "field").unwrap_or_default();
    let mut out = Filter { any_of: clauses(schema), ..Filter::default() };
    match field {
        "OwnerPicker" if out.any_of.is_empty() => out.any_of = kinds(&["Group", "User"]),
        "OwnedEntityPicker" => out.owned_by = Some(context.owns_as.clone()),
        "MyGroupsPicker" | "OwnedGroupsPicker" => {
            out.any_of = kinds(&["Group"]);
            out.only = Some(context.groups.clone());
        }
        "OwnershipEntityRefPicker" => out.only = Some(context.owns_as.clone()),
        _ => {}
    }
    out
}

fn kinds(names: &[&str]) -> Vec<Vec<(String, Demand)>> {
    vec![vec![("kind".to_owned(), Demand::Is(names.iter().map(|name| (*name).to_owned()).collect()))]]
}

/// `catalogFilter`: one object, or a list of which one must fit. `allowedKinds` is its older form.
fn clauses(schema: &Value) -> Vec<Vec<(String, Demand)>> {
    let written: Vec<&Value> = match ui(schema, "catalogFilter") {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => {
            let allowed = ui_texts(schema, "allowedKinds");
            let names: Vec<&str> = allowed.iter().map(String::as_str).collect();
            return if names.is_empty() { Vec::new() } else { kinds(&names) };
        }
    };
    let demand = |value: &Value| match value.get("exists") {
        Some(exists) => Demand::Exists(exists != &Value::Bool(false)),
        None => Demand::Is(texts(value)),
    };
    written
        .iter()
        .filter_map(|clause| clause.as_object())
        .map(|clause| clause.iter().map(|(key, value)| (key.clone(), demand(value))).collect())
        .collect()
}

/// What a picker offers, in singular and plural, for its labels.
pub(super) fn noun(filter: &Filter) -> (&'static str, &'static str) {
    if filter.tags_of.is_some() {
        return ("a tag", "Tags");
    }
    let mut kinds: Vec<String> = Vec::new();
    for (key, demand) in filter.any_of.iter().flatten() {
        if let (true, Demand::Is(values)) = (key.eq_ignore_ascii_case("kind"), demand) {
            kinds.extend(values.iter().map(|value| value.to_lowercase()));
        }
    }
    kinds.sort();
    kinds.dedup();
    match kinds.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["group"] => ("a team", "Teams"),
        ["user"] => ("a person", "People"),
        ["group", "user"] => ("a team or person", "Teams and people"),
        ["component"] => ("a component", "Components"),
        ["system"] => ("a system", "Systems"),
        ["api"] => ("an API", "APIs"),
        ["resource"] => ("a resource", "Resources"),
        ["domain"] => ("a domain", "Domains"),
        ["template"] => ("a template", "Templates"),
        _ => ("an entry of the catalog", "Entries"),
    }
}
