// The step kind `trends-js`: asks the trends service what is trending for the plan's goal; once
// more on every platform where there is nothing on one; and has a person look at an answer that
// the service is not sure of.
//
// The contract is wit/mesh.wit; names are written in camelCase here.

import { answer, choiceSetting, Fault, numberSetting } from './mesh.js';

const SERVICE = 'trends';
const ENDPOINT = '/trends/query';

/** How much of a goal is looked for, in characters: it is a phrase to search by. */
const LONGEST_NICHE = 300;

const platform = {
  description: 'Where to look first.',
  enum: ['tiktok', 'youtube', 'instagram', 'google', 'all'],
  default: 'all',
};

const leastConfidence = {
  description: 'The confidence in percent below which a person has to look at the answer.',
  type: 'integer',
  minimum: 0,
  maximum: 100,
  default: 50,
};

export const step = {
  describe() {
    return {
      kind: 'trends-js',
      version: '0.1.0',
      label: 'Find trends (JavaScript)',
      service: SERVICE,
      method: 'post',
      endpoint: ENDPOINT,
      description: 'Asks the trends service what is trending for the plan’s goal.',
      settingsSchema: JSON.stringify({
        type: 'object',
        additionalProperties: false,
        properties: { platform, leastConfidence },
      }),
    };
  },

  // What is thrown says why there is no request.
  shape(context) {
    // Wrong settings are told now, and not when there is an answer.
    confidence(context);
    const niche = context.plan.goal.split(/\s+/).filter(Boolean).join(' ');
    if (niche === '') throw 'the goal is blank, so there is nothing to look for';
    return question({
      sessionId: context.plan.sessionId,
      platform: choiceSetting(context, 'platform', platform.enum, platform.default),
      niche: [...niche].slice(0, LONGEST_NICHE).join(''),
    });
  },

  interpret(context, request, response) {
    try {
      return verdict(context, JSON.parse(request.body), response);
    } catch (fault) {
      if (fault instanceof Fault) return fault.verdict;
      throw fault;
    }
  },
};

const question = (body) => ({
  method: 'post',
  path: ENDPOINT,
  headers: [],
  body: JSON.stringify(body),
});

function verdict(context, asked, response) {
  const { items } = answer(SERVICE, response);
  if (!Array.isArray(items)) {
    return { tag: 'failed', val: `${SERVICE} answered ${response.status} without items` };
  }
  if (items.length === 0) {
    if (asked.platform === 'all') return { tag: 'blocked', val: 'nothing trends for this goal' };
    return { tag: 'call', val: question({ ...asked, platform: 'all' }) };
  }
  const sure = Math.max(...items.map(percent));
  const least = confidence(context);
  if (sure < least) {
    const reason = `the service is ${sure} % sure of its trends, and ${least} % are asked for`;
    return { tag: 'needs-approval', val: { result: response.body, reason } };
  }
  return { tag: 'done', val: response.body };
}

function percent(item) {
  const told = item?.confidence;
  return typeof told === 'number' ? Math.round(Math.min(told, 1) * 100) : 0;
}

function confidence(context) {
  const { minimum, maximum } = leastConfidence;
  return numberSetting(context, 'leastConfidence', minimum, maximum, leastConfidence.default);
}
