//! Settings from the environment. A wrong value stops the start with a sentence that says so.

use std::{env, error::Error, fmt, str::FromStr, time::Duration};

use tracing::level_filters::LevelFilter;

/// The port when `PORT` is not set.
const DEFAULT_PORT: u16 = ${{ values.port }};

/// What the environment decides.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// `PORT`: where to listen; 0 takes any free port, which the tests use.
    pub port: u16,
    /// `LOG_LEVEL`: off, error, warn, info, debug or trace.
    pub log_level: LevelFilter,
    /// `SHUTDOWN_DRAIN_SECONDS`: how long to go on answering after SIGTERM. The chart sets it.
    pub drain: Duration,
}

impl Settings {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::read(|name| env::var(name).ok())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        Ok(Self {
            port: setting(&get, "PORT", DEFAULT_PORT, "a port from 0 to 65535")?,
            log_level: setting(
                &get,
                "LOG_LEVEL",
                LevelFilter::INFO,
                "off, error, warn, info, debug or trace",
            )?,
            drain: Duration::from_secs(setting(
                &get,
                "SHUTDOWN_DRAIN_SECONDS",
                0,
                "a whole number of seconds",
            )?),
        })
    }
}

/// An empty value counts as not set, since that is how charts and shells leave things out.
fn setting<T: FromStr>(
    get: impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: T,
    expected: &'static str,
) -> Result<T, InvalidSetting> {
    match get(name).filter(|value| !value.is_empty()) {
        None => Ok(default),
        Some(value) => value.parse().map_err(|_| InvalidSetting {
            name,
            value,
            expected,
        }),
    }
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            expected,
        } = self;
        write!(f, "{name} is \"{value}\", but should be {expected}")
    }
}

impl Error for InvalidSetting {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, InvalidSetting> {
        Settings::read(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn nothing_set_means_defaults() {
        let defaults = Settings {
            port: DEFAULT_PORT,
            log_level: LevelFilter::INFO,
            drain: Duration::ZERO,
        };
        assert_eq!(read(&[]), Ok(defaults));
    }

    #[test]
    fn what_is_set_wins() {
        let settings = Settings {
            port: 9000,
            log_level: LevelFilter::WARN,
            drain: Duration::from_secs(5),
        };
        let pairs = [
            ("PORT", "9000"),
            ("LOG_LEVEL", "warn"),
            ("SHUTDOWN_DRAIN_SECONDS", "5"),
        ];
        assert_eq!(read(&pairs), Ok(settings));
    }

    #[test]
    fn a_wrong_value_says_what_is_wanted() {
        let message = read(&[("LOG_LEVEL", "loud")]).map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err(
                "LOG_LEVEL is \"loud\", but should be off, error, warn, info, debug or trace"
                    .to_owned()
            )
        );
    }
}
