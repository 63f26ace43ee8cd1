//! Why something cannot be done with the catalog, in words.

use std::borrow::Cow;

use crate::engine::access::Denied;
use crate::kernel::fault::{Explain, FieldFault, Kind, WayOn};
use crate::ports::PortError;

/// What can go wrong with the catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No such entity, or not for this reader.
    #[error("no entity {0}")]
    NoEntity(String),
    /// No such source.
    #[error("no such source")]
    NoSource,
    /// The address cannot be one of a descriptor.
    #[error("not an address: {0}")]
    Address(String),
    /// It is registered already.
    #[error("{0} is registered already")]
    Registered(String),
    /// Sources of configuration are changed there.
    #[error("the source comes from the configuration")]
    Configured,
    /// It cannot be read.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for CatalogError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoEntity(_) | Self::NoSource => Kind::NotFound,
            Self::Address(why) => Kind::Invalid(vec![FieldFault { field: "target".to_owned(), message: why.clone() }]),
            Self::Registered(_) | Self::Configured => Kind::Conflict,
            Self::Port(e) if e.is_transient() => Kind::Unavailable("The source".into()),
            Self::Port(e) => Kind::Invalid(vec![FieldFault { field: "target".to_owned(), message: e.to_string() }]),
            Self::Denied(e) => e.kind(),
            Self::Database(e) => e.kind(),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::NoEntity(name) => format!("The catalog has no {name}").into(),
            Self::NoSource => "There is no such source".into(),
            Self::Address(_) => "This is no address of a descriptor".into(),
            Self::Registered(_) => "This is registered already".into(),
            Self::Configured => "This source comes from the configuration".into(),
            Self::Port(e) if e.is_transient() => "The source is not answering".into(),
            Self::Port(_) => "The source cannot be read".into(),
            Self::Denied(e) => e.title(),
            Self::Database(e) => e.title(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NoEntity(_) => "It may have been renamed or removed in its file, or you may not see it.".into(),
            Self::NoSource => "It may have been removed meanwhile.".into(),
            Self::Address(why) => why.clone().into(),
            Self::Registered(what) => {
                format!("{what} is read every few minutes. Its page says what came of it.").into()
            }
            Self::Configured => {
                "Remove it from SLIPWAY_CATALOG, or from the organization, and it goes from the catalog.".into()
            }
            Self::Port(e) => format!("{e}.").into(),
            Self::Denied(e) => e.detail(),
            Self::Database(e) => e.detail(),
        }
    }

    fn ways_on(&self) -> Vec<WayOn> {
        let mut ways = vec![WayOn { label: "Open the catalog".into(), href: "/catalog".to_owned() }];
        if let Self::NoEntity(name) = self {
            let wanted = name.rsplit('/').next().unwrap_or(name);
            let query: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
            ways.insert(0, WayOn { label: format!("Search for {wanted}").into(), href: format!("/catalog?q={query}") });
        }
        ways
    }
}
