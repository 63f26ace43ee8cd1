//! Teams and their members.

use super::*;

#[tokio::test]
async fn teams_are_read_with_all_members_of_teams_below() {
    let bench = bench();
    bench.world.add_team("acme", "platform", &["bob"]);
    bench.world.add_child_team("acme", Some("platform"), "databases", &["ada"]);
    let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let expected = vec![("databases".to_owned(), strings(&["ada"])), ("platform".to_owned(), strings(&["ada", "bob"]))];
    assert_eq!(bench.github.team_members("acme").await, Ok(expected));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn many_teams_and_members_come_in_pages() {
    let bench = bench();
    let people: Vec<String> = (0..150).map(|i| format!("p{i:03}")).collect();
    for person in &people {
        bench.world.add_user(person);
        bench.world.add_member("acme", person, Role::Member);
    }
    let all: Vec<&str> = people.iter().map(String::as_str).collect();
    bench.world.add_team("acme", "everybody", &all);
    for i in 0..120 {
        bench.world.add_team("acme", &format!("team-{i:03}"), &[]);
    }
    let teams = bench.github.team_members("acme").await.expect("they are read");
    assert_eq!(teams.len(), 121);
    assert_eq!(teams[0], ("everybody".to_owned(), people));
    assert_eq!(bench.world.count("GET", "/orgs/acme/teams/everybody/members"), 2);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_token_that_may_not_see_teams_finds_none() {
    let bench = bench();
    bench.world.add_team("acme", "platform", &["bob"]);
    let github = adapter(&bench.world, &bench.world.token("ada", &["repo"]));
    let error = github.team_members("acme").await;
    assert!(matches!(error, Err(PortError::NotFound { .. })), "{error:?}");
}
