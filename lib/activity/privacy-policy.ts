import type { PrivacyMode } from '../options/privacy.options.js';
import type { Settings } from '../options/settings.js';
import type { IpPolicy } from './ip-address.js';

/** The whole address is stored only in the mode `identified`. */
export function restrictIpPolicy(mode: PrivacyMode | 'nothing', policy: IpPolicy): IpPolicy {
  return mode === 'identified' || policy === 'none' ? policy : 'masked';
}

/**
 * Returns the privacy mode of activities outside of a request. A context that a job got from a request already contains only what may be
 * stored.
 */
export function modeOutsideRequest({ privacy, consent }: Pick<Settings, 'privacy' | 'consent'>): PrivacyMode {
  if (privacy === 'cnil') return 'cnil';
  return privacy === 'cookieless' && !consent ? 'cookieless' : 'identified';
}
