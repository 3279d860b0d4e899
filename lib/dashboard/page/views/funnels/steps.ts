import type { FunnelStep } from '../../../../statistics/statistics.types.js';
import { typedKeys } from '../../state/keys.js';

/** The kinds of steps. */
export const STEP_KINDS = { path: 'Page', route: 'Route', name: 'Activity' } as const;

export type StepKind = keyof typeof STEP_KINDS;

export interface Step {
  kind: StepKind;
  /** Empty until the user has chosen. */
  value: string;
}

export const MAX_STEPS = 8;

export const NEW_STEP: Step = { kind: 'path', value: '' };

/** Parses steps such as `step=path=/pricing&step=name=bought`, as on the command line. */
export function parseSteps(url: URLSearchParams): Step[] {
  const steps = url.getAll('step').flatMap((text) => {
    const end = text.indexOf('=');
    const kind = typedKeys(STEP_KINDS).find((each) => each === text.slice(0, end));
    return kind ? [{ kind, value: text.slice(end + 1) }] : [];
  });
  return steps.slice(0, MAX_STEPS);
}

export const stepParameter = ({ kind, value }: Step): string => `${kind}=${value}`;

/** Converts a step for the API. */
export const toQuestion = ({ kind, value }: Step): FunnelStep => ({ [kind]: value });

/** Converts a step of the API. */
export function fromApiStep(step: FunnelStep): Step {
  const kind = typedKeys(STEP_KINDS).find((each) => step[each] !== undefined) ?? 'name';
  const value = step[kind];
  // On this page, a step has a single value.
  return { kind, value: typeof value === 'string' ? value : '' };
}

/** Returns the steps with one of them moved to another index. */
export function moved(steps: Step[], from: number, to: number): Step[] {
  const rest = steps.toSpliced(from, 1);
  return rest.toSpliced(to, 0, ...steps.slice(from, from + 1));
}

const HOUR = 3_600_000;

export const WITHIN = {
  all: 'The whole range',
  '1h': '1 hour',
  '1d': '1 day',
  '7d': '7 days',
} as const;

export type Within = keyof typeof WITHIN;

export const WITHIN_MILLISECONDS: Partial<Record<Within, number>> = {
  '1h': HOUR,
  '1d': 24 * HOUR,
  '7d': 7 * 24 * HOUR,
};

export function parseWithin(url: URLSearchParams): Within {
  const given = url.get('within');
  return typedKeys(WITHIN).find((each) => each === given) ?? 'all';
}
