//! Keeps the drawing of `src/lib.rs`: who may use whom, what stands where, and what everything is
//! called. It reads the words of every source file and runs nothing of the product. Each failure
//! names the place, the rule and the usual cure. There is no list of exceptions: who needs one stands
//! on the wrong floor.
//!
//! `syn` takes the files apart. Its tree of syntax is not used, since it ends where a macro begins, and
//! half of what is looked at stands in macros: statements of SQL, tables of panels, branches of
//! `select!`. What is read here is the row of tokens, each with its line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::buffer::Cursor;
use syn::parse::{ParseStream, Parser as _};

/// The floors. An arrow goes down.
const FLOORS: &[(u8, &str)] = &[
    (6, "main"),
    (5, "boot router worker panels example telemetry"),
    (4, "features"),
    (3, "engine"),
    (2, "ports"),
    (1, "kernel"),
];
/// On the fifth floor stand the tables and those who lay them out: who may use whom.
const TABLES: &[(&str, &str)] = &[("boot", "router worker panels example telemetry"), ("router", "panels worker")];
/// The rows of features. An arrow goes to a lower row, never to a neighbour.
const ROWS: &[(u8, &str)] = &[
    (4, "home admin webhooks"),
    (3, "scorecards"),
    (2, "scaffolder environments databases secrets costs monitoring"),
    (1, "login catalog requests audit git"),
];
/// The floor plan of a feature. Those of one rank may work together, nobody climbs.
const PLAN: &[(u8, &str)] = &[
    (6, "pages api serve docs"),
    (5, "jobs panel"),
    (4, "runs actions ingest plan fetch outside cache"),
    (2, "store write places"),
    (1, "error"),
    (0, "model"),
];
/// The engine: each may use all after it.
const ENGINE: &str = "web requests runs jobs policy audit app access seal kept bus config db";

/// Where the web stands.
const EDGE: &str = "engine::web features::*::pages features::*::api features::*::serve features::*::docs router boot";
/// Where pages are made of templates. A known deviation is `form::view`, the only one in a model: a form's
/// fields nest, and askama can nest only a type that is a template itself.
const SCREENS: &str =
    "engine::web features::*::pages features::*::docs features::*::panel features::scaffolder::model::form::view";
/// Where statements stand.
const STORES: &str = "engine::*::store features::*::store features::*::write";
/// Foreign crates, or one name of theirs, and the modules that may know them.
const FENCES: &[(&str, &str)] = &[
    ("axum", EDGE),
    ("axum_extra", EDGE),
    ("utoipa_axum", EDGE),
    ("tower", EDGE),
    ("tower_http", EDGE),
    ("tower_governor", EDGE),
    ("tower_sessions::Session", EDGE),
    ("askama", SCREENS),
    ("octocrab", "ports::code_host::github"),
    ("minijinja", "features::scaffolder::model::expression"),
    ("minijinja_contrib", "features::scaffolder::model::expression"),
    ("sqlx::QueryBuilder", STORES),
];
/// Statements that are not checked against the schema: of the queue, whose schema is not ours, and one of runs.
const UNCHECKED: &str = "engine::jobs engine::runs::store";
/// Whose tables any feature may read in a join.
const READABLE: &str = "catalog access runs";
/// Traits whose implementors stand in a table: trait, file, and the word before the implementor.
const REGISTERED: &[(&str, &str, &str)] = &[
    ("Job", "worker", "job"),
    ("Panel", "panels", "new"),
    ("RunKind", "worker", "run"),
    ("EffectKind", "worker", "effect"),
    ("RunObserver", "worker", "observer"),
    ("RequestKind", "worker", "with"),
];
/// What may stand between `pub` and the name of an item.
const ITEMS: &str = "const async unsafe extern fn struct enum union trait static mut type";
/// Rooms that everybody would fill with everything.
const NO_ROOMS: &str = "utils util helpers helper common core shared manager misc";

#[test]
fn everything_stands_on_the_drawing() {
    let unknown = sources().iter().filter(|s| match s.module().as_slice() {
        [] => false,
        ["features", feature, rest @ ..] => {
            rank(ROWS, feature).is_none() || rest.first().is_some_and(|m| rank(PLAN, m).is_none())
        }
        ["engine", module, ..] => place_in_engine(module).is_none(),
        [floor, ..] => rank(FLOORS, floor).is_none(),
    });
    let rule = "every floor, feature, part of a feature and module of the engine has its place";
    keep(rule, "put it where it belongs, or draw it: here and in src/lib.rs", unknown.map(|s| s.file.clone()));
}

