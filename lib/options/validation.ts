import { inspect } from 'node:util';
import type { DjaffarOptions } from './djaffar.options.js';
import type { RetentionPolicy } from './privacy.options.js';
import type { RegistrationOptions, RouteOptions } from './route.options.js';
import { LATE_REGISTRATION_RULES, lateDecoratorRules, REGISTRATION_RULES } from './registration-rules.js';
import { isRule, mergeRules, type Rule, type Rules } from './rule.js';
import { OPTION_RULES, RETENTION_RULES } from './rules.js';
import { DEFAULTS, REGISTRATION_DEFAULTS, type Registration, type Settings } from './settings.js';

/** The limits of the CNIL for audience measurement without consent. */
const CNIL_RETENTION = '25 months';

/**
 * Checks the options and fills in the defaults.
 * @param registration the options that were given when the module was registered
 * @throws Error with one message that names each wrong option, what was given and what is allowed
 */
export function toSettings(
  options: unknown,
  registration: Pick<Registration, 'api' | 'dashboard'> = REGISTRATION_DEFAULTS,
): Settings {
  const { api, dashboard } = registration;
  const registered = {
    api: lateDecoratorRules('api', api.decorators),
    dashboard: lateDecoratorRules('dashboard', dashboard.decorators),
  };
  check(options ?? {}, mergeRules(mergeRules(OPTION_RULES, LATE_REGISTRATION_RULES), registered));
  const given = withoutUndefined((options ?? {}) as DjaffarOptions);
  return {
    ...DEFAULTS,
    ...given,
    ...(given.privacy === 'cnil' && {
      retention: { keep: CNIL_RETENTION, ...withoutUndefined(given.retention ?? {}) },
    }),
    cookieless: { ...DEFAULTS.cookieless, ...withoutUndefined(given.cookieless ?? {}) },
    session: { ...DEFAULTS.session, ...withoutUndefined(given.session ?? {}) },
    writer: { ...DEFAULTS.writer, ...withoutUndefined(given.writer ?? {}) },
    statistics: { ...DEFAULTS.statistics, ...withoutUndefined(given.statistics ?? {}) },
  };
}

/**
 * Checks all that `forRoot` was given: the options, and those of the registration.
 * @throws Error as {@link toSettings} does
 */
export function checkForRoot(options: object): void {
  check(options, mergeRules(OPTION_RULES, REGISTRATION_RULES));
}

/**
 * Checks what `forRootAsync` was given beside the factory.
 * @throws Error as {@link toSettings} does
 */
export function checkForRootAsync({ api, dashboard }: Pick<RegistrationOptions, 'api' | 'dashboard'>): void {
  check({ api, dashboard }, REGISTRATION_RULES);
}

/**
 * Checks the options of the registration and fills in the defaults.
 * @throws Error as {@link toSettings} does
 */
export function toRegistration(options: RegistrationOptions): Registration {
  const { path, route, tracker, dataSource, decorators, isGlobal } = options;
  const given = withoutUndefined<RegistrationOptions>({
    path,
    route,
    tracker,
    dataSource,
    decorators,
    isGlobal,
  });
  const routes = { api: toRoutes(options.api), dashboard: toRoutes(options.dashboard) };
  check({ ...given, ...routes }, REGISTRATION_RULES);
  return { ...REGISTRATION_DEFAULTS, ...given, ...routes };
}

/**
 * Checks the option `retention` that the file of a data source exports.
 * @throws Error as {@link toSettings} does
 */
