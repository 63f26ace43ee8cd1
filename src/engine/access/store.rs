//! Every statement on the `access_*` tables.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A person with their teams.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Key.
    pub id: Uuid,
    /// Login, lower case.
    pub login: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// `github` or `demo`.
    pub origin: String,
    /// Demo people only.
    pub demo_admin: bool,
    /// Team slugs, sorted.
    pub teams: Vec<String>,
}

/// What the code host says of a person.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Login, lower case.
    pub login: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// `github` or `demo`.
    pub origin: &'static str,
    /// The code host's number.
    pub external_id: Option<String>,
    /// Demo people only.
    pub demo_admin: bool,
}

/// A token as its owner sees it.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Key.
    pub id: Uuid,
    /// Its owner's name for it.
    pub name: String,
    /// First characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A person by id.
pub async fn user(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select u.id, u.login, u.name, u.email, u.origin, u.demo_admin,
                  coalesce((select array_agg(t.slug order by t.slug) from access_membership m
                            join access_team t on t.id = m.team_id where m.user_id = u.id), '{}') as "teams!"
           from access_user u where u.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// The demo people, admins last.
pub async fn demo_people(conn: &mut PgConnection) -> sqlx::Result<Vec<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select u.id, u.login, u.name, u.email, u.origin, u.demo_admin,
                  coalesce((select array_agg(t.slug order by t.slug) from access_membership m
                            join access_team t on t.id = m.team_id where m.user_id = u.id), '{}') as "teams!"
           from access_user u where u.origin = 'demo' order by u.demo_admin, u.name"#
    )
    .fetch_all(conn)
    .await
}

/// Writes a person as the code host describes them; finds them by number first, then by login.
pub async fn put_user(conn: &mut PgConnection, id: Uuid, user: &NewUser) -> sqlx::Result<Uuid> {
    // A login may have been given to somebody else on the code host: the old row gives it up.
    sqlx::query!(
        "update access_user set login = login || '~' || id where origin = $1 and login = $2
         and external_id is distinct from $3 and $3::text is not null",
        user.origin,
        user.login,
        user.external_id
    )
    .execute(&mut *conn)
    .await?;
    let known = sqlx::query_scalar!(
        "update access_user set login = $2, name = $3, email = $4, demo_admin = $6
         where origin = $1 and (external_id = $5 or (external_id is null and login = $2)) returning id",
        user.origin,
        user.login,
        user.name,
        user.email,
        user.external_id,
        user.demo_admin
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar!(
        "insert into access_user (id, login, name, email, origin, external_id, demo_admin)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (origin, login) do update set name = excluded.name returning id",
        id,
        user.login,
        user.name,
        user.email,
        user.origin,
        user.external_id,
        user.demo_admin
    )
    .fetch_one(conn)
    .await
}

/// Sets the teams of a person to exactly these slugs, making teams that are not known. Tells
/// whether anything changed.
pub async fn set_teams(conn: &mut PgConnection, user: Uuid, origin: &str, slugs: &[String]) -> sqlx::Result<bool> {
    sqlx::query!(
        "insert into access_team (id, slug, name, origin)
         select gen_random_uuid(), s, s, $1 from unnest($2::text[]) s on conflict (origin, slug) do nothing",
        origin,
        slugs
    )
    .execute(&mut *conn)
    .await?;
    let gone = sqlx::query!(
        "delete from access_membership m using access_team t
         where m.team_id = t.id and m.user_id = $1 and t.origin = $2 and not t.slug = any($3)",
        user,
        origin,
        slugs
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let new = sqlx::query!(
        "insert into access_membership (user_id, team_id)
         select $1, t.id from access_team t where t.origin = $2 and t.slug = any($3) on conflict do nothing",
        user,
        origin,
        slugs
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query!("update access_user set teams_read_at = now() where id = $1", user).execute(&mut *conn).await?;
    if gone + new > 0 {
        tell(conn, user).await?;
    }
    Ok(gone + new > 0)
}

/// GitHub people whose teams are refreshed, by login.
pub async fn github_people(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!("select id, login from access_user where origin = 'github'").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|r| (r.id, r.login)).collect())
}

/// Notes that somebody signed in.
pub async fn note_sign_in(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update access_user set signed_in_at = now() where id = $1", user).execute(conn).await?;
    Ok(())
}

/// Tells all processes that a person's rights or sessions changed.
pub async fn tell(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('slipway_access', $1::text)", user.to_string()).fetch_one(conn).await?;
    Ok(())
}

/// A session's data, if it lives.
pub async fn session(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<(serde_json::Value, DateTime<Utc>)>> {
    let row = sqlx::query!("select data, expires_at from access_session where id = $1 and expires_at > now()", id)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|r| (r.data, r.expires_at)))
}

/// Makes a session; tells false if the id is taken.
pub async fn create_session(
    conn: &mut PgConnection,
    id: &str,
    data: &serde_json::Value,
    user: Option<Uuid>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into access_session (id, data, user_id, expires_at) values ($1, $2, $3, $4) on conflict (id) do nothing",
        id,
        data,
        user,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes a session's data. A session that was ended meanwhile stays ended.
pub async fn save_session(
    conn: &mut PgConnection,
    id: &str,
    data: &serde_json::Value,
    user: Option<Uuid>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update access_session set data = $2, user_id = $3, expires_at = $4 where id = $1",
        id,
        data,
        user,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one session.
pub async fn delete_session(conn: &mut PgConnection, id: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from access_session where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Ends all sessions of a person, everywhere; tells how many.
pub async fn delete_sessions(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from access_session where user_id = $1", user).execute(&mut *conn).await?;
    tell(conn, user).await?;
    Ok(done.rows_affected())
}

/// Clears sessions that have ended by themselves.
pub async fn delete_expired_sessions(conn: &mut PgConnection) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from access_session where expires_at < now()").execute(conn).await?.rows_affected())
}

/// Keeps a new token.
pub async fn create_token(
    conn: &mut PgConnection,
    id: Uuid,
    user: Uuid,
    name: &str,
    token: &super::token::NewToken,
    scopes: &[String],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into access_token (id, user_id, name, hash, hint, scopes, expires_at) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        user,
        name,
        token.hash,
        token.hint,
        scopes,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The owner and the scopes of a token that lives; notes its use, at most once a minute.
pub async fn use_token(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<(Uuid, Uuid, Vec<String>)>> {
    let row = sqlx::query!(
        "select id, user_id, scopes, last_used_at from access_token
         where hash = $1 and revoked_at is null and expires_at > now()",
        hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query!(
        "update access_token set last_used_at = now()
         where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')",
        row.id
    )
    .execute(conn)
    .await?;
    Ok(Some((row.id, row.user_id, row.scopes)))
}

/// Tokens of a person that live, newest first.
pub async fn tokens(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        "select id, name, hint, scopes, created_at, expires_at, last_used_at from access_token
         where user_id = $1 and revoked_at is null and expires_at > now() order by created_at desc limit 200",
        user
    )
    .fetch_all(conn)
    .await
}

/// Revokes a token of a person; tells whether there was one.
pub async fn revoke_token(conn: &mut PgConnection, user: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update access_token set revoked_at = now() where id = $1 and user_id = $2 and revoked_at is null",
        id,
        user
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The person of a login, for the command line.
pub async fn user_by_login(conn: &mut PgConnection, login: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from access_user where login = $1 order by origin desc limit 1", login)
        .fetch_optional(conn)
        .await
}
