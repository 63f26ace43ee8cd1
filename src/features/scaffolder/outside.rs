//! What a run of the scaffolder does outside: how each thing is looked for, and how it is undone.
//! Both need nothing but the row of the effect.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::app::App;
use crate::engine::runs::store::EffectRow;
use crate::engine::runs::{EffectKind, Found};
use crate::features::catalog::actions as catalog;
use crate::features::catalog::places::Target;
use crate::features::catalog::store as catalog_store;
use crate::ports::code_host::{NewRepository, Repository};

/// A repository.
pub const REPOSITORY: &str = "code_host.repository";
/// A first commit.
pub const COMMIT: &str = "code_host.commit";
/// A setting of a repository.
pub const SETTING: &str = "code_host.setting";
/// A source of the catalog.
pub const SOURCE: &str = "catalog.source";

/// Repositories. Ours carries the run's address as its homepage from its first moment.
#[derive(Debug)]
pub struct Repositories;

#[async_trait]
impl EffectKind for Repositories {
    fn name(&self) -> &'static str {
        REPOSITORY
    }

    async fn probe(&self, app: &App, effect: &EffectRow) -> Found {
        let Ok(new) = serde_json::from_value::<NewRepository>(effect.intent.clone()) else {
            return Found::CannotTell("what was intended cannot be read".to_owned());
        };
        let Some(host) = app.code_hosts.for_host(&new.name.host) else {
            return Found::CannotTell(format!("the portal no longer has the code host {}", new.name.host));
        };
        match host.find(&new.name).await {
            Ok(None) => Found::Absent,
            Ok(Some(found)) if is_ours(&found, &new, effect) => {
                Found::Present(serde_json::to_value(&found).unwrap_or(Value::Null))
            }
            Ok(Some(_)) => Found::Foreign(format!(
                "The repository {} exists and was not made by this run. Choose another name.",
                new.name
            )),
            Err(e) => Found::CannotTell(e.to_string()),
        }
    }

    async fn undo(&self, app: &App, effect: &EffectRow) -> Result<(), String> {
        let new: NewRepository = serde_json::from_value(effect.intent.clone()).map_err(|e| e.to_string())?;
        let host = app
            .code_hosts
            .for_host(&new.name.host)
            .ok_or_else(|| format!("the portal no longer has the code host {}", new.name.host))?;
        match host.find(&new.name).await {
            Ok(None) => Ok(()),
            // Only what is surely ours is deleted: by its id, or by the mark.
            Ok(Some(found)) if is_ours(&found, &new, effect) => host.delete(&new.name).await.map_err(|e| e.to_string()),
            Ok(Some(_)) => Ok(()),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// Whether a repository is the one that this effect made: the host's id once that is known, the mark before.
pub fn is_ours(found: &Repository, new: &NewRepository, effect: &EffectRow) -> bool {
    let known = effect.external.as_ref().and_then(|e| e.get("id")).and_then(Value::as_str);
    known.map_or(found.homepage == new.mark, |id| id == found.id)
}

/// First commits. Making one again gives the same commit, so an unknown one is simply made again; it goes
/// with its repository.
#[derive(Debug)]
pub struct Commits;

#[async_trait]
impl EffectKind for Commits {
    fn name(&self) -> &'static str {
        COMMIT
    }

    async fn probe(&self, _app: &App, _effect: &EffectRow) -> Found {
        Found::Absent
    }

    async fn undo(&self, _app: &App, _effect: &EffectRow) -> Result<(), String> {
        Ok(())
    }
}

/// Settings. Setting one twice is setting it once; it goes with its repository.
#[derive(Debug)]
pub struct Settings;

#[async_trait]
impl EffectKind for Settings {
    fn name(&self) -> &'static str {
        SETTING
    }

    async fn probe(&self, _app: &App, _effect: &EffectRow) -> Found {
        Found::Absent
    }

    async fn undo(&self, _app: &App, _effect: &EffectRow) -> Result<(), String> {
        Ok(())
    }
}

/// What a registration intends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    /// The descriptor's address.
    pub address: String,
    /// `run:<id>`: the mark.
    pub by: String,
}

/// Sources of the catalog. Ours bears the run's name as whoever registered it.
#[derive(Debug)]
pub struct Sources;

#[async_trait]
impl EffectKind for Sources {
    fn name(&self) -> &'static str {
        SOURCE
    }

    async fn probe(&self, app: &App, effect: &EffectRow) -> Found {
        match find_source(app, effect).await {
            Ok(Some(id)) => Found::Present(serde_json::json!({ "source": id })),
            Ok(None) => Found::Absent,
            Err(why) => Found::CannotTell(why),
        }
    }

    async fn undo(&self, app: &App, effect: &EffectRow) -> Result<(), String> {
        let Some(id) = find_source(app, effect).await? else { return Ok(()) };
        let mut tx = app.db.begin().await.map_err(|e| e.to_string())?;
        catalog::remove(&mut tx, id).await.map_err(|e| e.to_string())?;
        tx.commit().await.map_err(|e| e.to_string())
    }
}

/// The source that this effect registered; one that was there before is not ours.
async fn find_source(app: &App, effect: &EffectRow) -> Result<Option<Uuid>, String> {
    let intent: Registration = serde_json::from_value(effect.intent.clone()).map_err(|e| e.to_string())?;
    let Some(target) = Target::of_address(app, &intent.address) else { return Ok(None) };
    let mut conn = app.db.acquire().await.map_err(|e| e.to_string())?;
    let Some((id, _)) = catalog_store::source_of(&mut conn, &target).await.map_err(|e| e.to_string())? else {
        return Ok(None);
    };
    let source = catalog_store::source(&mut conn, id).await.map_err(|e| e.to_string())?;
    Ok(source.filter(|s| s.registered_by.as_deref() == Some(intent.by.as_str())).map(|s| s.id))
}
