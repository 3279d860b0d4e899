import { DATABASE_RULE } from './database-rule.js';
import {
  aBoolean,
  aFunction,
  isFunction,
  isWholeNumber,
  oneOf,
  type Rule,
  type Rules,
  wholeNumber,
} from './rule.js';
import { PRIVACY_MODES } from './settings.js';
import { SUBSCRIPTIONS_RULE, WEBHOOKS_RULE } from './subscription-rules.js';
import { isDuration } from '../time/duration.js';
import { isTimeZone } from '../time/time-zone.js';

/** Characters. */
const MIN_SECRET = 32;

const isGuard = (value: unknown): boolean =>
  isFunction(value) ||
  (typeof value === 'object' && value !== null && 'canActivate' in value && isFunction(value.canActivate));

const isStoreFactory = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'create' in value && isFunction(value.create);

const isGeoDatabase = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'open' in value &&
  isFunction(value.open) &&
  'countryOf' in value &&
  isFunction(value.countryOf);

const guards = (min: 0 | 1): Rule => ({
  required: min > 0,
  allowed:
    min > 0
      ? 'an array of at least one guard (a class or an instance)'
      : 'an array of guards (classes or instances)',
  accepts: (value) => Array.isArray(value) && value.length >= min && value.every(isGuard),
});

const isShort = (secret: unknown): secret is string =>
  typeof secret === 'string' && secret.length < MIN_SECRET;

const secrets: Rule = {
  required: true,
  isSecret: true,
  allowed: `a text of at least ${MIN_SECRET} characters, or an array of such`,
  accepts: (value) => {
    const texts: unknown[] = Array.isArray(value) ? value : [value];
    return texts.length > 0 && texts.every((text) => typeof text === 'string' && !isShort(text));
  },
  // The length of a secret may be logged.
  explain: (value) => {
    const short = (Array.isArray(value) ? value : [value]).find(isShort);
    return short === undefined ? undefined : `is too short (${short.length} characters)`;
  },
};

const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const aDuration: Rule = {
  allowed: "days, weeks, months or years, such as '25 months' or '90 days'",
  accepts: isDuration,
};

export const RETENTION_RULES: Rules = {
  keep: aDuration,
  names: {
    allowed: "an object that has a duration for each name, such as { engagement: '90 days' }",
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every(isDuration),
  },
  anonymiseAfter: aDuration,
  anonymiseProperties: {
    allowed: "an array of keys of properties, such as ['phone']",
    accepts: (value) => Array.isArray(value) && value.every((key) => typeof key === 'string'),
  },
  figures: oneOf('keep', 'erase'),
};

export const OPTION_RULES: Rules = {
  guards: guards(0),
  rejectedCredentials: oneOf('reject', 'anonymous'),
  requestContext: aBoolean,
  requests: {
    methods: {
      required: true,
      allowed: `an array of some of ${HTTP_METHODS.join(', ')}`,
      accepts: (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((method) => typeof method === 'string' && HTTP_METHODS.includes(method)),
    },
    status: oneOf('success', 'always'),
  },
  events: {
    allowed: 'an object that has a class for each name',
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every(isFunction),
  },
  unknownEvents: oneOf('accept', 'mark', 'reject'),
  traceProperty: {
    allowed: "the name of a property, 1 to 64 letters, digits, - and _, such as 'traceId'",
    accepts: (value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value) && value !== '__proto__',
  },
  session: {
    maxAge: {
      allowed: "a whole number of milliseconds from 1000, or 'browser'",
      accepts: (value) => value === 'browser' || isWholeNumber(value, 1000, Number.MAX_SAFE_INTEGER),
    },
    absoluteMaxAge: {
      allowed: 'a whole number of milliseconds from 1000',
      accepts: (value) => isWholeNumber(value, 1000, Number.MAX_SAFE_INTEGER),
    },
    sameSite: oneOf('lax', 'none'),
    claim: oneOf('visit', 'session'),
    id: aFunction,
  },
  privacy: {
    allowed: "'identified', 'cookieless', 'cnil', or a function that returns one of these",
    accepts: (value) => isFunction(value) || PRIVACY_MODES.some((mode) => mode === value),
  },
  cookieless: { rotate: oneOf('day', 'week', 'month') },
  consent: aFunction,
  withoutConsent: oneOf('cookieless', 'nothing'),
  onWithdrawal: oneOf('keep', 'erase'),
  respect: oneOf('anonymise', 'drop', 'ignore'),
  ip: oneOf('full', 'masked', 'none'),
  geo: {
    allowed: "'headers', mmdb('….mmdb'), or false",
    accepts: (value) => value === 'headers' || value === false || isGeoDatabase(value),
  },
  scrub: {
    allowed: "an array of names of query parameters, such as ['*token', 'code']",
    accepts: (value) =>
      Array.isArray(value) && value.every((name) => typeof name === 'string' && /[\p{L}\p{N}]/u.test(name)),
  },
  retention: RETENTION_RULES,
  subscriptions: SUBSCRIPTIONS_RULE,
  webhooks: WEBHOOKS_RULE,
  page: aFunction,
  // Without a guard, everybody could read the activities.
  api: { guards: guards(1), scope: aFunction },
  dashboard: {
    guards: guards(1),
    scope: aFunction,
    session: { secret: secrets, maxAge: wholeNumber(1000) },
    timeZone: {
      allowed: "an IANA time zone, such as 'Europe/Berlin'",
      accepts: (value) => typeof value === 'string' && isTimeZone(value),
    },
  },
  database: DATABASE_RULE,
  store: {
    allowed: 'an object with a function create(), which opens a store',
    accepts: isStoreFactory,
  },
  writer: {
    maxWaiting: wholeNumber(1),
    maxBatch: wholeNumber(1),
    concurrency: wholeNumber(1),
    timeout: wholeNumber(1),
  },
  statistics: {
    maxWait: wholeNumber(0),
    concurrency: wholeNumber(1),
    timeout: wholeNumber(1),
    statementTimeout: wholeNumber(1),
    background: aBoolean,
    replica: aBoolean,
  },
  user: aFunction,
  group: aFunction,
  transform: aFunction,
};
