//! The kind `srl` in a team's own edition: it replaces the embedded one, and refuses everything.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};

struct StrictSrl;

codex_mesh_sdk::export!(StrictSrl);

impl Step for StrictSrl {
    fn describe() -> Manifest {
        Manifest {
            kind: "srl".to_owned(),
            version: "9.9.9".to_owned(),
            label: "Run strict self-regulation".to_owned(),
            service: "srl".to_owned(),
            method: Method::Get,
            endpoint: "/srl/strict".to_owned(),
            description: String::new(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(_context: &Context) -> Result<Request, String> {
        Ok(Request::get("/srl/strict"))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        _response: &Response,
    ) -> Result<Verdict, Fault> {
        Ok(Verdict::Blocked(
            "the strict edition refuses everything".to_owned(),
        ))
    }
}
