//! What went wrong, in our words: the vocabulary in which every feature explains its errors.
//! It knows nothing of HTTP pages or JSON; `engine::web::problem` gives a fault its face.

use std::borrow::Cow;

/// The sort of failure. Each maps to one HTTP status and decides what a person can do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing, or the person may not know that there is.
    NotFound,
    /// The person is known and may not do this.
    Forbidden,
    /// Nobody is signed in.
    SignInNeeded,
    /// The input cannot be used; per field, what is wrong with it.
    Invalid(Vec<FieldFault>),
    /// The thing has changed or exists already.
    Conflict,
    /// Too many requests; seconds until it is worth trying again.
    TooMany(u64),
    /// The body is larger than the limit, in bytes.
    TooLarge(u64),
    /// A named outside system does not answer or refuses us.
    Unavailable(Cow<'static, str>),
    /// Our own mistake. The person gets one fixed sentence, the log gets the cause.
    Internal,
}

/// One field of a form or body, and what is wrong with its value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldFault {
    /// Name of the field, as in the form or as a JSON pointer.
    pub field: String,
    /// A sentence for the person who filled it in.
    pub message: String,
}

/// A way on: a link that helps a person who met a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOn {
    /// What the link says, a verb first.
    pub label: Cow<'static, str>,
    /// Address within the portal.
    pub href: String,
}

/// How an error explains itself to a person. Implemented by each feature's error type.
pub trait Explain: std::error::Error + Send + Sync + 'static {
    /// The sort of failure.
    fn kind(&self) -> Kind;
    /// What happened, as a title without a full stop ("GitHub did not accept our token").
    fn title(&self) -> Cow<'static, str>;
    /// Why, and what happens now: one or two sentences. Never a cause's debug text.
    fn detail(&self) -> Cow<'static, str>;
    /// Links that help, best first.
    fn ways_on(&self) -> Vec<WayOn> {
        Vec::new()
    }
}