export function toRetention(given: unknown, file: string): RetentionPolicy {
  const errors = findErrors({ retention: given }, { retention: RETENTION_RULES }, '');
  if (errors.length > 0) throw new Error(`${file} exports a "retention" that is wrong: ${errors.join('; ')}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was checked
  return given as RetentionPolicy;
}

function toRoutes(options: RouteOptions = {}): Required<RouteOptions> {
  return { decorators: options.decorators ?? [] };
}

function check(options: unknown, rules: Rules): void {
  const errors = [...findErrors(options, rules, ''), ...findUselessOptions(options)];
  if (errors.length > 0) throw new Error(`DjaffarModule: ${errors.join('; ')}`);
}

/** Finds options that do nothing without another one. */
function findUselessOptions(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return [];
  const {
    consent,
    database,
    events,
    privacy,
    retention,
    session,
    store,
    subscriptions,
    unknownEvents,
    webhooks,
    withoutConsent,
    onWithdrawal,
  }: Partial<
    Record<
      | 'consent'
      | 'database'
      | 'events'
      | 'privacy'
      | 'retention'
      | 'session'
      | 'store'
      | 'subscriptions'
      | 'unknownEvents'
      | 'webhooks'
      | 'withoutConsent'
      | 'onWithdrawal',
      unknown
    >
  > = options;
  const errors: string[] = [];
  const find = (option: string, value: unknown, other: string, isThere: boolean): void => {
    if (value === undefined || isThere) return;
    errors.push(
      `option "${option}" is ${inspect(value, { depth: 0 })}; allowed: only with the option "${other}"`,
    );
  };
  errors.push(...findWebhookErrors(webhooks, subscriptions));
  find('withoutConsent', withoutConsent, 'consent', consent !== undefined);
  find('onWithdrawal', onWithdrawal, 'consent', consent !== undefined);
  if (privacy === 'cnil' && typeof session === 'object' && session !== null) {
    const { absoluteMaxAge }: { absoluteMaxAge?: unknown } = session;
    if (typeof absoluteMaxAge === 'number' && absoluteMaxAge > DEFAULTS.session.absoluteMaxAge)
      errors.push(
        `option "session.absoluteMaxAge" is ${absoluteMaxAge}; allowed: at most 13 months with the option "privacy" 'cnil'`,
      );
  }
  if (database !== undefined && store !== undefined)
    errors.push('options "database" and "store" are both given; allowed: one of them');
  find('unknownEvents', unknownEvents, 'events', events !== undefined);
  if (typeof retention === 'object' && retention !== null) {
    const given: {
      keep?: unknown;
      figures?: unknown;
      anonymiseAfter?: unknown;
      anonymiseProperties?: unknown;
    } = retention;
    const { keep, figures, anonymiseAfter, anonymiseProperties } = given;
    find('retention.figures', figures, 'retention.keep', keep !== undefined);
    const after = 'retention.anonymiseAfter';
    find('retention.anonymiseProperties', anonymiseProperties, after, anonymiseAfter !== undefined);
  }
  return errors;
}

/** Checks that depend on several properties of a webhook, or on the other subscriptions. */
function findWebhookErrors(webhooks: unknown, subscriptions: unknown): string[] {
  const names = new Set(namesOf(subscriptions, 'name'));
  const urls = namesOf(webhooks, 'url');
  const isUnnamed = namesOf(webhooks, 'name').length < urls.length;
  const errors: string[] = [];
  for (const [i, webhook] of (Array.isArray(webhooks) ? webhooks : []).entries()) {
    const given: { name?: unknown; url?: unknown; privateAddresses?: unknown } =
      typeof webhook === 'object' && webhook !== null ? webhook : {};
    if (typeof given.url === 'string' && /^http:/i.test(given.url) && given.privateAddresses !== true)
      errors.push(
        `option "webhooks[${i}].url" is not encrypted; allowed: http: only with the option "webhooks[${i}].privateAddresses"`,
      );
    if (typeof given.name === 'string' && names.has(given.name))
      errors.push(
        `option "webhooks[${i}].name" is '${given.name}'; allowed: a name that no subscription has`,
      );
  }
  if (isUnnamed && new Set(urls).size < urls.length)
    errors.push('option "webhooks" has a url twice; allowed: each with a name of its own');
  return errors;
}

function namesOf(given: unknown, key: 'name' | 'url'): unknown[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((each: { name?: unknown; url?: unknown } | null) => each?.[key] ?? []);
}

/** @param prefix the names of the groups that the options are in, such as `dashboard.session.` */
function findErrors(options: unknown, rules: Rules, prefix: string): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const subject = prefix ? `option "${prefix.slice(0, -1)}"` : 'what was given';
    return [`${subject} is ${inspect(options)}; allowed: an object`];
  }
  const given: Record<string, unknown> = { ...options };
  for (const [option, rule] of Object.entries(rules))
    if (isRule(rule) && rule.required && !(option in given)) given[option] = undefined;

  return Object.entries(given).flatMap(([option, value]) => {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    const name = prefix + option;
    if (!rule) return [`option "${name}" is not known; allowed: ${listOptions(rules).join(', ')}`];
    if (isRule(rule)) {
      const { each } = rule;
      const error = findError(name, value, rule);
      if (error !== undefined) return [error];
      return each && Array.isArray(value)
        ? value.flatMap((element, i) => findErrors(element, each, `${name}[${i}].`))
        : [];
    }
    return value === undefined ? [] : findErrors(value, rule, `${name}.`);
  });
}

function findError(name: string, value: unknown, rule: Rule): string | undefined {
  if (value === undefined)
    return rule.required ? `option "${name}" is missing; allowed: ${rule.allowed}` : undefined;
  if (rule.accepts(value)) return undefined;
  if (rule.place) return `option "${name}" belongs ${rule.place}`;
  const explained = rule.explain?.(value) ?? describe(value, rule);
  return `option "${name}" ${explained}; allowed: ${rule.allowed}`;
}

/** Returns the names of the options that may be given here. */
function listOptions(rules: Rules): string[] {
  return Object.entries(rules).flatMap(([option, rule]) => (isRule(rule) && rule.place ? [] : [option]));
}

function describe(value: unknown, { isSecret }: Rule): string {
  return isSecret && value !== null
    ? 'is wrong (a secret is not shown)'
    : `is ${inspect(value, { depth: 0 })}`;
}

/** Removes keys whose value is `undefined`, because they would replace a default. */
function withoutUndefined<T extends object>(options: T): T {
  const given = { ...options };
  for (const option in given) if (given[option] === undefined) delete given[option];
  return given;
}
