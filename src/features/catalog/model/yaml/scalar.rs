//! What a YAML scalar means: the core schema of YAML 1.2, and the schema of 1.1 for documents that
//! ask for it with `%YAML 1.1`. It follows npm `yaml` 2.9, which Backstage reads with.
//! It owns text to value; it deliberately knows nothing of documents, anchors or positions.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde_json::{Number, Value};

/// Which set of rules a document is read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// YAML 1.2: `yes`, `off` and `017` are text, text and seventeen.
    Core,
    /// YAML 1.1: `yes`, `off` and `017` are true, false and fifteen; dates are dates.
    Old,
}

/// The value of a scalar and the text by which it would be a key of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number of JavaScript's kind, so possibly infinite or not a number.
    Number(f64),
    /// Text, or a date in the text that JSON gives it.
    Text(String),
}

impl Scalar {
    /// The value as JSON carries it: what is no finite number becomes `null`.
    pub(super) fn into_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(yes) => Value::Bool(yes),
            Self::Number(number) => json_number(number),
            Self::Text(text) => Value::String(text),
        }
    }

    /// The text under which the value stands as a key (`null` is the empty text).
    pub(super) fn key_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(yes) => yes.to_string(),
            Self::Number(number) => super::super::js::float_text(*number),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A JavaScript number as JSON: whole numbers without a fraction, `null` for what JSON lacks.
fn json_number(number: f64) -> Value {
    // The limits keep the casts exact: beyond them JSON readers fall back to floating point too.
    const SIGNED: f64 = 9_223_372_036_854_775_808.0;
    const UNSIGNED: f64 = 18_446_744_073_709_551_616.0;
    if number.fract() == 0.0 && (-SIGNED..SIGNED).contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the limits of the type")]
        return Value::from(number as i64);
    }
    if number.fract() == 0.0 && (SIGNED..UNSIGNED).contains(&number) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within the limits of the type"
        )]
        return Value::from(number as u64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// The value of a plain scalar without a tag.
pub(super) fn plain(text: &str, schema: Schema) -> Scalar {
    match schema {
        Schema::Core => core(text),
        Schema::Old => old(text),
    }
    .unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// The value of a scalar with the tag `tag:yaml.org,2002:<suffix>`. A tag whose rule does not fit
/// the text is ignored and the text stays, as the original only warns of it.
pub(super) fn tagged(suffix: &str, text: &str, schema: Schema) -> Scalar {
    let fits = |value: &Scalar| match suffix {
        "null" => matches!(value, Scalar::Null),
        "bool" => matches!(value, Scalar::Bool(_)),
        "int" => matches!(value, Scalar::Number(_)) && !is_fractional(text),
        "float" => matches!(value, Scalar::Number(_)) && is_fractional(text),
        _ => false,
    };
    if suffix == "timestamp" {
        return timestamp(text).unwrap_or_else(|| Scalar::Text(text.to_owned()));
    }
    let value = plain(text, schema);
    if fits(&value) { value } else { Scalar::Text(text.to_owned()) }
}

/// Whether the spelling of a number is one of the rules for floating point.
fn is_fractional(text: &str) -> bool {
    let hexadecimal = text.trim_start_matches(['+', '-']).starts_with("0x");
    !hexadecimal && text.contains(['.', 'e', 'E'])
}

fn core(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => return core_number(text).map(Scalar::Number),
    })
}

fn core_number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    special(text).or_else(|| decimal(text))
}

/// `.inf` and `.nan` in the spellings that both schemas know.
fn special(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let (sign, rest) = signed(text);
    matches!(rest, ".inf" | ".Inf" | ".INF").then_some(sign * f64::INFINITY)
}

/// A decimal number: digits, then perhaps a fraction, then perhaps an exponent.
fn decimal(text: &str) -> Option<f64> {
    let (sign, rest) = signed(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let has_digit = !whole.is_empty() || fraction.is_some_and(|digits| !digits.is_empty());
    let digits_only = all_digits(whole) && fraction.is_none_or(all_digits);
    let exponent_fits = exponent.is_none_or(|digits| {
        let (_, digits) = signed(digits);
        !digits.is_empty() && all_digits(digits)
    });
    if !(has_digit && digits_only && exponent_fits) {
        return None;
    }
    rest.parse::<f64>().ok().map(|number| sign * number)
}

fn signed(text: &str) -> (f64, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits of a given base, at least one, as a floating point number.
fn radix(digits: &str, base: u32) -> Option<f64> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    Some(
        digits
            .chars()
            .filter_map(|digit| digit.to_digit(base))
            .fold(0.0, |sum, digit| sum * f64::from(base) + f64::from(digit)),
    )
}

fn old(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => return old_number(text).map(Scalar::Number).or_else(|| timestamp(text)),
    })
}