#[test]
fn an_arrow_never_climbs_and_never_goes_sideways() {
    let wrong = arrows(|from, to| match (from, to) {
        (["features", from, ..], ["features", to, ..]) => from != to && rank(ROWS, to) >= rank(ROWS, from),
        ([from, ..], [to, ..]) => {
            let is_laid_out = TABLES.iter().any(|(name, may)| name == from && has(may, to));
            from != to && rank(FLOORS, to) >= rank(FLOORS, from) && !is_laid_out
        }
        _ => false,
    });
    let rule = "main ▸ boot ▸ router, worker, panels ▸ features ▸ engine ▸ ports ▸ kernel; features by their rows";
    let cure = "move what both need to a lower floor, or meet through a job, or through a table at the top";
    keep(rule, cure, wrong);
}

#[test]
fn inside_a_feature_arrows_point_down() {
    let wrong = arrows(|from, to| match (from, to) {
        (["features", a, from, ..], ["features", b, to, ..]) => a == b && rank(PLAN, to) > rank(PLAN, from),
        _ => false,
    });
    let rule = "pages ▸ jobs, panel ▸ actions, runs ▸ store ▸ error ▸ model";
    let cure = "give it what it needs as an argument, or move the shared type down";
    keep(rule, cure, wrong);
}

#[test]
fn a_module_of_the_engine_uses_only_those_after_it() {
    let wrong = arrows(|from, to| match (from, to) {
        (["engine", from, ..], ["engine", to, ..]) => {
            place_in_engine(to).is_some_and(|p| Some(p) < place_in_engine(from))
        }
        _ => false,
    });
    let cure = "move the shared type to the later of the two; what answers HTTP belongs to web";
    keep(&ENGINE.replace(' ', " ▸ "), cure, wrong);
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for (name, places) in FENCES {
        let behind = |p: &Named| format!("{}::", p.names.join("::")).starts_with(&format!("{name}::"));
        let climbed = all_names().filter(|(s, p)| behind(p) && !s.in_any(places));
        wrong.extend(climbed.map(|(s, p)| s.at(p.line, &format!("{}; it may stand in {places}", p.names.join("::")))));
    }
    let cure = "let the module behind the fence hand out a type of ours";
    keep("a foreign crate is known to few, so that it can be changed for another", cure, wrong);
}

#[test]
fn statements_of_sql_stand_in_stores() {
    let is_statement = |n: &str| n.starts_with("query") || n == "raw_sql";
    let wrong = all_names().filter(|(s, p)| match p.names.as_slice() {
        [first, name, ..] if first == "sqlx" && is_statement(name) => {
            !s.in_any(if p.is_macro { STORES } else { UNCHECKED })
        }
        _ => false,
    });
    let rule = "checked statements in store.rs or write.rs; unchecked ones only where the queue is asked";
    let cure = "write it with sqlx::query! in the store, and call that function";
    keep(rule, cure, wrong.map(|(s, p)| s.at(p.line, &p.names.join("::"))));
}

#[test]
fn a_store_writes_only_tables_of_its_own() {
    let tables = tables();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.in_any(STORES)) {
        let own = format!("{}_", source.module()[1]);
        for (line, text) in source.tokens.iter().filter(|t| t.kind == Sort::Text).map(|t| (t.line, &t.text)) {
            let words = words_of_sql(text);
            for (i, word) in words.iter().enumerate() {
                let before = |n: usize| i.checked_sub(n).map_or("", |at| words[at].as_str());
                let written = match before(1) {
                    "into" => before(2) == "insert",
                    "from" => before(2) == "delete",
                    "update" => !["do", "for", "key"].contains(&before(2)) && word != "set",
                    _ => false,
                };
                let read = tables.contains(word) && !may_read(&source.module(), word);
                if !word.starts_with(&own) && (written || read) {
                    wrong.push(source.at(line, &format!("{} {word}", if written { "writes" } else { "reads" })));
                }
            }
        }
    }
    let rule = "a folder writes the tables of its prefix; a feature may read catalog_, access_ and runs_ in a join, \
                a module of the engine those of the modules after it";
    keep(rule, "call the owner's function, in the same transaction", wrong);
}

