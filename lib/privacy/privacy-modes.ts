import { inspect } from 'node:util';
import type { PrivacyMode } from '../options/privacy.options.js';
import { PRIVACY_MODES, type Settings } from '../options/settings.js';

/** How a request is stored; `nothing`: not at all. */
export type EffectiveMode = PrivacyMode | 'nothing';

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
 * @throws Error if a function of the host returns something else than it may
 */
export function modeOf(
  request: unknown,
  { privacy, consent, withoutConsent }: PrivacySettings,
): EffectiveMode {
  const mode = typeof privacy === 'function' ? knownMode(privacy(request)) : privacy;
  if (!consent) return mode;
  if (!hasAgreed(consent(request))) return withoutConsent;
  return mode === 'cookieless' ? 'identified' : mode;
}

function knownMode(mode: PrivacyMode): PrivacyMode {
  if (PRIVACY_MODES.includes(mode)) return mode;
  throw wrongResult('privacy', mode, PRIVACY_MODES.map((known) => `'${known}'`).join(', '));
}

/** A promise would be true for everybody. */
function hasAgreed(answer: unknown): boolean {
  if (answer instanceof Promise) throw wrongResult('consent', answer, 'true or false');
  return answer === true;
}

function wrongResult(option: string, result: unknown, allowed: string): Error {
  // Nobody else waits for it.
  if (result instanceof Promise) result.catch(() => {});
  const given = result instanceof Promise ? 'a promise' : inspect(result, { depth: 0 });
  return new Error(
    `DjaffarModule: the function of the option "${option}" returned ${given}; allowed: ${allowed}`,
  );
}