fn old_number(text: &str) -> Option<f64> {
    let (sign, rest) = signed(text);
    let bare: String = rest.chars().filter(|&c| c != '_').collect();
    if let Some(digits) = bare.strip_prefix("0b") {
        return radix(digits, 2).map(|number| sign * number);
    }
    if let Some(digits) = bare.strip_prefix("0x") {
        return radix(digits, 16).map(|number| sign * number);
    }
    if rest.len() > 1
        && let Some(number) = bare.strip_prefix('0').and_then(|digits| radix(digits, 8))
    {
        return Some(sign * number);
    }
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return special(text);
    }
    if rest.contains(':') { sexagesimal(&bare) } else { decimal(&bare) }.map(|number| sign * number)
}

/// `1:30` is ninety: each part after the first counts sixtieths and is below sixty.
fn sexagesimal(text: &str) -> Option<f64> {
    let (parts, fraction) = match text.split_once('.') {
        Some((parts, fraction)) if all_digits(fraction) => (parts, format!("0.{fraction}")),
        Some(_) => return None,
        None => (text, "0".to_owned()),
    };
    let mut sum = 0.0;
    for (at, part) in parts.split(':').enumerate() {
        let fits =
            !part.is_empty() && all_digits(part) && (at == 0 || part.len() < 2 || (part.len() == 2 && part < "60"));
        if !fits {
            return None;
        }
        sum = sum * 60.0 + part.parse::<f64>().ok()?;
    }
    Some(sum + fraction.parse::<f64>().unwrap_or(0.0))
}

/// A date or a moment of YAML 1.1, in the text that JavaScript's JSON gives a date.
fn timestamp(text: &str) -> Option<Scalar> {
    let day_length = text.find(['t', 'T', ' ', '\t']).unwrap_or(text.len());
    let (day, rest) = text.split_at(day_length);
    let mut numbers = day.split('-');
    let year = numbers.next().filter(|year| year.len() == 4 && all_digits(year))?;
    let month = numbers.next().filter(|month| is_short_number(month))?;
    let date = numbers.next().filter(|date| is_short_number(date))?;
    if numbers.next().is_some() {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?)?;
    let moment = if rest.is_empty() { Some(day.and_time(NaiveTime::MIN).and_utc()) } else { moment(day, rest) };
    moment.map(|moment| Scalar::Text(moment.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

/// The time of day and the zone of a timestamp.
fn moment(day: NaiveDate, rest: &str) -> Option<DateTime<Utc>> {
    let clock = rest.trim_start_matches(['t', 'T', ' ', '\t']);
    let end = clock.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(end);
    let mut parts = clock.split(':');
    let hour = parts.next().filter(|part| is_short_number(part))?;
    let minute = parts.next().filter(|part| is_short_number(part))?;
    let second = parts.next()?;
    if parts.next().is_some() || !second.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a minute, in milliseconds")]
    let milliseconds = (second.parse::<f64>().ok()? * 1000.0) as i64;
    let since_midnight = Duration::hours(hour.parse().ok()?)
        + Duration::minutes(minute.parse().ok()?)
        + Duration::milliseconds(milliseconds);
    let shift = offset(zone.trim_start_matches([' ', '\t']))?;
    Some(day.and_time(NaiveTime::MIN).and_utc() + since_midnight - shift)
}

/// How far a zone (`Z`, `+2`, `-08:00` or none) is ahead of universal time.
fn offset(zone: &str) -> Option<Duration> {
    if zone.is_empty() || zone == "Z" {
        return Some(Duration::zero());
    }
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "0"));
    let fits = zone.starts_with(['+', '-']) && is_short_number(hours) && all_digits(minutes) && minutes.len() <= 2;
    if !fits {
        return None;
    }
    let ahead = Duration::hours(hours.parse().ok()?) + Duration::minutes(minutes.parse().ok()?);
    Some(if zone.starts_with('-') { -ahead } else { ahead })
}

fn is_short_number(text: &str) -> bool {
    (1..=2).contains(&text.len()) && all_digits(text)
}
