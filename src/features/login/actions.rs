//! The verbs at the door, one transaction each.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::error::LoginError;
use crate::engine::access::store::{self, NewUser};
use crate::engine::access::{Resource, Subject, can, token};
use crate::engine::audit::{self, Entry};
use crate::kernel::fault::FieldFault;
use crate::kernel::secret::Secret;
use crate::ports::sign_in::Person;

/// A demo person, as the example organization lists them.
#[derive(Debug, Clone, Deserialize)]
pub struct DemoPerson {
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// What they are, for the sign-in page.
    pub role: String,
    /// Team slugs.
    pub teams: Vec<String>,
    /// Whether they may do everything.
    pub admin: bool,
}

/// Signs somebody in whom GitHub vouches for. Their login is lower-cased: GitHub's logins ignore case.
///
/// # Errors
/// They do not belong to the organization, or the database.
pub async fn sign_in(db: &PgPool, person: &Person) -> Result<Uuid, LoginError> {
    if !person.is_member {
        return Err(LoginError::Outsider(person.login.clone()));
    }
    let new = NewUser {
        login: person.login.to_lowercase(),
        name: person.name.clone(),
        email: person.email.clone(),
        origin: "github",
        external_id: Some(person.id.clone()),
        demo_admin: false,
    };
    let mut tx = db.begin().await?;
    let id = store::put_user(&mut tx, Uuid::now_v7(), &new).await?;
    store::set_teams(&mut tx, id, "github", &person.teams).await?;
    note(&mut tx, id, &new.login).await?;
    tx.commit().await?;
    Ok(id)
}

/// Signs a demo person in.
///
/// # Errors
/// There is no such demo person.
pub async fn sign_in_demo(db: &PgPool, login: &str) -> Result<Uuid, LoginError> {
    let mut tx = db.begin().await?;
    let people = store::demo_people(&mut tx).await?;
    let person = people.iter().find(|p| p.login == login).ok_or(LoginError::NoDemo)?;
    note(&mut tx, person.id, login).await?;
    tx.commit().await?;
    Ok(person.id)
}

async fn note(conn: &mut sqlx::PgConnection, id: Uuid, login: &str) -> sqlx::Result<()> {
    store::note_sign_in(conn, id).await?;
    let mut entry = Entry::by_system("login.signed_in", format!("user:{login}"));
    entry.who = format!("user:{login}");
    audit::record(conn, &entry).await
}

/// Writes the demo people of the example organization.
///
/// # Errors
/// The database.
pub async fn seed_demo_people(db: &PgPool, people: &[DemoPerson]) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    for person in people {
        let new = NewUser {
            login: person.login.to_lowercase(),
            name: person.name.clone(),
            email: Some(person.email.clone()),
            origin: "demo",
            external_id: None,
            demo_admin: person.admin,
        };
        let id = store::put_user(&mut tx, Uuid::now_v7(), &new).await?;
        store::set_teams(&mut tx, id, "demo", &person.teams).await?;
    }
    tx.commit().await
}

/// Ends all sessions of a person.
///
/// # Errors
/// The database.
pub async fn sign_out_everywhere(db: &PgPool, subject: &Subject) -> Result<u64, LoginError> {
    let mut tx = db.begin().await?;
    let ended = store::delete_sessions(&mut tx, subject.user_id).await?;
    audit::record(&mut tx, &Entry::by(subject, "login.signed_out_everywhere", subject.who())).await?;
    tx.commit().await?;
    Ok(ended)
}

/// A token as somebody asks for it.
#[derive(Debug, Clone)]
pub struct TokenWish {
    /// Their name for it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// How long it lives.
    pub days: i64,
}

/// Makes a token. Its secret is returned once and kept nowhere.
///
/// # Errors
/// What is wrong with the wish, by field; the database.
pub async fn create_token(
    db: &PgPool,
    subject: &Subject,
    wish: &TokenWish,
    now: DateTime<Utc>,
) -> Result<(Uuid, Secret), LoginError> {
    can(subject, "access.tokens", &Resource::NONE)?;
    let faults = wrong_with(wish, subject);
    if !faults.is_empty() {
        return Err(LoginError::Token(faults));
    }
    let id = Uuid::now_v7();
    let new = token::generate();
    let mut tx = db.begin().await?;
    let ends = now + TimeDelta::days(wish.days);
    store::create_token(&mut tx, id, subject.user_id, wish.name.trim(), &new, &wish.scopes, ends).await?;
    let detail = serde_json::json!({ "name": wish.name, "scopes": wish.scopes, "days": wish.days });
    audit::record(&mut tx, &Entry::by(subject, "login.token_made", format!("token:{id}")).detail(detail)).await?;
    tx.commit().await?;
    Ok((id, new.secret))
}

fn wrong_with(wish: &TokenWish, subject: &Subject) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut wrong =
        |field: &str, message: &str| faults.push(FieldFault { field: field.to_owned(), message: message.to_owned() });
    if wish.name.trim().is_empty() || wish.name.chars().count() > 100 {
        wrong("name", "Give it a name of up to 100 characters, so that you know it again.");
    }
    if wish.scopes.is_empty() {
        wrong("scopes", "Choose at least one thing that it may do.");
    }
    if wish.scopes.iter().any(|s| !token_scope(s, subject)) {
        wrong("scopes", "One of these is nothing that a token of yours can be given.");
    }
    if !(1..=token::LONGEST_DAYS).contains(&wish.days) {
        wrong("days", "Choose from 1 to 366 days; every token ends.");
    }
    faults
}

/// A token made with a token may do no more than that one.
fn token_scope(scope: &str, subject: &Subject) -> bool {
    use crate::engine::access::Via;
    crate::engine::access::can::is_scope(scope)
        && match &subject.via {
            Via::Session => true,
            Via::Token { scopes, .. } => scopes.iter().any(|s| s == "*" || s == scope),
        }
}

/// Revokes a token of the subject's.
///
/// # Errors
/// There is no such token.
pub async fn revoke_token(db: &PgPool, subject: &Subject, id: Uuid) -> Result<(), LoginError> {
    can(subject, "access.tokens", &Resource::NONE)?;
    let mut tx = db.begin().await?;
    if !store::revoke_token(&mut tx, subject.user_id, id).await? {
        return Err(LoginError::NoToken);
    }
    audit::record(&mut tx, &Entry::by(subject, "login.token_revoked", format!("token:{id}"))).await?;
    tx.commit().await?;
    Ok(())
}
