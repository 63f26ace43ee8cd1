//! Plays the recorded answers of a running Backstage catalog against the pure model: single
//! entities, byte-exact YAML files, the first stage of the small world, dry runs of locations and,
//! where they are present, real descriptor files. It owns the comparison; what needs storage or
//! the interface is played elsewhere.
//!
//! `CONFORMANCE_DIR` names the folder with `catalog` in it; without it the project's copy is used.
//! What we answer differently on purpose stands in `tests/data/conformance-differences.json`.

#[path = "catalog_conformance/round.rs"]
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use slipway::features::catalog::model::hosts::CodeHosts;
use slipway::features::catalog::model::location::{LocationRef, Place};
use slipway::features::catalog::model::placeholder::Resolvers;
use slipway::features::catalog::model::rules::{Rule, Rules};
use slipway::features::catalog::model::{check, descriptor, validate, yaml};

use round::{Disk, FILE_SERVER, Round};

const ALL_KINDS: [&str; 9] =
    ["API", "Component", "Resource", "Group", "Location", "User", "System", "Domain", "Template"];

fn all_kinds() -> Rules {
    Rules { rules: vec![Rule::everywhere(ALL_KINDS)] }
}

fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance");
    std::env::var_os("CONFORMANCE_DIR").map_or_else(own, PathBuf::from).join("catalog")
}

fn load(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("the conformance file is JSON")
}

/// Counts what agrees, prints what does not, and knows the differences on purpose.
struct Score {
    part: &'static str,
    passed: usize,
    total: usize,
    listed: BTreeMap<String, String>,
}

impl Score {
    fn new(part: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance-differences.json");
        let list = if path.exists() { load(&path) } else { json!([]) };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let listed =
            list.as_array().into_iter().flatten().map(|item| (text(&item["id"]), text(&item["reason"]))).collect();
        Self { part, passed: 0, total: 0, listed }
    }

    fn compare(&mut self, id: &str, expected: &Value, actual: &Value) {
        self.total += 1;
        let agrees = expected == actual;
        let reason = self.listed.get(id).filter(|reason| !reason.is_empty());
        if agrees || reason.is_some() {
            self.passed += 1;
        }
        match reason {
            Some(reason) if !agrees => println!("{}: {id} differs on purpose: {reason}", self.part),
            None if !agrees => {
                println!("{}: {id} FAILS\n  expected {expected}\n  actual   {actual}", self.part);
            }
            _ => {}
        }
    }

    fn close(&self) -> (usize, usize) {
        println!("{}: {}/{}", self.part, self.passed, self.total);
        (self.passed, self.total)
    }
}

/// A value with texts replaced everywhere, as the recording normalises paths.
fn normalised(value: &Value, texts: &[(String, &str)]) -> Value {
    let mut text = value.to_string();
    for (from, to) in texts {
        text = text.replace(from.as_str(), to);
    }
    serde_json::from_str(&text).expect("still JSON")
}

fn entity_answer(entity: &Value, disk: &Disk) -> Value {
    let location = "url:https://github.com/acme/repo/blob/main/catalog-info.yaml";
    let result = validate::validate(entity, location, &CodeHosts::default(), &Resolvers::default(), |address| {
        disk.fetch(address)
    });
    match result {
        Ok(_) => json!({ "status": 200, "verdict": "valid" }),
        Err(invalid) => {
            let body = invalid.to_json();
            let mut answer = json!({ "status": 400, "verdict": "invalid" });
            match body.get("errors") {
                Some(errors) => answer["errors"] = errors.clone(),
                None => answer["response"] = body,
            }
            answer
        }
    }
}

