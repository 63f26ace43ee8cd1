//! Times, durations and numbers in words, the same everywhere. All times are UTC, and say so where
//! a decision hangs on them.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

/// "today 14:30", "yesterday 09:05", "Mon 24 Nov 14:30", "24 Nov 2025".
pub fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let days = now.date_naive().signed_duration_since(at.date_naive()).num_days();
    match days {
        0 => at.format("today %H:%M").to_string(),
        1 => at.format("yesterday %H:%M").to_string(),
        -1 => at.format("tomorrow %H:%M").to_string(),
        -6..=6 => at.format("%a %H:%M").to_string(),
        _ if at.year() == now.year() => at.format("%-d %b %H:%M").to_string(),
        _ => at.format("%-d %b %Y").to_string(),
    }
}

/// "8 s", "1 min 31 s", "3 h 10 min", "2 days 4 h".
pub fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let ms = span.num_milliseconds().max(0);
    match seconds {
        _ if ms < 1_000 => format!("{ms} ms"),
        0..10 => format!("{:.1} s", ms as f64 / 1000.0),
        10..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, if seconds < 172_800 { "day" } else { "days" }, seconds % 86_400 / 3_600, "h"),
    }
}

fn pair(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// "1 file", "3 files", "1,204 lines".
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// The key of an answer for people: "personalData" becomes "Personal data".
pub fn of_key(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for (i, letter) in key.chars().enumerate() {
        match letter {
            _ if i == 0 => out.extend(letter.to_uppercase()),
            '_' | '-' => out.push(' '),
            upper if upper.is_uppercase() => {
                out.push(' ');
                out.extend(upper.to_lowercase());
            }
            other => out.push(other),
        }
    }
    out
}

/// "1,204".
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "tracking-api" stays; "group:default/last-mile" becomes "Last mile" for people.
pub fn team(slug: &str) -> String {
    let name = slug.rsplit('/').next().unwrap_or(slug).replace(['-', '_'], " ");
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}
