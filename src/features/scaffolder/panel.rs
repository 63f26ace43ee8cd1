//! On an entity's page: the runs that made it.

use askama::Template;
use async_trait::async_trait;
use uuid::Uuid;

use super::store;
use crate::engine::access::Subject;
use crate::engine::app::App;
use crate::engine::web::panel::{Panel, PanelEntity};
use crate::engine::web::words;

/// The runs that made an entity.
#[derive(Debug)]
pub struct MadeFrom;

#[derive(Template)]
#[template(path = "scaffolder/panel.html")]
struct MadeFromPanel {
    runs: Vec<(Uuid, String, String, String)>,
}

#[async_trait]
impl Panel for MadeFrom {
    fn title(&self) -> &'static str {
        "Made from a template"
    }

    async fn render(&self, app: &App, subject: &Subject, entity: &PanelEntity) -> Result<Option<String>, String> {
        let failed = |what: &str| {
            tracing::warn!(panel = "scaffolder", what, "a panel failed");
            "Which run made this cannot be told now.".to_owned()
        };
        let mut conn = app.db.acquire().await.map_err(|e| failed(&e.to_string()))?;
        let rows = store::runs_of(&mut conn, &format!("scaffolder:{}", entity.entity_ref), &subject.claims()).await;
        let rows = rows.map_err(|e| failed(&e.to_string()))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let now = app.clock.now();
        let runs = rows
            .into_iter()
            .map(|r| (r.id, r.title, r.outcome.unwrap_or(r.state), words::when(r.created_at, now)))
            .collect();
        MadeFromPanel { runs }.render().map(Some).map_err(|e| failed(&e.to_string()))
    }
}
