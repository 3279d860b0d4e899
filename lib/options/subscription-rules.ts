import { validateHeaderName, validateHeaderValue } from 'node:http';
import { matcherOf } from '../activity/activity-pattern.js';
import { aBoolean, isFunction, isWholeNumber, oneOf, type Rule, type Rules, wholeNumber } from './rule.js';

/** Returns a name that two of the objects have. */
function findDuplicate(values: unknown[]): string | undefined {
  const names = new Set<unknown>();
  for (const each of values) {
    const { name }: { name?: unknown } = typeof each === 'object' && each !== null ? each : {};
    if (names.has(name) && typeof name === 'string') return name;
    names.add(name);
  }
  return undefined;
}

const describeDuplicate = (value: unknown): string | undefined =>
  Array.isArray(value) ? `has two of the name '${findDuplicate(value)}'` : undefined;

const aPattern: Rule = {
  allowed: "a filter without dates, such as { name: 'order.*' }",
  accepts: (value) => faultOfPattern(value) === undefined,
  explain: (value) => `is wrong: ${faultOfPattern(value)}`,
};

function faultOfPattern(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no object';
  try {
    matcherOf(value);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const SUBSCRIPTION_NAME: Rule = {
  required: true,
  allowed: "1 to 64 letters, digits, '.', '_' or '-'",
  accepts: (value) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value),
};

const SUBSCRIPTION_RULES: Rules = {
  name: SUBSCRIPTION_NAME,
  filter: aPattern,
  handler: { required: true, allowed: 'a function, or a class with a method handle()', accepts: isFunction },
  from: oneOf('now', 'beginning'),
  maxBatch: wholeNumber(1, 500),
  timeout: wholeNumber(1),
  lease: wholeNumber(1000, 600_000),
  maxFailures: wholeNumber(1, 1000),
};

const isText = (value: unknown): value is string => typeof value === 'string';

const isUrl = (value: unknown): boolean =>
  isText(value) && URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);

/** Bytes. */
const MIN_WEBHOOK_SECRET = 24;
const MAX_WEBHOOK_SECRET = 64;

const isWebhookSecret = (value: unknown): boolean => {
  const base64 = isText(value) ? /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value)?.[1] : undefined;
  return (
    base64 !== undefined &&
    isWholeNumber(Buffer.from(base64, 'base64').length, MIN_WEBHOOK_SECRET, MAX_WEBHOOK_SECRET)
  );
};

/** Whether Node can send them. */
function areHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    for (const [name, text] of Object.entries(value)) {
      if (!isText(text)) return false;
      validateHeaderName(name);
      validateHeaderValue(name, text);
    }
    return true;
  } catch {
    return false;
  }
}

const WEBHOOK_RULES: Rules = {
  // The URL is secret, because anybody who knows it may be able to post there.
  url: { required: true, isSecret: true, allowed: 'a URL with http: or https:', accepts: isUrl },
  secret: {
    required: true,
    isSecret: true,
    allowed: `'whsec_' and ${MIN_WEBHOOK_SECRET} to ${MAX_WEBHOOK_SECRET} bytes in base64`,
    accepts: isWebhookSecret,
  },
  name: { ...SUBSCRIPTION_NAME, required: false },
  filter: aPattern,
  from: oneOf('now', 'beginning'),
  headers: {
    isSecret: true,
    allowed: 'an object that has a text for each name, as HTTP allows them',
    accepts: areHeaders,
  },
  maxBatch: wholeNumber(1, 500),
  timeout: wholeNumber(1, 600_000),
  lease: wholeNumber(1000, 600_000),
  maxFailures: wholeNumber(1, 1000),
  privateAddresses: aBoolean,
};

/** The rule of the option `subscriptions`. */
export const SUBSCRIPTIONS_RULE: Rule = {
  allowed: 'an array of objects, each with a name of its own',
  each: SUBSCRIPTION_RULES,
  accepts: (value) => Array.isArray(value) && findDuplicate(value) === undefined,
  explain: describeDuplicate,
};

/** The rule of the option `webhooks`. */
export const WEBHOOKS_RULE: Rule = {
  isSecret: true,
  allowed: 'an array of objects, each with a name or a url of its own',
  each: WEBHOOK_RULES,
  accepts: (value) => Array.isArray(value) && findDuplicate(value) === undefined,
  explain: describeDuplicate,
};
