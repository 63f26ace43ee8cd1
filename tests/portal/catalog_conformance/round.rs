//! A catalog of one round in memory: every entity is processed once, and what became of it is told
//! in the form of the recordings. It stands in for storage and for the file server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use slipway::features::catalog::model::check::{self, Checked};
use slipway::features::catalog::model::descriptor;
use slipway::features::catalog::model::hosts::CodeHosts;
use slipway::features::catalog::model::location::{self, LocationRef, Place};
use slipway::features::catalog::model::placeholder::{self, Resolvers};
use slipway::features::catalog::model::rules::Rules;
use slipway::features::catalog::model::{ErrorBody, Refusal, Relation, annotate, relations, storable};

/// Where the recording's file server answered.
pub const FILE_SERVER: &str = "http://127.0.0.1:7072";

/// How the file server and the disk of the recording answered.
pub struct Disk {
    /// What `FILE_SERVER` serves.
    pub served: PathBuf,
}

impl Disk {
    /// The bytes at a place, or the error that Backstage's readers gave.
    fn read(&self, place: &LocationRef) -> Result<Vec<u8>, ErrorBody> {
        if place.kind == "file" {
            return std::fs::read(&place.target)
                .map_err(|_| ErrorBody::new("NotFoundError", format!("file {} does not exist", place.target)));
        }
        match self.fetch(&place.target) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.starts_with("NotFoundError") => Err(ErrorBody::new(
                "NotFoundError",
                format!("Unable to read url, no matching files found for {}", place.target),
            )),
            Err(error) => {
                let message = error.split_once(": ").map_or(error.as_str(), |(_, message)| message);
                Err(ErrorBody::new("Error", format!("Unable to read url, {message}")))
            }
        }
    }

    pub fn fetch(&self, address: &str) -> Result<Vec<u8>, String> {
        if let Some(path) = address.strip_prefix(FILE_SERVER) {
            return std::fs::read(self.served.join(path.trim_start_matches('/')))
                .map_err(|_| format!("NotFoundError: could not read {address}, 404 {{reason}}"));
        }
        if url::Url::parse(address).is_err() {
            return Err("TypeError: Invalid URL".to_owned());
        }
        if CodeHosts::default().kind_of(address).is_some() {
            return Err("{network error}".to_owned());
        }
        Err(format!(
            "NotAllowedError: Reading from '{address}' is not allowed. You may need to configure an integration for the target host, or add it to the configured list of allowed hosts at 'backend.reading.allow'"
        ))
    }
}

/// What became of one entity on its first round.
pub enum Fate {
    Visible(Value, Vec<Relation>),
    Hidden(Vec<ErrorBody>),
}

/// An accepted entity, its relations, and what its file targets hold.
pub type Judged = (Checked, Vec<Relation>, Vec<(Value, Place)>);

/// A catalog of one round: every entity is processed once, in the order in which it was found.
pub struct Round<'d> {
    disk: &'d Disk,
    rules: Rules,
    fates: BTreeMap<String, Fate>,
}

impl<'d> Round<'d> {
    pub fn new(disk: &'d Disk, rules: Rules) -> Self {
        Self { disk, rules, fates: BTreeMap::new() }
    }

    /// Registers a place and processes what is reached from it.
    pub fn run(&mut self, place: &LocationRef) {
        let entity = place.generated_entity();
        self.process(&entity, &Place::direct(place.clone()));
    }

    pub fn process(&mut self, admitted: &Value, place: &Place) {
        let reference = check::reference_of(admitted).canonical();
        match self.judge(admitted, place) {
            Ok((checked, relations, children)) => {
                let fate = match storable::check(&checked.entity, &relations) {
                    Ok(()) => Fate::Visible(checked.entity, relations),
                    Err(refusal) => Fate::Hidden(vec![refusal.error]),
                };
                self.fates.insert(reference, fate);
                for (child, place) in children {
                    // The first definition of a name stays, except within one file.
                    let known = check::reference_of(&child).canonical();
                    let is_taken = matches!(self.fates.get(&known), Some(Fate::Visible(entity, _))
                        if entity["metadata"]["annotations"][location::MANAGED_BY] != place.location.to_string());
                    if !is_taken {
                        self.process(&child, &place);
                    }
                }
            }
            Err(errors) => {
                self.fates.insert(reference, Fate::Hidden(errors));
            }
        }
    }

    fn judge(&self, admitted: &Value, place: &Place) -> Result<Judged, Vec<ErrorBody>> {
        let hosts = CodeHosts::default();
        let one = |refusal: Refusal| vec![refusal.error];
        let target = &place.location.target;
        let filled = placeholder::substitute(admitted, target, &hosts, &Resolvers::default(), |address| {
            self.disk.fetch(address)
        })
        .map_err(one)?;
        let checked = check::check(&filled, place, &hosts).map_err(one)?;
        let targets = location::targets(&checked.entity, &place.location, &hosts);
        let mut errors: Vec<ErrorBody> = targets.refused.into_iter().map(|refusal| refusal.error).collect();
        let mut children = Vec::new();
        for location in targets.places {
            match self.disk.read(&location) {
                Ok(bytes) => {
                    let inner = Place { location, origin: place.origin.clone() };
                    let file = descriptor::read(&bytes, &inner, &self.rules);
                    errors.extend(file.errors.into_iter().map(|error| error.error));
                    children.extend(file.entities.into_iter().map(|admitted| (admitted.entity, inner.clone())));
                }
                Err(error) if error.name == "NotFoundError" && targets.is_optional => {}
                Err(error) => errors.push(error),
            }
        }
        let relations = relations::relations(&checked.entity).map_err(|refusal| {
            errors.push(refusal.error);
            std::mem::take(&mut errors)
        })?;
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok((checked, relations, children))
    }

    /// The entities as they are shown, by name.
    pub fn shown(&self) -> BTreeMap<String, Value> {
        let all: BTreeSet<(String, &str, String)> = self
            .fates
            .values()
            .filter_map(|fate| if let Fate::Visible(_, relations) = fate { Some(relations) } else { None })
            .flatten()
            .map(Relation::key)
            .collect();
        let mut shown = BTreeMap::new();
        for (name, fate) in &self.fates {
            let Fate::Visible(entity, _) = fate else { continue };
            let mut entity = entity.clone();
            annotate::defuse(&mut entity);
            let own = all.iter().filter(|(from, _, _)| from == name);
            entity["relations"] = own.map(|(_, kind, to)| json!({ "type": kind, "targetRef": to })).collect();
            entity["metadata"]["uid"] = json!("{uid}");
            if entity["metadata"].get("etag").is_none() {
                entity["metadata"]["etag"] = json!("{etag}");
            }
            shown.insert(name.clone(), entity);
        }
        shown
    }

    pub fn hidden(&self) -> BTreeMap<String, Value> {
        let errors = |errors: &[ErrorBody]| errors.iter().map(ErrorBody::to_json).collect::<Value>();
        let hidden = self.fates.iter().filter_map(|(name, fate)| match fate {
            Fate::Hidden(list) => Some((name.clone(), errors(list))),
            Fate::Visible(..) => None,
        });
        hidden.collect()
    }
}
