// Requests that must not be sent.

/** What a well-behaved plugin would send. */
export const usual = () => write('/srl/check', { usual: true });

/** This, posted. */
export const write = (path, body) => ({
  method: 'post',
  path,
  headers: [],
  body: JSON.stringify(body),
});

/** The request of this name, if it is one of these; throws the reason why there is none. */
export function request(name, argument) {
  switch (name) {
    case 'path':
      return read(argument);
    case 'post':
      return write(argument, { written: true });
    case 'delete':
      return { ...usual(), method: 'delete' };
    case 'body':
      return { ...usual(), body: argument };
    case 'write-body':
      return { ...usual(), path: '/srl/write', body: argument };
    case 'body-deep':
      return { ...usual(), body: deep() };
    case 'body-long':
      return { ...usual(), body: text(200_000) };
    case 'body-huge':
      return { ...usual(), body: text(HUGE) };
    case 'header': {
      const at = argument.indexOf(': ');
      const [header, value] = at < 0 ? [argument, ''] : [argument.slice(0, at), argument.slice(at + 2)];
      return { ...usual(), headers: [{ name: header, value: { tag: 'text', val: value } }] };
    }
    case 'secret': {
      const value = { tag: 'secret', val: argument };
      return { ...usual(), headers: [{ name: 'authorization', value }] };
    }
    case 'headers': {
      const header = (_, n) => ({ name: `x-${n}`, value: { tag: 'text', val: '' } });
      return { ...usual(), headers: Array.from({ length: Number(argument) }, header) };
    }
    case 'refuse':
      throw `${'no '.repeat(30_000)}\u001b`;
    default:
      return undefined;
  }
}

/** A GET of this. */
export const read = (path) => ({ method: 'get', path, headers: [], body: undefined });

/** JSON that a recursive reader can't read. */
export const deep = () => '['.repeat(100_000) + ']'.repeat(100_000);

/** More than any output, and less than any memory. */
export const HUGE = 3 << 20;

/** A JSON text of this length. */
export const text = (length) => `"${'x'.repeat(length - 2)}"`;
