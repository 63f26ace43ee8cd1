//! Apps: their installations and their tokens.

use serde_json::json;

use super::super::access::Caller;
use super::super::reply::{Outcome, Reply, not_found, refuse};
use super::super::shapes;
use super::super::state::{Holder, Installation, Token, permissions_json};
use super::Ask;

/// Only the app itself, by its own token (REST, "Get an organization installation").
fn app(ask: &Ask<'_>) -> Result<u64, Reply> {
    match &ask.caller {
        Caller::App(id) => Ok(*id),
        _ => Err(refuse(401, "A JSON web token could not be decoded")),
    }
}

/// REST, "Get an organization installation for the authenticated app".
pub fn installation(ask: &mut Ask<'_>) -> Outcome {
    let (app, org) = (app(ask)?, ask.param("org"));
    let mine = |i: &&Installation| i.app_id == app && i.org.eq_ignore_ascii_case(&org);
    let found = ask.state.installations.values().find(mine).ok_or_else(not_found)?;
    let org = ask.state.orgs.get(&org.to_lowercase()).ok_or_else(not_found)?;
    let suspended = found.suspended.then_some("2026-01-01T00:00:00Z");
    Ok(Reply::json(
        200,
        &json!({
            "id": found.id, "app_id": app, "app_slug": "portal", "target_id": org.id, "target_type": "Organization",
            "account": shapes::account(&ask.base, &org.login, org.id, "Organization"),
            "repository_selection": "all", "single_file_name": null, "events": [],
            "permissions": permissions_json(&found.permissions),
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", ask.base.api, found.id),
            "repositories_url": format!("{}/installation/repositories", ask.base.api),
            "html_url": format!("{}/organizations/{}/settings/installations/{}", ask.base.web, org.login, found.id),
            "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z",
            "suspended_by": null, "suspended_at": suspended,
        }),
    ))
}

/// REST, "Create an installation access token for an app": good for an hour.
pub fn token(ask: &mut Ask<'_>) -> Outcome {
    let app = app(ask)?;
    let id = ask.param("installation_id").parse::<u64>().map_err(|_| not_found())?;
    let found = ask.state.installations.get(&id).filter(|i| i.app_id == app).cloned().ok_or_else(not_found)?;
    if found.suspended {
        return Err(refuse(403, "This installation has been suspended"));
    }
    let expires = chrono::Utc::now() + chrono::Duration::hours(1);
    let token = format!("ghs_{}", uuid::Uuid::new_v4().simple());
    ask.state.tokens.insert(token.clone(), Token { holder: Holder::Installation { id }, expires: Some(expires) });
    Ok(Reply::json(
        201,
        &json!({
            "token": token, "expires_at": shapes::time(expires), "repository_selection": "all",
            "permissions": permissions_json(&found.permissions),
        }),
    ))
}
