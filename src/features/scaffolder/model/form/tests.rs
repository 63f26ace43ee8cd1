//! The form by its behaviour: what is asked, how answers are read, what is said about them.

use serde_json::{Value, json};

use super::*;
use crate::kernel::fault::FieldFault;

mod asking;
mod checking;
mod drawing;
mod reading;
mod reviewing;

/// A page under test, with everything that surrounds it.
struct Bench {
    page: Page,
    context: Context,
    answers: Value,
    secrets: Secrets,
    typed: Typed,
    faults: Vec<FieldFault>,
}

impl Bench {
    fn new(schema: impl Into<Value>) -> Self {
        let page = Page::from_parameters(&schema.into()).remove(0);
        let context = Context::default();
        let answers = page.start(&json!({}), &context.flags);
        Self { page, context, answers, secrets: Secrets::new(), typed: Typed::default(), faults: Vec::new() }
    }

    fn answered(mut self, answers: Value) -> Self {
        self.answers = answers;
        self
    }

    fn form(&self) -> Form<'_> {
        Form {
            page: &self.page,
            answers: &self.answers,
            secrets: &self.secrets,
            typed: &self.typed,
            faults: &self.faults,
            context: &self.context,
        }
    }

    fn fields(&self) -> Vec<Field> {
        self.form().fields(&Fetched::default())
    }

    /// The questions by name, at any depth.
    fn field(&self, name: &str) -> Field {
        fn find(fields: &[Field], name: &str) -> Option<Field> {
            fields.iter().find_map(|field| {
                if field.name == name
                    && !matches!(&field.control, Control::Group(group) if group.beside && field.id.ends_with(":form"))
                {
                    return Some(field.clone());
                }
                field.inner().into_iter().find_map(|inner| find(std::slice::from_ref(inner), name))
            })
        }
        find(&self.fields(), name).unwrap_or_else(|| panic!("no question {name}"))
    }

    fn names(&self) -> Vec<String> {
        self.fields().into_iter().map(|field| field.name).collect()
    }

    fn html(&self) -> String {
        let fields = self.fields();
        Fields::new(&fields, "/icons.svg").to_string()
    }

    /// Sends the form with these pairs and keeps what comes of it.
    fn send(&mut self, pairs: &[(&str, &str)]) -> Parsed {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let held = Held { answers: &self.answers, secrets: &self.secrets };
        let parsed = parse(&self.page, &pairs, held, &self.context).unwrap();
        self.answers = parsed.answers.clone();
        self.secrets = parsed.secrets.clone();
        self.typed = parsed.typed.clone();
        self.faults.clone_from(&parsed.faults);
        parsed
    }

    /// What is said about the answers, as `name: message`.
    fn said(&self) -> Vec<String> {
        self.form().check().into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
    }
}
