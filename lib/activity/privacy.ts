import type { PrivacyMode } from '../options/privacy.options.js';
import type { Settings } from '../options/settings.js';
import type { IpPolicy } from './ip-address.js';

/** Whether a browser asks not to be tracked, by Global Privacy Control or Do Not Track. */
export function hasPrivacySignal(request: unknown): boolean {
  const headers = readHeaders(request);
  return (
    headers !== undefined && (Reflect.get(headers, 'sec-gpc') === '1' || Reflect.get(headers, 'dnt') === '1')
  );
}

/** Returns the headers of a request of Express, Fastify or Node; of nothing else, such as a job's context. */
function readHeaders(request: unknown): object | undefined {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return undefined;
  const { headers } = request;
  return typeof headers === 'object' && headers !== null ? headers : undefined;
}

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
