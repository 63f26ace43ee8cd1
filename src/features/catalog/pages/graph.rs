//! The drawing of an entity's relations: users on the left, what it depends on on the right, what
//! belongs to it above and below. The list beside it says the same.

use super::{icon, kind_words};

/// How many nodes a side holds; the list has all.
const SIDE: usize = 6;
const WIDTH: i32 = 188;
const HEIGHT: i32 = 44;
const STEP: i32 = 62;

/// A node of the drawing.
#[derive(Debug, Clone)]
pub struct Node {
    pub x: i32,
    pub y: i32,
    pub name: String,
    pub full: String,
    pub note: String,
    pub href: Option<String>,
}

/// A line with an arrow at its end.
#[derive(Debug, Clone)]
pub struct Edge {
    pub path: String,
    pub arrow: String,
}

/// The whole drawing.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub height: i32,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub own: Option<Node>,
    pub left: bool,
    pub right: bool,
    pub left_more: usize,
    pub right_more: usize,
}

/// What is drawn: name, kind, type and address of a related entity.
#[derive(Debug, Clone)]
pub struct Related {
    pub name: String,
    pub kind: String,
    pub kind_type: Option<String>,
    pub note: &'static str,
    pub href: Option<String>,
}

/// Draws an entity between those that use it and those that it uses, with what it provides in the middle.
pub fn draw(own: &Related, users: &[Related], uses: &[Related], beside: &[Related]) -> Graph {
    let rows = users.len().min(SIDE).max(uses.len().min(SIDE)).max(1 + beside.len().min(2)).max(1);
    let rows = i32::try_from(rows).unwrap_or(1);
    let height = 26 + rows * STEP;
    let middle = 26 + (rows * STEP - (STEP - HEIGHT) - HEIGHT) / 2;
    let mut graph = Graph {
        height,
        left: !users.is_empty(),
        right: !uses.is_empty(),
        left_more: users.len().saturating_sub(SIDE),
        right_more: uses.len().saturating_sub(SIDE),
        ..Graph::default()
    };
    let own_y = if beside.is_empty() { middle } else { (middle + STEP / 2).min(26 + (rows - 1) * STEP) };
    graph.own = Some(node(296, own_y, own));
    for (at, related) in users.iter().take(SIDE).enumerate() {
        let y = 26 + i32::try_from(at).unwrap_or(0) * STEP;
        graph.nodes.push(node(4, y, related));
        graph.edges.push(across((4 + WIDTH, y), (296, own_y)));
    }
    for (at, related) in uses.iter().take(SIDE).enumerate() {
        let y = 26 + i32::try_from(at).unwrap_or(0) * STEP;
        graph.nodes.push(node(588, y, related));
        graph.edges.push(across((296 + WIDTH, own_y), (588, y)));
    }
    for (at, related) in beside.iter().take(2).enumerate() {
        let up = at == 0;
        let y = if up { own_y - STEP } else { own_y + STEP };
        if y < 26 || y + HEIGHT > height {
            continue;
        }
        graph.nodes.push(node(296, y, related));
        graph.edges.push(upright(390, if up { own_y } else { own_y + HEIGHT }, if up { y + HEIGHT } else { y }));
    }
    graph
}

fn node(x: i32, y: i32, related: &Related) -> Node {
    let kind = match (related.kind.as_str(), &related.kind_type) {
        ("component" | "resource", Some(t)) => crate::engine::web::words::team(t),
        (kind, _) => kind_words(kind),
    };
    let note = if related.note.is_empty() { kind } else { format!("{kind}, {}", related.note) };
    debug_assert!(!icon(&related.kind, related.kind_type.as_deref()).is_empty());
    Node {
        x,
        y,
        name: cut(&related.name, 24),
        full: related.name.clone(),
        note: cut(&note, 28),
        href: related.href.clone(),
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

fn across(from: (i32, i32), to: (i32, i32)) -> Edge {
    let (x1, y1, x2, y2) = (from.0, from.1 + HEIGHT / 2, to.0 - 6, to.1 + HEIGHT / 2);
    let bend = i32::midpoint(x1, x2);
    Edge { path: format!("M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"), arrow: format!("M{} {y2}l-8-4v8z", to.0) }
}

fn upright(x: i32, from: i32, to: i32) -> Edge {
    let up = to < from;
    let (stop, arrow) =
        if up { (to + 6, format!("M{x} {to}l-4 8h8z")) } else { (to - 6, format!("M{x} {to}l-4-8h8z")) };
    Edge { path: format!("M{x} {from}V{stop}"), arrow }
}
