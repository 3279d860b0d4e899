import type { TrackRequest } from '../http/request.js';

/** The cookie in which `djaffar.consent()` keeps the visitor's choice. */
const CONSENT_COOKIE = /(?:^|;\s*)djaffar_consent=1(?:;|$)/;

/**
 * For the option `consent`: whether the visitor has agreed by `djaffar.consent(true)` in the browser.
 * @example
 * DjaffarModule.forRoot({ consent: consentCookie });
 */
export function consentCookie({ headers }: Pick<TrackRequest, 'headers'>): boolean {
  return CONSENT_COOKIE.test(headers.cookie ?? '');
}
