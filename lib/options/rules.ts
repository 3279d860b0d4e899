import { validateHeaderName, validateHeaderValue } from 'node:http';
import { matcherOf } from '../activity/activity-pattern.js';
import { isDuration } from '../time/duration.js';
import { PRIVACY_MODES } from './settings.js';
import { isTimeZone } from '../time/time-zone.js';

/** The rule for the value of one option. */
export interface Rule {
  /** Ends the sentence "allowed: …". */
  allowed: string;
  required?: boolean;
  /** The value must not be logged. */
  isSecret?: boolean;
  /** The rules of the elements, if it is an array of objects. */
  each?: Rules;
  /** The right place of the option, if this is the wrong one; it is then not listed as allowed. */
  place?: string;
  accepts(value: unknown): boolean;
  /** Describes the error of a value without showing the value, beginning with a verb; `undefined` if it cannot. */
  explain?(value: unknown): string | undefined;
}

/** The rules of a group of options, by name. */
export interface Rules {
  [option: string]: Rule | Rules;
}

export function isRule(rule: Rule | Rules): rule is Rule {
  return typeof rule.accepts === 'function';
}

/** Characters. */
const MIN_SECRET = 32;

/** Milliseconds. Timers cannot wait longer. */
const MAX_TIMER = 2 ** 31 - 1;

const isFunction = (value: unknown): boolean => typeof value === 'function';

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

/** The protocols of databases that need only a URL. */
export const DATABASE_URL = /^(postgres|postgresql|mysql|mariadb):/;

const isDatabase = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if ('type' in value) return typeof value.type === 'string';
  return 'url' in value && typeof value.url === 'string' && DATABASE_URL.test(value.url);
};

/** Describes the fault without the password and the host of the URL. */
function explainDatabase(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('url' in value)) return 'has no url, and no type';
  const { url } = value;
  if (typeof url !== 'string') return `has a url that is ${url === undefined ? 'undefined' : 'no text'}`;
  const [scheme] = /^[a-z][\w+-]*:/i.exec(url) ?? [];
  return scheme === undefined ? 'has a url without a scheme' : `has a url that begins with '${scheme}'`;
}

const aFunction: Rule = { allowed: 'a function', accepts: isFunction };

const aBoolean: Rule = { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' };

const oneOf = (...values: string[]): Rule => ({
  allowed: values.map((value) => `'${value}'`).join(' or '),
  accepts: (value) => typeof value === 'string' && values.includes(value),
});

const isWholeNumber = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;

const wholeNumber = (min: number, max = MAX_TIMER): Rule => ({
  allowed: `a whole number from ${min} to ${max}`,
  accepts: (value) => isWholeNumber(value, min, max),
});

const guards = (min: 0 | 1): Rule => ({
  required: min > 0,
  allowed:
    min > 0
      ? 'an array of at least one guard (a class or an instance)'
      : 'an array of guards (classes or instances)',
  accepts: (value) => Array.isArray(value) && value.length >= min && value.every(isGuard),
});

const decorators: Rule = {
  allowed: 'an array of class decorators',
  accepts: (value) => Array.isArray(value) && value.every(isFunction),
};

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

/** Returns a name that two of the objects have. */
function findTwice(value: unknown): string | undefined {
  const names = new Set<unknown>();
  for (const each of Array.isArray(value) ? value : []) {
    const { name }: { name?: unknown } = typeof each === 'object' && each !== null ? each : {};
    if (names.has(name) && typeof name === 'string') return name;
    names.add(name);
  }
  return undefined;
}

const describeTwice = (value: unknown): string | undefined =>
  Array.isArray(value) ? `has two of the name '${findTwice(value)}'` : undefined;

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
  subscriptions: {
    allowed: 'an array of objects, each with a name of its own',
    each: SUBSCRIPTION_RULES,
    accepts: (value) => Array.isArray(value) && findTwice(value) === undefined,
    explain: describeTwice,
  },
  webhooks: {
    isSecret: true,
    allowed: 'an array of objects, each with a name or a url of its own',
    each: WEBHOOK_RULES,
    accepts: (value) => Array.isArray(value) && findTwice(value) === undefined,
    explain: describeTwice,
  },
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
  database: {
    // A URL has a password.
    isSecret: true,
    allowed:
      "an object with a url that begins with 'postgres:', 'mysql:' or 'mariadb:', or with the options of a TypeORM data source, such as { type: 'better-sqlite3', database: 'app.sqlite' }",
    accepts: isDatabase,
    explain: explainDatabase,
  },
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

/** Names of other routes in `path`. */
const RESERVED = ['activities', 'dashboard', 'stats'];

export const REGISTRATION_RULES: Rules = {
  path: {
    allowed:
      "one or more segments of letters, digits, '-', '.', '_' or '~', such as 'djaffar' or 'internal/track'",
    accepts: (value) => typeof value === 'string' && /^\/?[\w.~-]+(\/[\w.~-]+)*\/?$/.test(value),
  },
  route: {
    allowed: `one segment of letters, digits, '-', '.', '_' or '~', such as 'track', that does not end in '.js' and is none of ${RESERVED.join(', ')}`,
    accepts: (value) =>
      typeof value === 'string' &&
      /^[\w.~-]*[\w~-]$/.test(value) &&
      !value.endsWith('.js') &&
      !RESERVED.includes(value.toLowerCase()),
  },
  tracker: {
    allowed: "a file name of letters, digits, '-', '.', '_' or '~' that ends in '.js', such as 'app.js'",
    accepts: (value) => typeof value === 'string' && /^[\w.~-]+\.js$/.test(value),
  },
  dataSource: {
    allowed: 'the name of a data source',
    accepts: (value) => typeof value === 'string' && value !== '',
  },
  decorators,
  api: { decorators },
  dashboard: { decorators },
  isGlobal: aBoolean,
};

/** Options of the registration that a factory returned too late. `forRoot` removes them before. */
export const BESIDE_FACTORY: Rules = Object.fromEntries(
  Object.keys(REGISTRATION_RULES)
    .filter((option) => !(option in OPTION_RULES))
    .map((option) => {
      const place = `beside the factory: forRootAsync({ ${option}: …, useFactory: … })`;
      return [option, { allowed: 'nothing', place, accepts: () => false }];
    }),
);

/**
 * The decorators of `api` or `dashboard`, which a factory returns too late. `forRoot` passes them a second time.
 * @param registered the decorators that the registration has
 */
export function decoratorsBesideFactory(option: string, registered: ClassDecorator[]): Rules {
  return {
    decorators: {
      allowed: 'nothing',
      place: `beside the factory alone: forRootAsync({ ${option}: { decorators: […] }, useFactory: … })`,
      accepts: (value) => value === registered,
    },
  };
}

/** Merges two sets of rules; a group that is in both gets the rules of both. */
export function mergeRules(rules: Rules, others: Rules): Rules {
  const merged = { ...rules, ...others };
  for (const [option, rule] of Object.entries(rules)) {
    const other = others[option];
    if (other && !isRule(rule) && !isRule(other)) merged[option] = { ...rule, ...other };
  }
  return merged;
}