#[test]
fn single_entities() {
    let cases = load(&folder().join("entities/cases.json"));
    let disk = Disk { served: folder().join("none") };
    let mut score = Score::new("entities");
    for case in cases.as_array().expect("a list") {
        let mut expected = case["expect"].clone();
        let document = case["document"].as_str().unwrap_or_default();
        let read: Vec<Value> = yaml::read_stream(document.as_bytes(), &yaml::Limits::default())
            .documents()
            .map(|d| d.value.clone())
            .collect();
        let mut actual = entity_answer(&case["entity"], &disk);
        actual["read"] = read.into();
        expected["read"] = json!([case["entity"]]);
        let fields = expected.as_object_mut().expect("an object");
        fields.shift_remove("why");
        let is_ingested = fields.contains_key("stored") || fields.contains_key("neverVisible");
        if is_ingested {
            ingest_entity(document, &expected, &mut actual);
        }
        score.compare(case["id"].as_str().unwrap_or_default(), &expected, &actual);
    }
    let (passed, total) = score.close();
    assert!(passed * 100 >= total * 90, "entities: {passed}/{total}");
}

/// The document again, from a file of its own.
fn ingest_entity(document: &str, expected: &Value, actual: &mut Value) {
    let place = Place::direct(LocationRef::new("file", "{FILE}"));
    let disk = Disk { served: PathBuf::new() };
    let rules = all_kinds();
    let file = descriptor::read(document.as_bytes(), &place, &rules);
    let mut round = Round::new(&disk, rules);
    for admitted in &file.entities {
        round.process(&admitted.entity, &place);
        actual["ref"] = json!(check::reference_of(&admitted.entity).canonical());
    }
    match round.shown().into_values().next() {
        Some(entity) => actual["stored"] = entity,
        None => actual["neverVisible"] = json!(true),
    }
    if expected.get("locationErrors").is_some() {
        actual["locationErrors"] = file.errors.iter().map(|error| error.error.to_json()).collect();
    }
}

#[test]
fn yaml_files() {
    let cases = load(&folder().join("yaml/cases.json"));
    let disk = Disk { served: PathBuf::new() };
    let mut score = Score::new("yaml");
    for case in cases.as_array().expect("a list") {
        let path = folder().join("yaml").join(case["file"].as_str().unwrap_or_default());
        let path = path.display().to_string();
        let place = LocationRef::new("file", path.clone());
        let mut round = Round::new(&disk, Rules { rules: vec![Rule::everywhere(ALL_KINDS)] });
        round.run(&place);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let actual = file_outcome(&round, &place, true);
        let actual = normalised(&actual, &[(path, "{FILE}"), (parent, "{DIR}")]);
        score.compare(case["id"].as_str().unwrap_or_default(), &case["expect"], &actual);
    }
    let (passed, total) = score.close();
    assert!(passed * 100 >= total * 90, "yaml: {passed}/{total}");
}

/// The outcome of one file in the form of the recording.
fn file_outcome(round: &Round<'_>, place: &LocationRef, with_entities: bool) -> Value {
    let root = check::reference_of(&place.generated_entity()).canonical();
    let (mut shown, mut hidden) = (round.shown(), round.hidden());
    let is_visible = shown.remove(&root).is_some();
    let errors = hidden.remove(&root).unwrap_or_else(|| json!([]));
    let mut outcome = json!({
        "visible": shown.keys().collect::<Vec<_>>(),
        "notVisible": hidden.iter().map(|(name, errors)| json!({ "ref": name, "errors": errors })).collect::<Vec<_>>(),
        "locationVisible": is_visible,
        "locationErrors": errors,
    });
    if with_entities {
        outcome["entities"] = shown.into_values().collect();
    }
    outcome
}

#[test]
fn small_world() {
    let graph = load(&folder().join("world/graph.json"));
    let files = folder().join("world/files").display().to_string();
    let disk = Disk { served: PathBuf::new() };
    let place = LocationRef::new("file", format!("{files}/all.yaml"));
    let mut round = Round::new(&disk, all_kinds());
    round.run(&place);
    let names = [(place.generated_name(), "{generated:file:{WORLD}/all.yaml}"), (files, "{WORLD}")];
    let mut score = Score::new("world");
    let expected = &graph["stages"][0]["expect"];
    let shown = normalised(&json!(round.shown()), &names);
    let wanted: BTreeSet<&String> = expected["entities"].as_object().into_iter().flat_map(|map| map.keys()).collect();
    let found: BTreeSet<&String> = shown.as_object().into_iter().flat_map(|map| map.keys()).collect();
    for name in wanted.union(&found) {
        score.compare(name, &expected["entities"][name.as_str()], &shown[name.as_str()]);
    }
    score.compare("world-not-visible", &expected["notVisible"], &json!(round.hidden()));
    let (passed, total) = score.close();
    assert!(passed * 100 >= total * 90, "world: {passed}/{total}");
}

