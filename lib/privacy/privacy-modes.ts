import type { IpPolicy } from '../activity/ip-address.js';
import type { PrivacyMode } from '../options/djaffar.options.js';
import type { Settings } from '../options/settings.js';

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

/** With consent, a visitor is identified although the mode is cookieless. */
export function modeOf(
  request: unknown,
  { privacy, consent, withoutConsent }: PrivacySettings,
): EffectiveMode {
  const mode = typeof privacy === 'function' ? privacy(request) : privacy;
  if (!consent) return mode;
  if (!consent(request)) return withoutConsent;
  return mode === 'cookieless' ? 'identified' : mode;
}

/** Only who is identified may have the whole address stored. */
export function ipPolicyOf(mode: EffectiveMode, policy: IpPolicy): IpPolicy {
  return mode === 'identified' || policy === 'none' ? policy : 'masked';
}
