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

# Only the shipped plugins, as components
plugins:
    cargo build --profile plugin --target wasm32-wasip2 \
        -p codex-mesh-autonomy -p codex-mesh-srl -p codex-mesh-hardening -p codex-mesh-workflow \
        -p codex-mesh-simulation -p codex-mesh-ops -p codex-mesh-strategy

# The figures in benches/README.md
bench:
    cargo bench
