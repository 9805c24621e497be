//! A plugin that opens a socket of its own, and so imports what the host does not grant.

use std::net::TcpStream;

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};

struct Networked;

codex_mesh_sdk::export!(Networked);

impl Step for Networked {
    fn describe() -> Manifest {
        Manifest {
            kind: "networked".to_owned(),
            version: "1.0.0".to_owned(),
            label: "Phone home".to_owned(),
            service: "srl".to_owned(),
            method: Method::Post,
            endpoint: "/srl/check".to_owned(),
            description: String::new(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        match TcpStream::connect(&context.plan.goal) {
            Ok(_) => Ok(Request::get("/srl/check")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        Ok(Verdict::Done(response.body.clone()))
    }
}
