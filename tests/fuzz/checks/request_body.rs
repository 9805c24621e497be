//! Whatever body a client sends, reading it ends well.

pub fn run(body: &[u8]) {
    codex_mesh::http::read_body(body, 50);
}
