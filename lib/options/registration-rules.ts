import { aBoolean, isFunction, type Rule, type Rules } from './rule.js';
import { OPTION_RULES } from './rules.js';

const decorators: Rule = {
  allowed: 'an array of class decorators',
  accepts: (value) => Array.isArray(value) && value.every(isFunction),
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
export const LATE_REGISTRATION_RULES: Rules = Object.fromEntries(
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
export function lateDecoratorRules(option: string, registered: ClassDecorator[]): Rules {
  return {
    decorators: {
      allowed: 'nothing',
      place: `beside the factory alone: forRootAsync({ ${option}: { decorators: […] }, useFactory: … })`,
      accepts: (value) => value === registered,
    },
  };
}
