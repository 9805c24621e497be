# `just` lists these; each is one command that also works without just.

# The host, with local services
run:
    cargo run -- dev

# Everything
test:
    cargo test

# Format and lint
lint:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# The plugins that are not embedded, into a folder for `cargo run -- dev --plugins plugins.d`
plugins:
    cargo run -- plugin build plugins/trends plugins/campaign --out plugins.d

# Most of the figures in benches/README.md, which has the other commands
bench:
    cargo bench
