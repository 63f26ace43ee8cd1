//! The rules that ship built in. Pure: a function of the input.
//! No rule speaks: require, never allow. Deny wins over require, require over allow.

use super::model::{Approvals, Input, Obligations, Output, Reason, Verdict};

/// Raised with every change of a rule; stored with every decision.
pub const VERSION: &str = "built-in/1";

/// Who decides where no rule names somebody.
const LAST_RESORT: &str = "platform";

/// One rule: `None` if it has nothing to say.
type Rule = fn(&Input) -> Option<Word>;

/// What a rule says.
struct Word {
    verdict: Verdict,
    text: String,
    approvals: Option<Approvals>,
}

/// All rules, in the order in which people read them.
const RULES: &[(&str, Rule)] = &[("scaffold-1", own_team), ("scaffold-2", other_team), ("scaffold-3", no_owner)];

/// Evaluates all rules.
pub fn evaluate(input: &Input) -> Output {
    let mut output = Output {
        decision: Verdict::Allow,
        obligations: Obligations::default(),
        reasons: Vec::new(),
        rule_ids: Vec::new(),
        policy_version: String::new(),
        inputs_hash: String::new(),
    };
    for (id, rule) in RULES {
        if let Some(word) = rule(input) {
            output.rule_ids.push((*id).to_owned());
            output.reasons.push(Reason { rule: (*id).to_owned(), decision: word.verdict, text: word.text });
            output.obligations.approvals.extend(word.approvals);
        }
    }
    output.decision = strongest(&output.reasons);
    if output.rule_ids.is_empty() {
        output.obligations.approvals.push(Approvals { any_of: vec![LAST_RESORT.to_owned()], count: 1 });
        output.reasons.push(Reason {
            rule: "none".to_owned(),
            decision: Verdict::Require,
            text: "No rule speaks of this, so the platform team decides.".to_owned(),
        });
    }
    if output.decision != Verdict::Require {
        output.obligations.approvals.clear();
    }
    output
}

fn strongest(reasons: &[Reason]) -> Verdict {
    let any = |verdict| reasons.iter().any(|r| r.decision == verdict);
    if any(Verdict::Deny) {
        Verdict::Deny
    } else if any(Verdict::Require) || reasons.is_empty() {
        Verdict::Require
    } else {
        Verdict::Allow
    }
}

fn scaffolds(input: &Input) -> bool {
    input.action_name() == "scaffolder.create"
}

/// Creating for a team of one's own starts at once.
fn own_team(input: &Input) -> Option<Word> {
    let team = input.resource.owner_team.as_ref()?;
    (scaffolds(input) && input.subject.teams.contains(team)).then(|| Word {
        verdict: Verdict::Allow,
        text: format!("Members of {team} create for {team} at once."),
        approvals: None,
    })
}

/// Creating for another team needs one of its people: they will answer for it at night.
fn other_team(input: &Input) -> Option<Word> {
    let team = input.resource.owner_team.as_ref()?;
    (scaffolds(input) && !input.subject.teams.contains(team)).then(|| Word {
        verdict: Verdict::Require,
        text: format!("It would belong to {team}, and the asker is not a member: somebody of {team} agrees first."),
        approvals: Some(Approvals { any_of: vec![team.clone()], count: 1 }),
    })
}

/// What belongs to nobody in particular is its maker's own affair.
fn no_owner(input: &Input) -> Option<Word> {
    (scaffolds(input) && input.resource.owner_team.is_none()).then(|| Word {
        verdict: Verdict::Allow,
        text: "It belongs to no team; whoever creates it answers for it.".to_owned(),
        approvals: None,
    })
}
