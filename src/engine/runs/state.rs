//! The states of runs, steps and effects, and the legal moves between them. Pure.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = sqlx::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(sqlx::Error::Decode(format!("unknown {}: {other}", stringify!($name)).into())),
                }
            }
        }
    };
}

states! {
    /// Where a run is.
    RunState {
        /// A worker will take it.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It waits for a decision, a time or an event, and holds no worker.
        Parked = "parked",
        /// Somebody asked to cancel: what was made is being undone.
        Cancelling = "cancelling",
        /// It failed or ended, and somebody asked to roll it back.
        RollingBack = "rolling_back",
        /// Done.
        Succeeded = "succeeded",
        /// A step failed for good; what was made stands, and is listed.
        Failed = "failed",
        /// Cancelled, and undone as far as possible.
        Cancelled = "cancelled",
        /// Rolled back; leftovers, if any, are listed.
        RolledBack = "rolled_back",
    }
}

states! {
    /// Where a step is.
    StepState {
        /// Not begun.
        Pending = "pending",
        /// Begun.
        Running = "running",
        /// Done.
        Done = "done",
        /// Not needed.
        Skipped = "skipped",
        /// Failed for good.
        Failed = "failed",
        /// Done, and its effects undone.
        Undone = "undone",
    }
}

states! {
    /// Where an outside effect is.
    EffectState {
        /// Written down; the call may or may not have been made.
        Intended = "intended",
        /// The thing exists outside.
        Made = "made",
        /// It was looked for and is not there, or the call was refused.
        Absent = "absent",
        /// It was made and undone.
        Undone = "undone",
        /// It was made and could not be undone.
        Leftover = "leftover",
    }
}

states! {
    /// Why a run runs.
    Purpose {
        /// To find out what would change; it changes nothing.
        Plan = "plan",
        /// To make the change.
        Apply = "apply",
        /// To look at what is there.
        Refresh = "refresh",
        /// To take something away.
        Undo = "undo",
    }
}

impl RunState {
    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::RolledBack)
    }

    /// Whether a run may go from this state to that.
    pub fn may_become(self, next: Self) -> bool {
        use RunState::{Cancelled, Cancelling, Failed, Parked, Queued, RolledBack, RollingBack, Running, Succeeded};
        match self {
            Queued => matches!(next, Running | Cancelling),
            Running => matches!(next, Parked | Queued | Succeeded | Failed | Cancelling | RollingBack),
            Parked => matches!(next, Queued | Cancelling),
            Cancelling => matches!(next, Cancelled),
            RollingBack => matches!(next, RolledBack),
            // A failed run may be retried from its failed step, or rolled back; so may one that ended well be undone.
            Failed => matches!(next, Queued | RollingBack),
            Succeeded => matches!(next, RollingBack),
            Cancelled | RolledBack => false,
        }
    }
}

impl EffectState {
    /// Whether an effect may go from this state to that.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Intended => matches!(next, Self::Made | Self::Absent),
            Self::Made => matches!(next, Self::Undone | Self::Leftover),
            Self::Leftover => matches!(next, Self::Undone),
            // An effect that is absent may be intended again by a retry.
            Self::Absent => matches!(next, Self::Intended),
            Self::Undone => false,
        }
    }
}
