//! What step plugins written in Rust share: the contract's types and the few things that every
//! plugin does alike. A plugin implements [`Step`] and names it in [`export!`]; nothing else is
//! needed.
//!
//! # Layout
//! - [`bindings`]: generated from `wit/`, the only definition of the contract.
//! - [`manifest`]: saying what a plugin is.
//! - [`context`]: questions a plugin asks about its plan.
//! - [`niche`]: what a plan is about, in two or three words.
//! - [`request`]: shaping what is sent.
//! - [`settings`]: reading this step's settings; a wrong one is refused by name.
//! - [`answer`]: reading what came back; a bad answer becomes a [`Fault`] with a clear message.
//! - [`check`]: the verdict of a pre-execution check. [`known_bad`]: what of it counts for nothing.
//! - [`clock`]: what time it is.
//! - [`testing`]: contexts, answers and the time for native unit tests.

pub mod answer;
pub mod check;
#[cfg(not(target_family = "wasm"))]
pub mod clock;
pub mod context;
pub mod known_bad;
pub mod manifest;
pub mod niche;
pub mod request;
pub mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

/// Generated from `wit/`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "step-plugin",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "codex_mesh_sdk::bindings",
        // A plugin may use less of the contract than there is.
        generate_unused_types: true,
        // Tests compare whole verdicts.
        additional_derives: [PartialEq, Eq],
    });
}

pub use answer::Fault;
#[cfg(target_family = "wasm")]
pub use bindings::codex::mesh::clock;
pub use bindings::codex::mesh::log;
pub use bindings::exports::codex::mesh::step::{
    Context, Effect, FinishedStep, Guest, Header, HeaderValue, Manifest, Method, Mode, PlanInfo,
    PlannedStep, Request, Response, RetryLater, Reviewed, ThisStep, Verdict,
};

/// The settings schema of a step kind that has no settings.
pub const NO_SETTINGS: &str = r#"{"type":"object","additionalProperties":false}"#;

/// One step kind.
pub trait Step {
    /// What the plugin says of itself.
    fn describe() -> Manifest;

    /// The request that the step would send now, or for a person why there is none yet.
    fn shape(context: &Context) -> Result<Request, String>;

    /// What the answer means. A [`Fault`] ends the step as failed, or asks to be tried again.
    fn interpret(
        context: &Context,
        request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault>;
}

/// Makes a [`Step`] the component's export. Native builds, which only run unit tests, export
/// nothing: the contract's symbol names are no valid names for a native linker.
#[macro_export]
macro_rules! export {
    ($step:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::Guest for Component {
                fn describe() -> $crate::Manifest {
                    <$step as $crate::Step>::describe()
                }

                fn shape(context: $crate::Context) -> Result<$crate::Request, String> {
                    <$step as $crate::Step>::shape(&context)
                }

                fn interpret(
                    context: $crate::Context,
                    request: $crate::Request,
                    response: $crate::Response,
                ) -> $crate::Verdict {
                    <$step as $crate::Step>::interpret(&context, &request, &response)
                        .unwrap_or_else($crate::Verdict::from)
                }
            }

    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}
