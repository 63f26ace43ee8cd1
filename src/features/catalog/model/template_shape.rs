//! The shape of a Template of `scaffolder.backstage.io/v1beta3`. Facts of Backstage's schema; what
//! a template does is not known here.

use super::kinds::{NAME, OBJECT, TEXT, kind};
use super::schema::{ANY, Others, Schema, Type};

/// A step or output is left out under a condition: an expression or a plain truth value.
const CONDITION: Schema = Schema { types: &[Type::Text, Type::Boolean], ..ANY };

/// Tags by which a policy hides a page or a step of a template.
const PERMISSIONS: Schema = Schema {
    types: &[Type::Object],
    properties: &[("tags", &Schema { types: &[Type::List], items: Some(&TEXT), ..ANY })],
    ..ANY
};

const DECORATORS: Schema = Schema {
    types: &[Type::List],
    items: Some(&Schema { types: &[Type::Object], properties: &[("id", &TEXT), ("input", &OBJECT)], ..ANY }),
    ..ANY
};

/// The rules of the kind.
pub(super) const TEMPLATE: Schema = kind(&[(
    "spec",
    &Schema {
        types: &[Type::Object],
        required: &["type", "steps"],
        properties: &[
            ("type", &NAME),
            ("owner", &NAME),
            ("lifecycle", &NAME),
            ("parameters", &Schema { alternatives: &[&PAGE, &PAGES], ..ANY }),
            ("secrets", &Schema { types: &[Type::Object], properties: &[("schema", &OBJECT)], ..ANY }),
            (
                "presentation",
                &Schema {
                    types: &[Type::Object],
                    properties: &[(
                        "buttonLabels",
                        &Schema {
                            types: &[Type::Object],
                            properties: &[
                                ("backButtonText", &TEXT),
                                ("createButtonText", &TEXT),
                                ("reviewButtonText", &TEXT),
                            ],
                            ..ANY
                        },
                    )],
                    ..ANY
                },
            ),
            (
                "EXPERIMENTAL_recovery",
                &Schema { types: &[Type::Object], properties: &[("EXPERIMENTAL_strategy", &TEXT)], ..ANY },
            ),
            ("formDecorators", &DECORATORS),
            ("EXPERIMENTAL_formDecorators", &DECORATORS),
            ("steps", &Schema { types: &[Type::List], items: Some(&STEP), ..ANY }),
            ("output", &OUTPUT),
        ],
        ..ANY
    },
)]);

const PAGE: Schema = Schema { types: &[Type::Object], properties: &[("backstage:permissions", &PERMISSIONS)], ..ANY };

const PAGES: Schema = Schema {
    types: &[Type::List],
    items: Some(&Schema {
        types: &[Type::Object],
        properties: &[("when", &CONDITION), ("backstage:permissions", &PERMISSIONS)],
        ..ANY
    }),
    ..ANY
};

const STEP: Schema = Schema {
    types: &[Type::Object],
    required: &["action"],
    properties: &[
        ("id", &TEXT),
        ("name", &TEXT),
        ("action", &TEXT),
        ("input", &OBJECT),
        ("if", &CONDITION),
        ("backstage:permissions", &PERMISSIONS),
    ],
    ..ANY
};

const OUTPUT: Schema = Schema {
    types: &[Type::Object],
    properties: &[
        (
            "links",
            &Schema {
                types: &[Type::List],
                items: Some(&Schema {
                    types: &[Type::Object],
                    properties: &[
                        ("if", &CONDITION),
                        ("url", &NAME),
                        ("entityRef", &NAME),
                        ("title", &NAME),
                        ("icon", &NAME),
                    ],
                    ..ANY
                }),
                ..ANY
            },
        ),
        (
            "text",
            &Schema {
                types: &[Type::List],
                items: Some(&Schema {
                    types: &[Type::Object],
                    properties: &[("if", &CONDITION), ("title", &NAME), ("icon", &NAME), ("content", &TEXT)],
                    ..ANY
                }),
                ..ANY
            },
        ),
    ],
    others: Others::Like(&TEXT),
    ..ANY
};
