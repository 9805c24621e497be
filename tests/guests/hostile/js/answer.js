// Verdicts that must not be believed.

import { deep, HUGE, read, request, text, write } from './ask.js';
import { split } from './step.js';

/** The verdict of this name, if it is one of these. */
export function verdict(name, argument) {
  switch (name) {
    case 'call':
      return { tag: 'call', val: write(argument, { again: true }) };
    case 'call-get':
      return { tag: 'call', val: read(argument) };
    case 'result':
      return { tag: 'done', val: argument };
    case 'result-deep':
      return { tag: 'done', val: deep() };
    case 'result-huge':
      return { tag: 'done', val: text(HUGE) };
    case 'result-100mb':
      return { tag: 'done', val: text(100 << 20) };
    case 'blocked':
      return { tag: 'blocked', val: woe() };
    case 'failed':
      return { tag: 'failed', val: woe() };
    case 'retry':
      return { tag: 'retry', val: { reason: woe(), afterMs: 2n ** 64n - 1n } };
    case 'approval':
      return { tag: 'needs-approval', val: { result: '{}', reason: woe() } };
    case 'silent':
      return { tag: 'failed', val: '' };
    // Its request is judged like a shaped one.
    case 'ask':
      return { tag: 'call', val: request(...split(argument)) };
    default:
      return undefined;
  }
}

const woe = () => `woe\u001b[31m ${'is me '.repeat(10_000)}`;
