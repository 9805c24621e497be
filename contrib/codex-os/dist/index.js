// Runs the codex-mesh binary in place of the earlier mesh: `node dist/index.js`, in any folder.
// Arguments go to `codex-mesh serve`, and so does the environment; signals and the end are passed
// on. It needs node 20 and nothing else. docs/codex-os.md says how to install it.

import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NAME = "codex-mesh";
// Where the earlier mesh listened.
const LISTEN = "0.0.0.0:5565";
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR2"];
// What a shell answers where there is no such program.
const NO_PROGRAM = 127;

// The folder that this file's folder is in: data, configuration and binary are looked for there,
// wherever node was started.
const HOME = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  console.error(`${NAME}: ${message}`);
  process.exit(NO_PROGRAM);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function binary() {
  const named = process.env.CODEX_MESH_BIN;
  if (named) {
    const path = resolve(named);
    if (!isProgram(path)) {
      fail(`CODEX_MESH_BIN is ${path}, and that is no program that can be run`);
    }
    return path;
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = [...folders, HOME, join(HOME, "dist")]
    .map((folder) => resolve(folder, NAME))
    .find(isProgram);
  return (
    found ??
    fail(
      `there is no ${NAME} binary. Build it with \`cargo build --release\`, and copy ` +
        `target/release/${NAME} into ${HOME} or a folder of PATH, or name it in CODEX_MESH_BIN`,
    )
  );
}

// The value of a flag, in both of its spellings.
function flag(args, name) {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at] === name ? args[at + 1] : args[at].slice(name.length + 1);
}

function text(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

// The environment of the host: what the operator set, and beside it only what nobody said.
function environment(args) {
  const env = { ...process.env };
  const own = join(HOME, "mesh.toml");
  let file = flag(args, "--config") ?? env.MESH_CONFIG;
  if (file === undefined && text(own) !== undefined) {
    file = env.MESH_CONFIG = own;
  }
  const written = file === undefined ? undefined : text(resolve(HOME, file));
  const says = written !== undefined && /^\s*["']?listen["']?\s*=/m.test(written);
  if (flag(args, "--listen") === undefined && env.MESH_LISTEN === undefined && !says) {
    env.MESH_LISTEN = LISTEN;
  }
  return env;
}

// Ends the host if this process is killed in a way that it can't pass on: then the pipe closes.
// Else the host would keep the port and the data, and nobody could start another one.
function guard(host) {
  const script = `read _; kill -9 ${host.pid}`;
  const stdio = ["pipe", "ignore", "ignore"];
  const shell = spawn("/bin/sh", ["-c", script], { stdio, detached: true });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  return shell;
}

const args = process.argv.slice(2);
const program = binary();
const host = spawn(program, ["serve", ...args], {
  cwd: HOME,
  env: environment(args),
  stdio: "inherit",
});
host.on("error", (error) => fail(`${program} can't be run: ${error.message}`));
const forward = (signal) => host.kill(signal);
for (const signal of SIGNALS) process.on(signal, forward);
const guardian = host.pid === undefined ? undefined : guard(host);

host.on("exit", (code, signal) => {
  guardian?.kill("SIGKILL");
  if (signal === null) process.exit(code);
  // As the host ended, so does this.
  for (const signal of SIGNALS) process.off(signal, forward);
  process.kill(process.pid, signal);
  // Not every signal ends a process of node.
  setTimeout(() => process.exit(1), 1000);
});
