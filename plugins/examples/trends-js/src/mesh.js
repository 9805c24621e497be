// What a plugin does with every answer and every setting: one that is no answer (an error status,
// an empty body, no JSON, `ok: false`) becomes a fault that says which it was.

/** Why an answer can't be used: a verdict, thrown. */
export class Fault extends Error {
  constructor(verdict) {
    super(JSON.stringify(verdict.val.reason ?? verdict.val));
    this.verdict = verdict;
  }
}

const failed = (reason) => new Fault({ tag: 'failed', val: reason });

/** The body as an object, if `service` really answered; throws a {@link Fault} otherwise. */
export function answer(service, response) {
  const { status, body } = response;
  const json = parsed(body);
  if (status < 200 || status > 299) throw refused(service, response, json);
  if (body.trim() === '') {
    throw failed(`${service} answered ${status} with an empty body instead of JSON`);
  }
  if (json === undefined) throw failed(`${service} answered ${status} with something that is not JSON`);
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw failed(`${service} answered ${status} with JSON that is not an object`);
  }
  if ('ok' in json && json.ok !== true) {
    throw failed(`${service} answered ${status} with ok: ${quote(JSON.stringify(json.ok))}${detail(json)}`);
  }
  return json;
}

function refused(service, response, json) {
  const { status } = response;
  const why = detail(json);
  const later = { 429: 'too many requests', 503: 'it is unavailable for now' }[status];
  if (later === undefined) return failed(`${service} answered ${status}${why}`);
  const reason = `${service} answered ${status}: ${later}${why}`;
  return new Fault({ tag: 'retry', val: { reason, afterMs: retryAfter(response) } });
}

/** Retry-After in its form of seconds, as milliseconds. */
function retryAfter(response) {
  const header = response.headers.find(([name]) => name === 'retry-after');
  return header && /^\s*\d{1,9}\s*$/.test(header[1]) ? BigInt(header[1].trim()) * 1000n : undefined;
}

/** What a body says went wrong, after a colon. */
function detail(json) {
  const words = [json?.message, json?.error].find((text) => typeof text === 'string' && text.trim());
  return words === undefined ? '' : `: ${quote(words.trim())}`;
}

/** Somebody else's words, cut to a length that fits in a message. */
function quote(text) {
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The whole number given for a setting, or `usual`; throws what would be right. */
export function numberSetting(context, name, least, most, usual) {
  const fits = (value) => Number.isInteger(value) && value >= least && value <= most;
  return setting(context, name, `a whole number from ${least} to ${most}`, fits) ?? usual;
}

/** The one of `choices` given for a setting, or `usual`; throws what would be right. */
export function choiceSetting(context, name, choices, usual) {
  const fits = (value) => choices.includes(value);
  return setting(context, name, `one of ${choices.join(', ')}`, fits) ?? usual;
}

function setting(context, name, wanted, fits) {
  const value = JSON.parse(context.step.settings)[name];
  if (value !== undefined && !fits(value)) {
    throw `the setting ${name} must be ${wanted}, not ${quote(JSON.stringify(value))}`;
  }
  return value;
}
