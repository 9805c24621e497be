// Looks for what it was never given: the machine, and what an earlier call left behind.

// Survives only if an instance does.
let calls = 0;

// What would reach out of the sandbox, in whatever runtime has it.
const OUTSIDE = ['process', 'require', 'Deno', 'Bun', 'WebSocket', 'XMLHttpRequest', 'Worker'];

/** What was found, as JSON. */
export async function reach(name) {
  switch (name) {
    case 'machine':
      return machine();
    case 'clock':
      return { now: Date.now(), ticks: performance.now() };
    case 'numbers':
      return { numbers: [Math.random(), ...crypto.getRandomValues(new Uint8Array(4))] };
    case 'fetch':
      return { status: (await fetch('http://localhost:5540/health')).status };
    case 'import-file':
      return { found: Object.keys(await import('file:///etc/passwd')) };
    case 'import-node':
      return { found: Object.keys(await import('node:fs')) };
    case 'import-wasi':
      return { found: Object.keys(await import('wasi:filesystem/preopens@0.2.3')) };
    case 'stain': {
      const earlierCalls = calls;
      calls += 1;
      const stains = stain();
      return { earlierCalls, stains, left: stain() };
    }
    default:
      return { survived: name };
  }
}

// Leaves a mark wherever a mark can be left, and counts those that are there already.
function stain() {
  const places = [globalThis, Object.prototype, Array.prototype, JSON, Math, console, crypto];
  const found = places.filter((place) => Object.hasOwn(place, 'stain')).length;
  for (const place of places) {
    Object.defineProperty(place, 'stain', { value: 'here', configurable: true });
  }
  return found;
}

const machine = () => ({
  env: Object.keys(globalThis.process?.env ?? {}).length,
  args: globalThis.process?.argv?.length ?? 0,
  globals: Object.getOwnPropertyNames(globalThis).filter((name) => OUTSIDE.includes(name)),
});
