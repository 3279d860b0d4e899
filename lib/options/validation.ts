import { inspect } from 'node:util';
import { IANAZone } from 'luxon';
import {
  DEFAULTS,
  type DjaffarOptions,
  REGISTRATION_DEFAULTS,
  type Registration,
  type RegistrationOptions,
  type RouteOptions,
  type Settings,
} from './djaffar.options.js';

interface Rule {
  allowed: string;
  required?: boolean;
  /** What was given must not be in a log. */
  isSecret?: boolean;
  /** What is wrong with a value, if that can be said without showing it; it begins with a verb. */
  fault?(value: unknown): string | undefined;
  /** Where it has to be given, if not here. */
  place?: string;
  accepts(value: unknown): boolean;
}

interface Rules {
  [option: string]: Rule | Rules;
}

/** Characters. */
const MIN_SECRET = 32;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const aFunction: Rule = { allowed: 'a function', accepts: isFunction };

const oneOf = (...values: string[]): Rule => ({
  allowed: values.map((value) => `'${value}'`).join(' or '),
  accepts: (value) => typeof value === 'string' && values.includes(value),
});

// More milliseconds a timer cannot wait.
const MOST = 2 ** 31 - 1;

const wholeNumber = (least: number, most = MOST): Rule => ({
  allowed: `a whole number from ${least} to ${most}`,
  accepts: (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
});

const isGuard = (value: unknown): boolean =>
  isFunction(value) ||
  (typeof value === 'object' && value !== null && 'canActivate' in value && isFunction(value.canActivate));

const guards = (least: number): Rule => ({
  required: least > 0,
  allowed:
    least > 0
      ? 'an array of at least one guard (a class or an instance)'
      : 'an array of guards (classes or instances)',
  accepts: (value) => Array.isArray(value) && value.length >= least && value.every(isGuard),
});

/** Its length is no secret. */
function shortSecret(value: unknown): string | undefined {
  const secrets: unknown[] = Array.isArray(value) ? value : [value];
  const short = secrets.find((text) => typeof text === 'string' && text.length < MIN_SECRET);
  return typeof short === 'string' ? `is too short (${short.length} characters)` : undefined;
}

const OPTIONS: Rules = {
  guards: guards(0),
  rejectedCredentials: oneOf('reject', 'anonymous'),
  requestContext: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
  session: {
    maxAge: {
      allowed: "a whole number of milliseconds from 1000, or 'browser'",
      accepts: (value) => value === 'browser' || wholeNumber(1000, Number.MAX_SAFE_INTEGER).accepts(value),
    },
    sameSite: oneOf('lax', 'none'),
    id: aFunction,
  },
  ip: oneOf('full', 'masked', 'none'),
  page: aFunction,
  // Activities are not for everyone: without a guard they would be.
  api: { guards: guards(1) },
  dashboard: {
    guards: guards(1),
    session: {
      secret: {
        required: true,
        isSecret: true,
        fault: shortSecret,
        allowed: `a text of at least ${MIN_SECRET} characters, or an array of such`,
        accepts: (value) => {
          const secrets: unknown[] = Array.isArray(value) ? value : [value];
          return (
            secrets.length > 0 &&
            secrets.every((text) => typeof text === 'string' && text.length >= MIN_SECRET)
          );
        },
      },
      maxAge: wholeNumber(1000),
    },
    timeZone: {
      allowed: "an IANA time zone, such as 'Europe/Berlin'",
      accepts: (value) => typeof value === 'string' && IANAZone.isValidZone(value),
    },
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
    background: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
  },
  user: aFunction,
  transform: aFunction,
};

const decorators: Rule = {
  allowed: 'an array of class decorators',
  accepts: (value) => Array.isArray(value) && value.every(isFunction),
};

/** What else is in `path`. */
const RESERVED = ['activities', 'dashboard', 'stats'];

const REGISTRATION: Rules = {
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
  isGlobal: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
};

/** A factory is asked too late for these. `forRoot` takes them out before. */
const BESIDE_FACTORY: Rules = Object.fromEntries(
  Object.keys(REGISTRATION)
    .filter((option) => !(option in OPTIONS))
    .map((option) => {
      const place = `beside the factory: forRootAsync({ ${option}: …, useFactory: … })`;
      return [option, { allowed: 'nothing', place, accepts: () => false }];
    }),
);

/**
 * @param registration what was known before these options were
 * @throws Error with one message that names each wrong option, what was given and what is allowed.
 */
export function settingsOf(
  options: unknown,
  registration: Pick<Registration, 'api' | 'dashboard'> = REGISTRATION_DEFAULTS,
): Settings {
  const { api, dashboard } = registration;
  const registered = { api: known('api', api), dashboard: known('dashboard', dashboard) };
  check(options ?? {}, merge(merge(OPTIONS, BESIDE_FACTORY), registered));
  const given = withoutUndefined((options ?? {}) as DjaffarOptions);
  return {
    ...DEFAULTS,
    ...given,
    session: { ...DEFAULTS.session, ...withoutUndefined(given.session ?? {}) },
    writer: { ...DEFAULTS.writer, ...withoutUndefined(given.writer ?? {}) },
    statistics: { ...DEFAULTS.statistics, ...withoutUndefined(given.statistics ?? {}) },
  };
}

/**
 * Checks what was given to `forRoot`, options and registration, at once.
 * @throws Error as {@link settingsOf} does
 */
export function checkAll(options: object): void {
  check(options, merge(OPTIONS, REGISTRATION));
}

/**
 * Checks what was given to `forRootAsync` beside the factory.
 * @throws Error as {@link settingsOf} does
 */
export function checkRoutes({ api, dashboard }: Pick<RegistrationOptions, 'api' | 'dashboard'>): void {
  check({ api, dashboard }, REGISTRATION);
}

/** @throws Error as {@link settingsOf} does */
export function registrationOf(options: RegistrationOptions): Registration {
  const { path, route, tracker, dataSource, isGlobal } = options;
  const given = withoutUndefined<RegistrationOptions>({
    path,
    route,
    tracker,
    dataSource,
    decorators: options.decorators,
    isGlobal,
  });
  const routes = { api: routesOf(options.api), dashboard: routesOf(options.dashboard) };
  check({ ...given, ...routes }, REGISTRATION);
  return { ...REGISTRATION_DEFAULTS, ...given, ...routes };
}

function routesOf(options: RouteOptions = {}): Required<RouteOptions> {
  return { decorators: options.decorators ?? [] };
}

/** A factory is asked too late for decorators. `forRoot` gives the same twice. */
function known(option: string, { decorators: registered }: Required<RouteOptions>): Rules {
  return {
    decorators: {
      allowed: 'nothing',
      place: `beside the factory alone: forRootAsync({ ${option}: { decorators: […] }, useFactory: … })`,
      accepts: (value) => value === registered,
    },
  };
}

/** Groups that are in both have the rules of both. */
function merge(rules: Rules, others: Rules): Rules {
  const merged = { ...rules, ...others };
  for (const [option, rule] of Object.entries(rules)) {
    const other = others[option];
    if (other && !isRule(rule) && !isRule(other)) merged[option] = { ...rule, ...other };
  }
  return merged;
}

function check(options: unknown, rules: Rules): void {
  const faults = faultsOf(options, rules, '');
  if (faults.length > 0) throw new Error(`DjaffarModule: ${faults.join('; ')}`);
}

function faultsOf(options: unknown, rules: Rules, prefix: string): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return [
      `${prefix ? `option "${prefix.slice(0, -1)}"` : 'what was given'} is ${inspect(options)}; allowed: an object`,
    ];
  }
  const given: Record<string, unknown> = { ...options };
  for (const [option, rule] of Object.entries(rules))
    if (isRule(rule) && rule.required && !(option in given)) given[option] = undefined;
  return Object.entries(given).flatMap(([option, value]) => {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    const name = prefix + option;
    if (!rule) return [`option "${name}" is not known; allowed: ${optionsOf(rules).join(', ')}`];
    if (!isRule(rule)) return value === undefined ? [] : faultsOf(value, rule, `${name}.`);
    if (value === undefined)
      return rule.required ? [`option "${name}" is missing; allowed: ${rule.allowed}`] : [];
    if (rule.accepts(value)) return [];
    if (rule.place) return [`option "${name}" belongs ${rule.place}`];
    const fault = rule.fault?.(value) ?? `is ${shown(value, rule)}`;
    return [`option "${name}" ${fault}; allowed: ${rule.allowed}`];
  });
}

/** Those that may be given here. */
function optionsOf(rules: Rules): string[] {
  return Object.entries(rules).flatMap(([option, rule]) => (isRule(rule) && rule.place ? [] : [option]));
}

function shown(value: unknown, { isSecret }: Rule): string {
  return isSecret && value !== null ? 'something else' : inspect(value, { depth: 0 });
}

function isRule(rule: Rule | Rules): rule is Rule {
  return typeof rule.accepts === 'function';
}

/** So that an explicit `undefined` does not beat a default. */
function withoutUndefined<T extends object>(options: T): T {
  const given = { ...options };
  for (const option in given) if (given[option] === undefined) delete given[option];
  return given;
}
