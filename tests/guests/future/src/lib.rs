//! A component of a later major version of the contract, as its own SDK might make it.

wit_bindgen::generate!({ path: "wit", world: "step-plugin" });

use codex::mesh::log;
use exports::codex::mesh::step::Guest;

struct Future;

export!(Future);

impl Guest for Future {
    fn describe() -> String {
        "future".to_owned()
    }

    fn run(context: String) -> Result<String, String> {
        log::write("it runs");
        Ok(context)
    }
}
