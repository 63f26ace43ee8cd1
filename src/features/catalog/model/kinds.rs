//! The shapes of the catalog's nine kinds, of the envelope around them and of what the catalog
//! itself adds. Facts of Backstage's JSON schemas (catalog-model 1.10, scaffolder-common 2.4) in a
//! notation of our own; it owns those facts and no behaviour.

use super::schema::{ANY, Others, Schema, Type};
use super::template_shape::TEMPLATE;

/// The API versions under which the core kinds are known.
const CORE_VERSIONS: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];

/// A kind with the versions that we know of it.
#[derive(Debug)]
pub(super) struct KindSchema {
    pub(super) name: &'static str,
    pub(super) versions: &'static [&'static str],
    /// Which part of Backstage checks it: its name stands in the answer.
    pub(super) checked_by: &'static str,
    pub(super) shape: &'static Schema,
}

const fn core(name: &'static str, shape: &'static Schema) -> KindSchema {
    KindSchema { name, versions: CORE_VERSIONS, checked_by: "BuiltinKindsEntityProcessor", shape }
}

/// All kinds, in the order in which Backstage tries them.
pub(super) const KINDS: &[KindSchema] = &[
    core("API", &API),
    core("Component", &COMPONENT),
    core("Resource", &RESOURCE),
    core("Group", &GROUP),
    core("Location", &LOCATION),
    core("User", &USER),
    core("System", &SYSTEM),
    core("Domain", &DOMAIN),
    KindSchema {
        name: "Template",
        versions: &["scaffolder.backstage.io/v1beta3"],
        checked_by: "ScaffolderEntitiesProcessor",
        shape: &TEMPLATE,
    },
];

pub(super) const TEXT: Schema = Schema { types: &[Type::Text], ..ANY };
pub(super) const NAME: Schema = Schema { types: &[Type::Text], non_empty: true, ..ANY };
const NAMES: Schema = Schema { types: &[Type::List], items: Some(&NAME), ..ANY };
pub(super) const OBJECT: Schema = Schema { types: &[Type::Object], ..ANY };
/// What every document must have before anything else is looked at.
pub(super) const ENVELOPE: Schema = Schema {
    types: &[Type::Object],
    required: &["apiVersion", "kind", "metadata"],
    properties: &[
        ("apiVersion", &NAME),
        ("kind", &NAME),
        (
            "metadata",
            &Schema {
                types: &[Type::Object],
                required: &["name"],
                properties: &[("name", &NAME), ("namespace", &NAME)],
                ..ANY
            },
        ),
    ],
    ..ANY
};

/// The whole entity without the rules of its kind.
pub(super) const ENTITY: Schema = Schema {
    types: &[Type::Object],
    required: &["apiVersion", "kind", "metadata"],
    properties: &[
        ("apiVersion", &NAME),
        ("kind", &NAME),
        ("metadata", &METADATA),
        ("spec", &OBJECT),
        ("relations", &Schema { types: &[Type::List], items: Some(&RELATION), ..ANY }),
        ("status", &STATUS),
    ],
    others: Others::Refused,
    ..ANY
};

const METADATA: Schema = Schema {
    types: &[Type::Object],
    required: &["name"],
    properties: &[
        ("uid", &NAME),
        ("etag", &NAME),
        ("name", &NAME),
        ("namespace", &NAME),
        ("title", &NAME),
        ("description", &TEXT),
        ("labels", &Schema { types: &[Type::Object], others: Others::Lines(&TEXT), ..ANY }),
        ("annotations", &Schema { types: &[Type::Object], others: Others::Lines(&TEXT), ..ANY }),
        ("tags", &NAMES),
        ("links", &Schema { types: &[Type::List], items: Some(&LINK), ..ANY }),
    ],
    ..ANY
};

const LINK: Schema = Schema {
    types: &[Type::Object],
    required: &["url"],
    properties: &[("url", &NAME), ("title", &NAME), ("icon", &NAME), ("type", &NAME)],
    ..ANY
};

const RELATION: Schema = Schema {
    types: &[Type::Object],
    required: &["type", "targetRef"],
    properties: &[
        ("type", &Schema { types: &[Type::Text], non_empty: true, word: true, ..ANY }),
        (
            "target",
            &Schema {
                types: &[Type::Object],
                required: &["kind", "namespace", "name"],
                properties: &[("kind", &NAME), ("namespace", &NAME), ("name", &NAME)],
                others: Others::Refused,
                ..ANY
            },
        ),
        ("targetRef", &NAME),
    ],
    others: Others::Refused,
    ..ANY
};

const STATUS: Schema = Schema {
    types: &[Type::Object],
    properties: &[("items", &Schema { types: &[Type::List], items: Some(&STATUS_ITEM), ..ANY })],
    ..ANY
};

const STATUS_ITEM: Schema = Schema {
    types: &[Type::Object],
    required: &["type", "level", "message"],
    properties: &[
        ("type", &NAME),
        ("level", &Schema { types: &[Type::Text], one_of: &["info", "warning", "error"], ..ANY }),
        ("message", &TEXT),
        (
            "error",
            &Schema {
                types: &[Type::Object],
                required: &["name", "message"],
                properties: &[("name", &NAME), ("message", &TEXT), ("code", &TEXT), ("stack", &TEXT)],
                ..ANY
            },
        ),
    ],
    ..ANY
};

/// The root of a kind: a `spec` of the given shape.
pub(super) const fn kind(properties: &'static [(&'static str, &'static Schema)]) -> Schema {
    Schema { types: &[Type::Object], required: &["spec"], properties, ..ANY }
}

const COMPONENT: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["type", "lifecycle", "owner"],
        properties: &[
            ("type", &NAME),
            ("lifecycle", &NAME),
            ("owner", &NAME),
            ("system", &NAME),
            ("subcomponentOf", &NAME),
            ("providesApis", &NAMES),
            ("consumesApis", &NAMES),
            ("dependsOn", &NAMES),
        ],
        ..ANY
    },
)]);

const API: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["type", "lifecycle", "owner", "definition"],
        properties: &[
            ("type", &NAME),
            ("lifecycle", &NAME),
            ("owner", &NAME),
            ("system", &NAME),
            ("definition", &NAME),
        ],
        ..ANY
    },
)]);

const RESOURCE: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["type", "owner"],
        properties: &[("type", &NAME), ("owner", &NAME), ("dependsOn", &NAMES), ("system", &NAME)],
        ..ANY
    },
)]);

const SYSTEM: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["owner"],
        properties: &[("owner", &NAME), ("domain", &NAME), ("type", &NAME)],
        ..ANY
    },
)]);

const DOMAIN: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["owner"],
        properties: &[("owner", &NAME), ("subdomainOf", &NAME), ("type", &NAME)],
        ..ANY
    },
)]);

const PROFILE: Schema = Schema {
    types: &[Type::Object],
    properties: &[("displayName", &NAME), ("email", &NAME), ("picture", &NAME)],
    ..ANY
};

const GROUP: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["type", "children"],
        properties: &[
            ("type", &NAME),
            ("profile", &PROFILE),
            ("parent", &NAME),
            ("children", &NAMES),
            ("members", &NAMES),
        ],
        ..ANY
    },
)]);

const USER: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["memberOf"],
        properties: &[("profile", &PROFILE), ("memberOf", &NAMES)],
        ..ANY
    },
)]);

const LOCATION: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        properties: &[
            ("type", &NAME),
            ("target", &NAME),
            ("targets", &NAMES),
            ("presence", &Schema { types: &[Type::Text], one_of: &["required", "optional"], ..ANY }),
        ],
        ..ANY
    },
)]);
