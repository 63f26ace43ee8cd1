//! Text that never prints itself. Held in memory only as long as it is needed and wiped after.

use secrecy::{ExposeSecret, SecretString};

/// A secret text: `Debug` shows dots, there is no `Display` and no `Serialize`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes possession of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Every call is a place where it can leak: keep them few.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Replaces known secret values in text before it is shown or stored.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<Secret>,
}

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";

impl Redactor {
    /// Adds a value to hide. Values under four characters are left alone: hiding them would
    /// make text unreadable and would tell more than it hides.
    pub fn add(&mut self, value: Secret) {
        if value.expose().len() >= 4 {
            self.values.push(value);
            // Longest first, so that a secret that contains another is hidden whole.
            self.values.sort_by_key(|v| std::cmp::Reverse(v.expose().len()));
        }
    }

    /// The text with every known secret replaced. One secret in a line hides just that secret.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.values {
            if out.contains(value.expose()) {
                out = out.replace(value.expose(), REDACTED);
            }
        }
        out
    }
}
