//! Addresses as names of systems.

use url::Url;

/// The host, with the port where that is not the usual one of its scheme (RFC 3986, 3.2.3): what a
/// code host is called by, and what browsers send as Host. `None` for an address without a host.
pub fn host_and_port(address: &Url) -> Option<String> {
    let host = address.host_str()?;
    Some(address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