#[test]
fn every_job_panel_and_kind_stands_in_its_table() {
    let mut wrong = Vec::new();
    for (kind, file, word) in REGISTERED {
        let listed =
            sources().iter().filter(|s| s.module() == [*file]).flat_map(|s| s.listed(word)).collect::<Vec<_>>();
        for source in sources() {
            let implementors =
                (2..source.tokens.len()).filter(|&at| source.word(at - 2) == *kind && source.word(at - 1) == "for");
            for path in implementors.filter_map(|at| source.name(at)) {
                let name = path.names.last().cloned().unwrap_or_default();
                let same = |p: &Vec<String>| p.iter().skip(1).zip(&source.module).take(2).all(|(a, b)| a == b);
                if !listed.iter().any(|p| p.contains(&name) && same(p)) {
                    wrong.push(source.at(path.line, &format!("{kind} {name} is not in src/{file}.rs")));
                }
            }
        }
    }
    keep("what is not in the table is never run or shown", "add one line to the table", wrong);
}

#[test]
fn every_file_says_first_what_it_owns() {
    let silent = sources()
        .iter()
        .filter(|s| !s.tokens.first().is_some_and(|t| t.text.starts_with("//!")))
        .map(|s| s.at(1, "no //!"));
    keep("a file opens with //!", "say in a sentence what it owns, and what it leaves to others", silent);
}

#[test]
fn no_room_is_called_after_its_disorder() {
    let named = sources().iter().filter(|s| s.module().iter().any(|m| has(NO_ROOMS, m))).map(|s| s.file.clone());
    keep(&format!("no module is called {NO_ROOMS}"), "name the one idea; two ideas are two modules", named);
}

#[test]
fn nothing_is_silenced_or_left_for_later() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, token) in source.tokens.iter().enumerate().skip(1) {
            let silenced = token.text == "allow" && source.word(at - 1) == "[" && source.word(at + 1) == "(";
            if silenced || (source.word(at + 1) == "!" && has("todo unimplemented dbg", &token.text)) {
                wrong.push(source.at(token.line, &token.text));
            }
        }
    }
    keep("no #[allow], todo!, unimplemented! or dbg!", "mend it, or #[expect(…, reason = \"…\")]", wrong);
}

#[test]
fn everything_public_says_what_it_is() {
    let silent = sources().iter().flat_map(|s| s.silent().into_iter());
    keep("every pub fn, struct, enum, trait, type, const and static has ///", "say what its name does not", silent);
}

#[test]
fn a_migration_is_named_after_its_feature_and_lets_the_released_portal_run() {
    let released = fs::read_to_string(root().join("tests/data/migrations/released.txt")).unwrap_or_default();
    let released: Vec<&str> = released.split_whitespace().collect();
    let mut wrong: Vec<String> = Vec::new();
    let all = migrations();
    for name in released.iter().filter(|r| all.iter().all(|(name, _)| name != *r)) {
        wrong.push(format!("migrations/{name}: was released and is gone"));
    }
    for (name, text) in &all {
        let parts: Vec<&str> = name.strip_suffix(".sql").unwrap_or_default().split('_').collect();
        let is_word = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let is_date = parts[0].len() == 14 && parts[0].chars().all(|c| c.is_ascii_digit());
        let known = parts.get(1).is_some_and(|p| rank(ROWS, p).is_some() || place_in_engine(p).is_some());
        if parts.len() < 4 || !is_date || !known || !parts[1..].iter().all(is_word) {
            wrong.push(format!("migrations/{name}: not <14 digits>_<feature>_<verb>_<noun>.sql"));
        }
        if !released.is_empty() && !released.contains(&name.as_str()) {
            wrong.extend(stops_the_old_portal(text).into_iter().map(|s| format!("migrations/{name}: {s}")));
        }
    }
    let rule = "while a new portal starts, the old one still writes: no NOT NULL without DEFAULT";
    keep(rule, "add the column with a default, or without NOT NULL and fill it; tighten it in a later release", wrong);
}

