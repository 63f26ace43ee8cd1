//! Every statement on `policy_decision`.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Decision, Input};

/// Stores a decision with all that it was made from.
pub async fn insert(
    conn: &mut PgConnection,
    decision: &Decision,
    input: &Input,
    duration_us: i64,
    preview: bool,
) -> sqlx::Result<()> {
    let output = serde_json::to_value(&decision.output).unwrap_or(Value::Null);
    sqlx::query!(
        "insert into policy_decision (id, action, input, input_hash, output, verdict, policy_version, rule_ids, duration_us, preview)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        decision.id,
        input.action_name(),
        input.to_json(),
        decision.output.inputs_hash,
        output,
        decision.output.decision.as_str(),
        decision.output.policy_version,
        &decision.output.rule_ids,
        duration_us,
        preview
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Input and output of a decision.
pub async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(Value, Value)>> {
    let row = sqlx::query!("select input, output from policy_decision where id = $1", id).fetch_optional(conn).await?;
    Ok(row.map(|r| (r.input, r.output)))
}
