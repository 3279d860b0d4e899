import { MAX_TIMER } from '../time/time-limit.js';

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

/** Merges two sets of rules; a group that is in both gets the rules of both. */
export function mergeRules(rules: Rules, others: Rules): Rules {
  const merged = { ...rules, ...others };
  for (const [option, rule] of Object.entries(rules)) {
    const other = others[option];
    if (other && !isRule(rule) && !isRule(other)) merged[option] = { ...rule, ...other };
  }
  return merged;
}

export const isFunction = (value: unknown): boolean => typeof value === 'function';

export const aFunction: Rule = { allowed: 'a function', accepts: isFunction };

export const aBoolean: Rule = { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' };

export const oneOf = (...values: string[]): Rule => ({
  allowed: values.map((value) => `'${value}'`).join(' or '),
  accepts: (value) => typeof value === 'string' && values.includes(value),
});

export const isWholeNumber = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;

export const wholeNumber = (min: number, max = MAX_TIMER): Rule => ({
  allowed: `a whole number from ${min} to ${max}`,
  accepts: (value) => isWholeNumber(value, min, max),
});