/// Fails with all that breaks a rule, the rule, and the usual cure.
fn keep(rule: &str, cure: &str, broken: impl IntoIterator<Item = String>) {
    let broken: BTreeSet<String> = broken.into_iter().collect();
    let list = broken.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
    assert!(broken.is_empty(), "{} against the drawing:\n  {list}\n  rule: {rule}\n  cure: {cure}\n", broken.len());
}

fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|w| w == word)
}

fn rank(table: &[(u8, &str)], name: &str) -> Option<u8> {
    table.iter().find(|(_, names)| has(names, name)).map(|(rank, _)| *rank)
}

fn place_in_engine(name: &str) -> Option<usize> {
    ENGINE.split(' ').position(|n| n == name)
}

/// Whether a store may read a table of another's.
fn may_read(module: &[&str], table: &str) -> bool {
    let owner = table.split('_').next().unwrap_or_default();
    if module[0] == "engine" { place_in_engine(module[1]) < place_in_engine(owner) } else { has(READABLE, owner) }
}

/// The words of a statement, in lower case.
fn words_of_sql(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    split.filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// Statements of a migration after which an older portal cannot write any more.
fn stops_the_old_portal(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter_map(|l| l.split("--").next()).flat_map(str::split_whitespace).collect();
    let code = code.join(" ").to_lowercase();
    let mut wrong = Vec::new();
    for statement in code.split(';').filter(|s| s.contains("alter table ")) {
        let filled = |c: &str| c.starts_with("constraint ") || c.contains(" default ") || c.contains(" generated ");
        let added = statement.split(" add ").skip(1).any(|c| c.contains(" not null") && !filled(c));
        if added || (statement.contains(" set not null") && !code.contains(" set default ")) {
            wrong.push(statement.trim().to_owned());
        }
    }
    wrong
}

/// Every table that a migration makes.
fn tables() -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for (_, text) in migrations() {
        let words = words_of_sql(&text.replace("if not exists", ""));
        tables.extend(words.windows(3).filter(|w| w[0] == "create" && w[1] == "table").map(|w| w[2].clone()));
    }
    tables
}

/// Names and texts of all migrations.
fn migrations() -> Vec<(String, String)> {
    files("migrations", "sql")
        .map(|p| (p.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(&p)))
        .collect()
}

fn root() -> PathBuf {
    std::env::var_os("SLIPWAY_ROOT").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn files(folder: &str, extension: &'static str) -> impl Iterator<Item = PathBuf> {
    let all = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name().into_iter().flatten();
    all.map(walkdir::DirEntry::into_path).filter(move |p| p.extension().is_some_and(|e| e == extension))
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path);
    assert!(text.is_ok(), "{} cannot be read: {text:?}", path.display());
    text.unwrap_or_default()
}

/// Every file under `src`, read once.
fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let all: Vec<Source> = files("src", "rs").map(|path| Source::read(&path)).collect();
        assert!(all.iter().any(|s| s.module() == ["engine", "web"]), "{} is not Slipway", root().display());
        all
    })
}

/// Every path, of ours and of others.
fn all_names() -> impl Iterator<Item = (&'static Source, &'static Named)> {
    sources().iter().flat_map(|s| s.names.iter().map(move |p| (s, p)))
}

/// The uses of something of ours, from module to module, that a rule finds wrong.
fn arrows(wrong: impl Fn(&[&str], &[&str]) -> bool) -> Vec<String> {
    let ours = all_names().filter(|(_, p)| p.names[0] == "crate");
    let found = ours.filter(|(s, p)| {
        let to: Vec<&str> = p.names[1..].iter().map(String::as_str).collect();
        wrong(&s.module(), &to)
    });
    found.map(|(s, p)| s.at(p.line, &format!("{} -> {}", s.module.join("::"), p.names[1..].join("::")))).collect()
}

/// A path in the code; one to something of ours in full, from `crate` on.
struct Named {
    line: usize,
    names: Vec<String>,
    /// The name under which a `use` makes it known.
    known_as: Option<String>,
    /// A `!` follows.
    is_macro: bool,
}

#[derive(PartialEq)]
enum Sort {
    Word,
    Mark,
    Text,
    Doc,
}

struct Token {
    kind: Sort,
    text: String,
    line: usize,
}

