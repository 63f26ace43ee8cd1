//! The page kit: what every page and every API answer shares. Problems with three faces, the layout's
//! context, extractors that fail as problems, panels, assets with content hashes, and the layers.

pub mod api;
pub mod assets;
pub mod current;
pub mod extract;
pub mod flash;
pub mod layers;
pub mod markdown;
pub mod page;
pub mod paging;
pub mod panel;
pub mod problem;
pub mod words;

pub use extract::{Form, Path, Query};
pub use page::{Page, Visitor, html};
pub use problem::Problem;
