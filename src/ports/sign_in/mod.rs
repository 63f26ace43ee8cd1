//! Who is this person? Asked of GitHub by OAuth. Demo people need no outside system and no adapter.

pub mod github;
pub mod teams;

use async_trait::async_trait;

use super::PortError;
use crate::kernel::secret::Secret;

/// What is needed to come back from the sign-in host: kept in the session meanwhile.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Pending {
    /// The random state that must come back.
    pub state: String,
    /// The verifier of PKCE (RFC 7636).
    pub verifier: String,
}

/// A person as the host describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The host's number.
    pub id: String,
    /// Login as written there.
    pub login: String,
    /// Name, or the login where none is given.
    pub name: String,
    /// Address, if it is public.
    pub email: Option<String>,
    /// Whether they belong to our organization. Without one, everybody does.
    pub is_member: bool,
    /// Slugs of their teams in our organization.
    pub teams: Vec<String>,
}

/// Signs people in.
#[async_trait]
pub trait SignInHost: Send + Sync + std::fmt::Debug {
    /// Where to send a person, and what to keep until they come back.
    fn begin(&self) -> (url::Url, Pending);

    /// Who came back with a code.
    ///
    /// # Errors
    /// The code is not accepted, or the host fails.
    async fn finish(&self, code: &Secret, pending: &Pending) -> Result<Person, PortError>;
}

/// Who belongs to which team, asked with the portal's own credentials.
#[async_trait]
pub trait TeamDirectory: Send + Sync + std::fmt::Debug {
    /// Every team of the organization with the logins of its members.
    ///
    /// # Errors
    /// See [`PortError`].
    async fn teams(&self) -> Result<Vec<(String, Vec<String>)>, PortError>;
}