/// A file, taken apart.
struct Source {
    file: String,
    module: Vec<String>,
    tokens: Vec<Token>,
    names: Vec<Named>,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = read(path);
        let file = path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned();
        let trail = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("mod");
        let module = trail.split('/').filter(|m| !m.is_empty() && *m != "lib").map(str::to_owned).collect();
        let mut reader = Reader { rest: &text, line: 1, tokens: Vec::new() };
        let parsed = (|input: ParseStream| input.step(|cursor| Ok(((), reader.read(*cursor))))).parse_str(&text);
        assert!(parsed.is_ok(), "{file} is not Rust: {parsed:?}");
        let mut source = Self { file, module, tokens: reader.tokens, names: Vec::new() };
        source.names = source.find_names();
        source
    }

    fn module(&self) -> Vec<&str> {
        self.module.iter().map(String::as_str).collect()
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}  {what}", self.file)
    }

    /// Whether it is one of the modules, or stands in one; `*` is any name.
    fn in_any(&self, places: &str) -> bool {
        places.split(' ').any(|place| {
            let place: Vec<&str> = place.split("::").collect();
            self.module.len() >= place.len() && place.iter().zip(&self.module).all(|(p, m)| *p == "*" || p == m)
        })
    }

    /// The token at a place, as a word or mark.
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).filter(|t| matches!(t.kind, Sort::Word | Sort::Mark)).map_or("", |t| &t.text)
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Sort::Word)
    }

    fn colons(&self, at: usize) -> bool {
        self.word(at) == ":" && self.word(at + 1) == ":"
    }

    /// The path that begins at a token, as it is written.
    fn name(&self, mut at: usize) -> Option<Named> {
        let first = self.tokens.get(at).filter(|t| t.kind == Sort::Word)?;
        let mut names = vec![first.text.clone()];
        while self.colons(at + 1) && self.is_name(at + 3) {
            at += 3;
            names.push(self.tokens[at].text.clone());
        }
        Some(Named { line: first.line, names, known_as: None, is_macro: self.word(at + 1) == "!" })
    }

    /// A path in full, if it leads to something of ours.
    fn full(&self, names: Vec<String>) -> Vec<String> {
        let ups = names.iter().take_while(|n| *n == "super").count();
        let above = match names[0].as_str() {
            "slipway" if self.module == ["main"] => &[],
            "self" => self.module.as_slice(),
            "super" => &self.module[..self.module.len().saturating_sub(ups)],
            _ => return names,
        };
        ["crate".to_owned()].iter().chain(above).chain(&names[ups.max(1)..]).cloned().collect()
    }

    fn find_names(&self) -> Vec<Named> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < self.tokens.len() {
            if self.word(at) == "use" && self.word(at + 1) != "<" {
                at = self.find_used(at + 1, &[], &mut found);
            } else if let Some(name) = self.colons(at + 1).then(|| self.name(at)).flatten() {
                at += 3 * name.names.len() - 2;
                found.push(Named { names: self.full(name.names), ..name });
            } else {
                at += 1;
            }
        }
        found
    }

    /// Reads one branch of a `use`, which ends at a token that is given back.
    fn find_used(&self, mut at: usize, before: &[String], found: &mut Vec<Named>) -> usize {
        let mut names = before.to_vec();
        let line = self.tokens[at].line;
        while self.colons(at) || (self.is_name(at) && self.word(at) != "as") {
            if self.is_name(at) {
                names.push(self.word(at).to_owned());
            }
            at += if self.is_name(at) { 1 } else { 2 };
        }
        if self.word(at) == "{" {
            while self.word(at) != "}" {
                at = self.find_used(at + 1, &names, found);
            }
            return at + 1;
        }
        let is_alias = self.word(at) == "as";
        let is_all = self.word(at) == "*";
        if is_all || names.len() > before.len() {
            if names.len() > 1 {
                names.pop_if(|n| n == "self");
            }
            let known_as = if is_alias { Some(self.word(at + 1).to_owned()) } else { names.last().cloned() };
            found.push(Named { line, names: self.full(names), known_as, is_macro: false });
        }
        at + usize::from(is_all) + 2 * usize::from(is_alias)
    }

    /// The full paths of all that stand after a word: `.word::<Name>()`, `.word(Name)`.
    fn listed(&self, word: &str) -> Vec<Vec<String>> {
        let starts = (0..self.tokens.len()).filter(|&at| self.word(at) == word);
        let names = starts.filter_map(|at| self.name(if self.colons(at + 1) { at + 4 } else { at + 2 }));
        let full = |mut names: Vec<String>| {
            if let Some(used) = self.names.iter().find(|u| u.known_as.as_ref() == names.first()) {
                names.splice(..1, used.names.iter().cloned());
            }
            self.full(names)
        };
        names.map(|n| full(n.names)).collect()
    }

    /// Every public item without a word about it; fields are left out.
    fn silent(&self) -> Vec<String> {
        let mut silent = Vec::new();
        for at in (0..self.tokens.len()).filter(|&at| self.word(at) == "pub" && self.word(at + 1) != "(") {
            let name = (at + 1..self.tokens.len()).find(|&n| !has(ITEMS, self.word(n))).unwrap_or(at);
            // What follows `pub` at once is a field, a `use` or a `mod`; without a name it is of a macro.
            if name > at + 1 && self.is_name(name) && !self.has_doc(at) {
                silent.push(self.at(self.tokens[at].line, self.word(name)));
            }
        }
        silent
    }

    /// Whether a doc comment stands before, perhaps with attributes between.
    fn has_doc(&self, mut at: usize) -> bool {
        while at > 0 && self.word(at - 1) == "]" {
            let open = (0..at).rev().find(|&o| self.word(o) == "[" && o > 0 && self.word(o - 1) == "#");
            let Some(open) = open else { return false };
            at = open - 1;
        }
        at > 0 && self.tokens[at - 1].kind == Sort::Doc
    }
}

