//! Which button of the form was pressed.

/// Name of all submit buttons of a form. No question can have it: a colon never begins a name.
pub const ACTION: &str = ":do";

/// What a person wants to happen with the form. Buttons carry it as their value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// On to the next page.
    Next,
    /// Back to the page before.
    Back,
    /// Draw this page again with what the answers bring up.
    Update,
    /// Add an item to the list or a row to the map of this name.
    Add(String),
    /// Remove the item or row of this name.
    Remove(String),
    /// Search in the picker of this name.
    Find(String),
}

impl Action {
    /// The action in the submitted pairs. Enter in a search box searches; anywhere else it goes on.
    #[must_use]
    pub fn read(pairs: &[(String, String)]) -> Self {
        let value = |wanted: &str| pairs.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        match value(ACTION) {
            Some("back") => Self::Back,
            Some("update") => Self::Update,
            Some("next") => Self::Next,
            Some(other) => match other.split_once(':') {
                Some(("add", name)) => Self::Add(name.to_owned()),
                Some(("remove", name)) => Self::Remove(name.to_owned()),
                Some(("find", name)) => Self::Find(name.to_owned()),
                _ => Self::on_enter(pairs),
            },
            None => Self::on_enter(pairs),
        }
    }

    /// The form was sent without a button of its own: look whether a search was just typed.
    fn on_enter(pairs: &[(String, String)]) -> Self {
        let typed = pairs.iter().find_map(|(name, query)| {
            let picker = name.strip_suffix(":q")?;
            let was =
                pairs.iter().find(|(other, _)| other.strip_suffix(":was") == Some(picker)).map_or("", |(_, was)| was);
            (query.trim() != was.trim()).then(|| picker.to_owned())
        });
        typed.map_or(Self::Next, Self::Find)
    }

    /// Whether the answers are to be checked: only when the person goes on.
    #[must_use]
    pub fn checks(&self) -> bool {
        matches!(self, Self::Next)
    }
}
