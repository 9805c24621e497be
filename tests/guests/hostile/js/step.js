// The hostile guest of ../src, in JavaScript: misbehaves as the plan's goal tells it to, by the
// same names, as far as the language has the means.

import { abuse } from './abuse.js';
import { verdict } from './answer.js';
import { request, usual, write } from './ask.js';
import { reach } from './reach.js';

// What the goal tells this call to do: a name, and an argument.
function task(context, call) {
  const { goal } = context.plan;
  if (!goal.startsWith(`${call}:`)) return undefined;
  return split(goal.slice(call.length + 1));
}

/** A name, and what comes after the first `=`. */
export function split(text) {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export const step = {
  describe: () => ({
    kind: 'hostile',
    version: '6.6.6',
    label: 'Misbehave',
    service: 'srl',
    method: 'post',
    endpoint: '/srl/check',
    description: 'Does what it must not.',
    settingsSchema: '{}',
  }),

  async shape(context) {
    const told = task(context, 'shape');
    if (told === undefined) return usual();
    const asked = request(...told);
    if (asked !== undefined) return asked;
    await abuse(told[0]);
    return write('/srl/check', await reach(told[0]));
  },

  async interpret(context, _request, response) {
    const told = task(context, 'interpret');
    if (told === undefined) return { tag: 'done', val: response.body };
    const answered = verdict(...told);
    if (answered !== undefined) return answered;
    await abuse(told[0]);
    return { tag: 'done', val: JSON.stringify(await reach(told[0])) };
  },
};