/// Walks along the tokens and the text at once: the tokens know where a word ends, the text its line.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn read<'c>(&mut self, mut at: Cursor<'c>) -> Cursor<'c> {
        while !at.eof() {
            self.skip_blank();
            if self.rest.starts_with("//") {
                // A doc comment: among the tokens it is `#[doc = "…"]` or `#![doc = "…"]`.
                self.take(Sort::Doc, self.rest.find('\n').unwrap_or(self.rest.len()));
                while let Some((_, next)) = at.punct() {
                    at = next;
                }
                at = at.any_group().map_or(at, |(_, _, _, next)| next);
            } else if let Some((within, _, _, next)) = at.any_group() {
                self.take(Sort::Mark, 1);
                self.read(within);
                self.skip_blank();
                self.take(Sort::Mark, 1);
                at = next;
            } else {
                let word = at.ident().map(|(t, next)| (Sort::Word, t.to_string(), next));
                let mark = || at.punct().map(|(t, next)| (Sort::Mark, t.as_char().to_string(), next));
                let lifetime = || at.lifetime().map(|(t, next)| (Sort::Mark, t.to_string(), next));
                let literal = || at.literal().map(|(t, next)| (Sort::Text, t.to_string(), next));
                let Some((kind, text, next)) = word.or_else(mark).or_else(lifetime).or_else(literal) else { break };
                assert!(self.rest.starts_with(&text), "line {}: {text} or {:.20}?", self.line, self.rest);
                self.take(kind, text.len());
                at = next;
            }
        }
        at
    }

    fn take(&mut self, kind: Sort, length: usize) {
        self.tokens.push(Token { kind, text: self.rest[..length].to_owned(), line: self.line });
        self.pass(length);
    }

    fn pass(&mut self, length: usize) {
        self.line += self.rest[..length].matches('\n').count();
        self.rest = &self.rest[length..];
    }

    /// Passes white space and comments that document nothing.
    fn skip_blank(&mut self) {
        loop {
            let is_doc =
                self.rest.starts_with("//!") || (self.rest.starts_with("///") && !self.rest.starts_with("////"));
            let length = match self.rest.get(..2) {
                Some("//") if !is_doc => self.rest.find('\n').unwrap_or(self.rest.len()),
                Some("/*") => self.rest.find("*/").map_or(self.rest.len(), |end| end + 2),
                _ => self.rest.len() - self.rest.trim_start().len(),
            };
            if length == 0 {
                return;
            }
            self.pass(length);
        }
    }
}
