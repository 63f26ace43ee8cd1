//! The panel table: what features show on an entity's page.

use crate::engine::web::panel::{Panel, Panels};

/// All panels, in the order of the page.
pub fn panels() -> Panels {
    let all: Vec<Box<dyn Panel>> = vec![Box::new(crate::features::scaffolder::panel::MadeFrom)];
    std::sync::Arc::new(all)
}
