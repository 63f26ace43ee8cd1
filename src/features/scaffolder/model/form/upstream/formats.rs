//! `format` as leniently as Backstage's API checks it: shapes of letters, not calendars or networks.

use std::net::Ipv6Addr;

/// Whether a text has the shape that a format asks for. Unknown formats ask for nothing.
pub(super) fn conforms(text: &str, format: &str) -> bool {
    match format {
        "date" => is_date(text),
        "time" => is_time(text),
        "date-time" => is_date_time(text),
        "email" => is_email(text),
        "hostname" | "host-name" => is_hostname(text),
        "ipv4" | "ip-address" => is_ipv4(text),
        "ipv6" => text.trim().split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        "uri" | "iri" => is_uri(text),
        "uuid" => is_uuid(text),
        "alpha" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic()),
        "alphanumeric" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        "phone" => is_phone(text),
        "json-pointer" => text.is_empty() || text.starts_with('/'),
        "regex" | "regexp" | "pattern" => crate::features::scaffolder::model::form::pattern::is_usable(text),
        _ => true,
    }
}

/// A number of exactly `digits` digits, from `min` to `max`.
fn within(text: &str, digits: usize, min: u32, max: u32) -> bool {
    let number = text.parse::<u32>().ok().filter(|_| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()));
    number.is_some_and(|number| (min..=max).contains(&number))
}

/// Year, month 00 to 12, day 01 to 31: the 30th of February passes.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    within(year, 4, 0, 9_999) && within(month, 2, 0, 12) && within(day, 2, 1, 31)
}

fn is_time(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return false };
    within(hour, 2, 0, 24) && within(minute, 2, 0, 59) && within(second, 2, 0, 60)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once(['T', 't', ' ']) else { return false };
    let Some(zone_at) = rest.find(['Z', 'z', '+', '-']) else { return false };
    let (time, zone) = rest.split_at(zone_at);
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let fraction_ok = fraction.is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    is_date(date) && is_time(time) && fraction_ok && is_zone(zone)
}

fn is_zone(zone: &str) -> bool {
    if matches!(zone, "Z" | "z") {
        return true;
    }
    let offset = zone.get(1..).and_then(|offset| offset.split_once(':'));
    offset.is_some_and(|(hours, minutes)| within(hours, 2, 0, 59) && within(minutes, 2, 0, 60))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let letter = |c: char| c.is_ascii_alphanumeric() || "_!#$%&'*+-/=?^`{|}~".contains(c);
    let local_ok = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(letter));
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return local_ok && is_ipv4(address);
    }
    local_ok && domain.contains('.') && domain.split('.').all(is_label)
}

/// A part of a host name: letters, digits and inner hyphens, at most 63.
fn is_label(label: &str) -> bool {
    let edges = !label.starts_with('-') && !label.ends_with('-');
    (1..=63).contains(&label.len()) && edges && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_hostname(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 255 && name.split('.').all(is_label)
}

fn is_ipv4(text: &str) -> bool {
    let part = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok()
    };
    text.split('.').count() == 4 && text.split('.').all(part)
}

/// A scheme, a colon, and no blanks.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'));
    scheme_ok && !rest.contains(char::is_whitespace)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn is_phone(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&count) && !digits.contains("  ") && digits.bytes().all(|b| b == b' ' || b.is_ascii_digit())
}
