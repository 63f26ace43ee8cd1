//! The verbs of the catalog: register, refresh, remove a source.

use sqlx::PgConnection;
use uuid::Uuid;

use super::error::CatalogError;
use super::ingest;
use super::places::Target;
use super::store::{self, SourceRow};
use super::write;
use crate::engine::access::{Resource, Subject, can};
use crate::engine::app::App;
use crate::engine::audit::{self, Entry};
use crate::engine::bus::News;

/// Registers the descriptor at an address and reads it at once.
///
/// # Errors
/// It is registered already, cannot be read, or the subject may not.
pub async fn register(app: &App, subject: &Subject, address: &str) -> Result<Uuid, CatalogError> {
    can(subject, "catalog.register", &Resource::NONE)?;
    let wrong = || {
        CatalogError::Address(
            "Give the whole address of a catalog-info.yaml, starting with https:// or http://.".to_owned(),
        )
    };
    let target = Target::of_address(app, address.trim()).ok_or_else(wrong)?;
    // Looked at before it is written down: an address that cannot be read is a mistake to mend now.
    super::places::read(app, &target, None).await?;
    let mut tx = app.db.begin().await?;
    let (id, new) = write::put_source(&mut tx, &target, "registered", None, false, Some(&subject.who())).await?;
    if !new {
        return Err(CatalogError::Registered(address.to_owned()));
    }
    let entry = Entry::by(subject, "catalog.registered", format!("source:{id}"))
        .detail(serde_json::json!({ "target": address }));
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    read_source(app, id).await?;
    Ok(id)
}

/// Registers a target on behalf of a run, or finds it registered; tells its key and whether it is new.
///
/// # Errors
/// The database.
pub async fn register_for_run(
    conn: &mut PgConnection,
    target: &Target,
    by: &str,
) -> Result<(Uuid, bool), CatalogError> {
    Ok(write::put_source(conn, target, "registered", None, false, Some(by)).await?)
}

/// Reads a source now.
///
/// # Errors
/// There is none; it cannot be read.
pub async fn read_source(app: &App, id: Uuid) -> Result<(), CatalogError> {
    let mut conn = app.db.acquire().await?;
    let source = store::source(&mut conn, id).await?.ok_or(CatalogError::NoSource)?;
    drop(conn);
    ingest::read_now(app, source).await?;
    let mut conn = app.db.acquire().await?;
    app.bus.tell(News::Catalog(store::generation(&mut conn).await?));
    Ok(())
}

/// Reads a source again because somebody asked.
///
/// # Errors
/// There is none; it cannot be read; the subject may not.
pub async fn refresh(app: &App, subject: &Subject, id: Uuid) -> Result<(), CatalogError> {
    can(subject, "catalog.refresh", &Resource::NONE)?;
    read_source(app, id).await
}

/// Removes a registered source and its entities.
///
/// # Errors
/// It comes from the configuration; the subject may not.
pub async fn unregister(app: &App, subject: &Subject, id: Uuid) -> Result<(), CatalogError> {
    let mut tx = app.db.begin().await?;
    let source = store::source(&mut tx, id).await?.ok_or(CatalogError::NoSource)?;
    can(subject, "catalog.unregister", &owner(&source, subject))?;
    if source.origin != "registered" {
        return Err(CatalogError::Configured);
    }
    remove(&mut tx, id).await?;
    let entry = Entry::by(subject, "catalog.unregistered", format!("source:{id}"))
        .detail(serde_json::json!({ "target": source.target.target }));
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a source in a transaction of the caller's.
///
/// # Errors
/// The database.
pub async fn remove(conn: &mut PgConnection, id: Uuid) -> Result<bool, CatalogError> {
    let gone = write::delete_source(conn, id).await?;
    write::raise_generation(conn).await?;
    Ok(gone)
}

fn owner<'a>(source: &SourceRow, subject: &Subject) -> Resource<'a> {
    let own = source.registered_by.as_deref() == Some(subject.who().as_str());
    Resource::of(own.then_some(subject.user_id), None)
}
