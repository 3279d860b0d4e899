import type { GeoOption } from './geo.options.js';
import type { IpPolicy } from '../activity/ip-address.js';
import type { SaltRotation } from '../privacy/salt.js';
import type { Duration } from '../time/duration.js';

/** How much is known of visitors. */
export type PrivacyMode = 'identified' | 'cookieless' | 'cnil';

/** So that a function may name the request type of its adapter. */
interface PrivacyChoice {
  choose(request: unknown): PrivacyMode | Promise<PrivacyMode>;
}

/** What happens to activities of visitors who ask not to be tracked. */
export type PrivacySignalPolicy = 'anonymise' | 'drop' | 'ignore';

/** The options that say what is stored about visitors, and for how long. */
export interface PrivacyOptions {
  /**
   * How much is known of visitors: `identified` by a cookie and as the user who is logged in; `cookieless` without anything stored
   * on the device, so that a session lasts a day at most and people behind one address with equal browsers are one; `cnil` by a
   * cookie, but with a masked address and never as a user. A function decides for each request, such as by country; it may return a
   * promise.
   * @defaultValue 'identified'
   */
  privacy?: PrivacyMode | PrivacyChoice['choose'] | undefined;

  /** Sessions without a cookie. */
  cookieless?:
    | {
        /**
         * How often the salt is replaced from which sessions are made, in UTC. Nobody can be recognized longer.
         * @defaultValue 'day'
         */
        rotate?: SaltRotation | undefined;
      }
    | undefined;

  /**
   * Returns whether the visitor of a request has agreed to be identified, or a promise of it; `consentCookie` reads what
   * `djaffar.consent(true)` in the browser has said. Without consent nothing is stored on the device. Only `true` is consent.
   */
  consent?(request: unknown): boolean | Promise<boolean>;

  /**
   * What is stored of visitors without consent.
   * @defaultValue 'cookieless'
   */
  withoutConsent?: 'cookieless' | 'nothing' | undefined;

  /**
   * What becomes of a session if its visitor withdraws consent: `erase` erases its activities before the next request of the
   * browser is answered, `keep` only removes the cookie.
   * @defaultValue 'keep'
   */
  onWithdrawal?: 'keep' | 'erase' | undefined;

  /**
   * What happens to activities of visitors whose browser sends `Sec-GPC: 1` (Global Privacy Control) or `DNT: 1`.
   * `anonymise` stores them without user, session, visit and address, and sets no cookie. `drop` stores nothing; the answer
   * is 204 all the same. `ignore` treats these visitors as all others; the browser tracker itself sends nothing of them
   * unless it has the attribute `data-ignore-dnt`.
   * @defaultValue 'ignore'
   */
  respect?: PrivacySignalPolicy | undefined;

  /**
   * How much of an IP address is stored; `masked` zeroes the last octet of IPv4 and the last 80 bits of IPv6.
   * @defaultValue 'full'
   */
  ip?: IpPolicy | undefined;

  /**
   * Where the country of a session comes from: `headers` of a CDN (Cloudflare, CloudFront, Vercel, App Engine), or a database of
   * addresses, such as `mmdb('GeoLite2-Country.mmdb')`, which is asked before `ip` masks the address. Whoever can reach the
   * application without the CDN can send any country.
   * @defaultValue false
   */
  geo?: GeoOption | undefined;

  /**
   * Names of query parameters that are removed from `path`, `referer` and the property `url` before an activity is stored,
   * and before `transform`. Case, `-`, `_` and brackets are ignored; `*token` also matches `resetToken`. An empty array
   * removes none.
   * @defaultValue `SECRET_PARAMETERS`: `*token`, `*password`, `*email`, `code` and other likely secrets
   */
  scrub?: readonly string[] | undefined;

  /**
   * How long activities are kept, and for how long they say who did them. Once a day, one instance erases and anonymises what
   * is older, in small steps. Without `statistics.background`, run `djaffar retain` once a day instead.
   */
  retention?: RetentionPolicy | undefined;
}

/** How long activities are kept: each duration ends with the start of a UTC day. */
export interface RetentionPolicy {
  /** After this, activities are erased. */
  keep?: Duration | undefined;
  /** The same for activities of some names. What was counted of them goes, too. */
  names?: Record<string, Duration> | undefined;
  /** After this, activities have no user, name, address and session any more; see `ActivityService.anonymise`. */
  anonymiseAfter?: Duration | undefined;
  /** Keys of properties that are removed from them besides. */
  anonymiseProperties?: readonly string[] | undefined;
  /**
   * What becomes of the statistics when `keep` is over: `erase` erases them too, `keep` keeps the counts of whole days, which
   * are never recomputed then. docs/privacy.md says which questions are still answered.
   * @defaultValue 'erase'
   */
  figures?: 'keep' | 'erase' | undefined;
}
