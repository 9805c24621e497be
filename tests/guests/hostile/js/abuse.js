// Uses up what there is, or does not come back.

import { write } from 'codex:mesh/log@1.1.0';

/** Does what the name says; nothing if it is none of these. */
export async function abuse(name) {
  switch (name) {
    case 'loop':
      for (;;);
    case 'loop-async':
      for (;;) await undefined;
    case 'memory':
      return hoard(() => new Uint8Array(64 << 10).fill(1));
    case 'recurse':
      return recurse(1);
    case 'recurse-large':
      return JSON.stringify(nested());
    case 'panic':
      throw new Error('the guest has had enough');
    case 'panic-long':
      throw new Error('woe '.repeat(1 << 16));
    case 'sleep':
      return new Promise((wake) => setTimeout(wake, 3_600_000));
    case 'sleep-forever':
      return new Promise(() => {});
    case 'handles': {
      for (let n = 0; n < 5_000; n += 1) setTimeout(() => {}, 3_600_000);
      return new Promise(() => {});
    }
    case 'pattern':
      return /^(a+)+$/.test(`${'a'.repeat(64)}!`);
    case 'random':
      return crypto.getRandomValues(new Uint8Array(1 << 20));
    case 'log-flood':
      return flood((n) => write('info', `remark ${n}`));
    case 'log-empty':
      return flood(() => write('info', ''));
    case 'log-large':
      return write('info', 'x'.repeat(1 << 20));
    case 'log-forged':
      return write('error', 'a\u001b[31m\u0000\nERROR forged');
    case 'stdout-flood':
      return flood((n) => console.log(`line ${n}`));
    case 'stderr-flood':
      return flood((n) => console.error(`line ${n}`));
    default:
      return undefined;
  }
}

function hoard(more) {
  const hoard = [];
  for (;;) hoard.push(more());
}

function recurse(depth) {
  return recurse(depth + 1) + 1;
}

function nested() {
  let value = [];
  for (let n = 0; n < 200_000; n += 1) value = [value];
  return value;
}

// Far more than any log takes, and little enough to come back in time.
function flood(say) {
  for (let n = 0; n < 2_000; n += 1) say(n);
}
