import { inspect } from 'node:util';
import type { PrivacyMode } from '../options/privacy.options.js';
import { PRIVACY_MODES, type Settings } from '../options/settings.js';

/** The data that may be stored about the visitor of a request. */
export interface PrivacyDecision {
  /** `nothing`: no activity at all. */
  mode: PrivacyMode | 'nothing';
  /** Whether the user and the name of the group are stored. */
  isUserStored: boolean;
  /** Whether the visitor has agreed; `null` without the option `consent`. */
  consent: boolean | null;
}

type PrivacySettings = Pick<Settings, 'privacy' | 'consent' | 'withoutConsent'>;

/** Whether any request may be stored without a cookie. */
export function mayBeCookieless({ privacy, consent, withoutConsent }: PrivacySettings): boolean {
  return (
    typeof privacy === 'function' ||
    privacy === 'cookieless' ||
    (!!consent && withoutConsent === 'cookieless')
  );
}

/** Whether the tracker must leave nothing on the device, because some visitors have not agreed to it. */
export function keepsQueueInMemory(settings: PrivacySettings): boolean {
  return mayBeCookieless(settings) || settings.consent !== undefined;
}

/**
 * With consent, a visitor is identified although the mode is cookieless.
 * @returns a promise only if a function of the host returns one
 * @throws Error if a function of the host returns something else than it may
 */
export function decide(
  request: unknown,
  settings: PrivacySettings,
): PrivacyDecision | Promise<PrivacyDecision> {
  const { privacy, consent } = settings;
  const answer: unknown = consent?.(request);
  // If the other function fails first, nobody waits for this one.
  if (answer instanceof Promise) answer.catch(() => {});
  const mode: unknown = typeof privacy === 'function' ? privacy(request) : privacy;
  return answer instanceof Promise || mode instanceof Promise
    ? Promise.all([mode, answer]).then(([awaited, given]) => buildDecision(awaited, given, settings))
    : buildDecision(mode, answer, settings);
}

/** The decision until the host's functions have returned: that for a visitor without consent. */
export function undecided({ consent, withoutConsent }: PrivacySettings): PrivacyDecision {
  return {
    mode: consent ? withoutConsent : 'cookieless',
    isUserStored: false,
    consent: consent ? false : null,
  };
}

function buildDecision(
  given: unknown,
  answer: unknown,
  { consent, withoutConsent }: PrivacySettings,
): PrivacyDecision {
  const mode = PRIVACY_MODES.find((known) => known === given);
  if (mode === undefined) throw wrongMode(given);
  const isUserStored = mode !== 'cnil';
  if (!consent) return { mode, isUserStored, consent: null };
  if (answer !== true) return { mode: withoutConsent, isUserStored, consent: false };
  return { mode: mode === 'cookieless' ? 'identified' : mode, isUserStored, consent: true };
}

function wrongMode(given: unknown): Error {
  const allowed = PRIVACY_MODES.map((known) => `'${known}'`).join(', ');
  return new Error(
    `DjaffarModule: the function of the option "privacy" returned ${inspect(given, { depth: 0 })}; allowed: ${allowed}`,
  );
}