#[test]
fn dry_runs_of_locations() {
    let cases = load(&folder().join("locations/cases.json"));
    let disk = Disk { served: folder().join("locations/files") };
    let mut score = Score::new("dry runs");
    for case in cases.as_array().expect("a list") {
        let step = &case["steps"][0];
        let id = case["id"].as_str().unwrap_or_default();
        let path = step["path"].as_str().unwrap_or_default();
        let target = step["body"]["target"].as_str().unwrap_or_default().replace("{FILES}", FILE_SERVER);
        if !path.contains("dryRun")
            || step["body"]["type"] != "url"
            || target.is_empty()
            || id == "dryrun-duplicate-nested"
        {
            continue;
        }
        let place = LocationRef::new("url", target);
        let mut round = Round::new(&disk, Rules::default());
        round.run(&place);
        let name = [(place.generated_name(), format!("generated-{{sha1:{place}}}"))];
        let names = [(name[0].0.clone(), name[0].1.as_str()), (FILE_SERVER.to_owned(), "{FILES}")];
        let body = &step["expect"]["body"];
        let error = round.hidden().into_values().next();
        let (expected, actual) = match error {
            Some(errors) => {
                let first = &errors[0];
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    body["error"]["message"].clone(),
                    json!(format!("{}: {}", text(&first["name"]), text(&first["message"]))),
                )
            }
            None => (body["entities"].clone(), bare(round.shown())),
        };
        score.compare(id, &expected, &normalised(&actual, &names));
    }
    let (passed, total) = score.close();
    assert!(passed * 100 >= total * 90, "dry runs: {passed}/{total}");
}

/// Entities without what only storage adds, in the order of the recording.
fn bare(shown: BTreeMap<String, Value>) -> Value {
    let strip = |mut entity: Value| {
        entity.as_object_mut().expect("an object").shift_remove("relations");
        let metadata = entity["metadata"].as_object_mut().expect("an object");
        metadata.shift_remove("uid");
        metadata.shift_remove("etag");
        entity
    };
    let mut entities: Vec<Value> = shown.into_values().map(strip).collect();
    let generated =
        |entity: &Value| entity["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("generated-"));
    entities.sort_by_key(|entity| (entity["kind"].to_string(), !generated(entity)));
    entities.into()
}

#[test]
fn real_files() {
    let root = folder().join("real-world");
    if !root.exists() {
        println!("real files: absent (set CONFORMANCE_DIR to a folder that has them)");
        return;
    }
    let cases = load(&root.join("expected.json"));
    let files = root.join("files");
    let disk = Disk { served: files.clone() };
    let mut score = Score::new("real files");
    for case in cases.as_array().expect("a list") {
        let file = case["file"].as_str().unwrap_or_default();
        let roots = [("asFile", "file", files.display().to_string()), ("asUrl", "url", FILE_SERVER.to_owned())];
        for (side, kind, base) in roots {
            let Some(expected) = case.get(side) else { continue };
            let place = LocationRef::new(kind, format!("{base}/{file}"));
            let mut round = Round::new(&disk, all_kinds());
            round.run(&place);
            let actual = normalised(&file_outcome(&round, &place, false), &[(base, "{ROOT}")]);
            score.compare(&format!("{side} {file}"), expected, &actual);
        }
    }
    let (passed, total) = score.close();
    assert!(passed * 100 >= total * 90, "real files: {passed}/{total}");
}
