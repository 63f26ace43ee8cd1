//! A feature's corner of an entity's page. Panels are registered in one table at the top, so that the
//! catalog need not know the features that know something about its entities. A panel that fails
//! shows its own small notice; the page stands.

use async_trait::async_trait;
use serde_json::Value;

use crate::engine::access::Subject;
use crate::engine::app::App;

/// The entity whose page it is.
#[derive(Debug, Clone)]
pub struct PanelEntity {
    /// `kind:namespace/name`, lower case.
    pub entity_ref: String,
    /// Kind, lower case.
    pub kind: String,
    /// The entity as stored.
    pub body: Value,
    /// Slug of the owning team.
    pub owner_team: Option<String>,
}

/// Knows something about entities.
#[async_trait]
pub trait Panel: Send + Sync + std::fmt::Debug {
    /// Its title on the page.
    fn title(&self) -> &'static str;

    /// Its content as HTML, or `None` if it has nothing to say.
    ///
    /// # Errors
    /// Why it cannot say: a sentence for the notice; the cause is logged by the panel.
    async fn render(&self, app: &App, subject: &Subject, entity: &PanelEntity) -> Result<Option<String>, String>;
}

/// The table of panels.
pub type Panels = std::sync::Arc<Vec<Box<dyn Panel>>>;

/// A panel as it came out.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its title.
    pub title: &'static str,
    /// Its HTML, or the sentence why not.
    pub content: Result<String, String>,
}

/// Renders all panels for an entity, each on its own, at the same time.
pub async fn render_all(
    panels: &[Box<dyn Panel>],
    app: &App,
    subject: &Subject,
    entity: &PanelEntity,
) -> Vec<Rendered> {
    let all = panels.iter().map(|panel| async move {
        let content = panel.render(app, subject, entity).await;
        match content {
            Ok(None) => None,
            Ok(Some(html)) => Some(Rendered { title: panel.title(), content: Ok(html) }),
            Err(why) => Some(Rendered { title: panel.title(), content: Err(why) }),
        }
    });
    futures::future::join_all(all).await.into_iter().flatten().collect()
}
