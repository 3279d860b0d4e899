import type { IpPolicy } from '../activity/ip-address.js';
import type { SaltRotation } from '../privacy/salt.js';
import type { Duration } from '../time/duration.js';

/** Knows the countries of addresses; `mmdb(file)` returns one. */
export interface GeoDatabase {
  /** Called once, before the application listens; if it rejects, the application does not start. */
  open(): Promise<void>;
  /**
   * Called when a session begins. It must be quick, because nobody waits for it.
   * @param address IPv4, or IPv6 that is not IPv4-mapped; it is the whole address, whatever the option `ip` is
   * @returns an ISO 3166-1 code, such as `DE`
   */
  countryOf(address: string): string | null;
}

/** The source of a session's country. */
export type GeoOption = 'headers' | GeoDatabase | false;

/** How visitors are recognized. */
export type PrivacyMode = 'identified' | 'cookieless' | 'cnil';

/** So that a function may name the request type of its adapter. */
interface PrivacyChoice {
  choose(request: unknown): PrivacyMode | Promise<PrivacyMode>;
}

/** How to handle activities of visitors who ask not to be tracked. */
export type PrivacySignalPolicy = 'anonymise' | 'drop' | 'ignore';

/** Options for what is stored about visitors, and for how long. */
export interface PrivacyOptions {
  /**
   * How visitors are recognized. `identified`: by a cookie, and as the user who is logged in. `cookieless`: nothing is stored on the
   * device, so a session lasts at most a day, and people with equal browsers behind one address are one session. `cnil`: by a cookie, but
   * with a masked address and never as a user. A function decides for each request, for example by country; it may return a promise.
   * @defaultValue 'identified'
   */
  privacy?: PrivacyMode | PrivacyChoice['choose'] | undefined;

  /** Sessions without a cookie. */
  cookieless?:
    | {
        /**
         * How often the salt is replaced from which the ids of sessions are computed, in UTC. Nobody can be recognized for longer.
         * @defaultValue 'day'
         */
        rotate?: SaltRotation | undefined;
      }
    | undefined;

  /**
   * Returns true, or a promise of it, if the visitor of a request has agreed to be identified. `consentCookie` reads the choice that
   * `djaffar.consent(true)` stored in the browser. Without consent nothing is stored on the device. Only `true` is consent.
   */
  consent?(request: unknown): boolean | Promise<boolean>;

  /**
   * Whether activities of visitors without consent are stored.
   * @defaultValue 'cookieless'
   */
  withoutConsent?: 'cookieless' | 'nothing' | undefined;

  /**
   * How to handle a session if its visitor withdraws consent: `erase` erases its activities before the next request of the browser is
   * answered, `keep` only removes the cookie.
   * @defaultValue 'keep'
   */
  onWithdrawal?: 'keep' | 'erase' | undefined;

  /**
   * How to handle activities of visitors whose browser sends `Sec-GPC: 1` (Global Privacy Control) or `DNT: 1`.
   * `anonymise` stores them without user, session, visit and address, and sets no cookie. `drop` stores nothing; the response is still 204.
   * `ignore` treats these visitors like all others; but the browser tracker sends nothing for them unless it has the attribute
   * `data-ignore-dnt`.
   * @defaultValue 'ignore'
   */
  respect?: PrivacySignalPolicy | undefined;

  /**
   * How much of an IP address is stored; `masked` zeroes the last octet of IPv4 and the last 80 bits of IPv6.
   * @defaultValue 'full'
   */
  ip?: IpPolicy | undefined;

  /**
   * The source of a session's country: `headers` of a CDN (Cloudflare, CloudFront, Vercel, App Engine), or a database of addresses such as
   * `mmdb('GeoLite2-Country.mmdb')`. The database is queried with the full address, before `ip` masks it. Clients that can reach the
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
   * How long activities are kept, and how long they identify the user. Once a day, one instance erases and anonymises older activities in
   * small steps. Without `statistics.background`, run `djaffar retain` once a day instead.
   */
  retention?: RetentionPolicy | undefined;
}

/** How long activities are kept: each duration ends with the start of a UTC day. */
export interface RetentionPolicy {
  /** After this, activities are erased. */
  keep?: Duration | undefined;
  /** After this, activities with these names are erased, and their counts too. */
  names?: Record<string, Duration> | undefined;
  /** After this, activities have no user, name, address and session any more; see `ActivityService.anonymise`. */
  anonymiseAfter?: Duration | undefined;
  /** Keys of properties that are also removed then. */
  anonymiseProperties?: readonly string[] | undefined;
  /**
   * How to handle the statistics of erased activities: `erase` erases them too; `keep` keeps the counts of whole days, which are never
   * recomputed. docs/privacy.md lists the questions that can still be answered.
   * @defaultValue 'erase'
   */
  figures?: 'keep' | 'erase' | undefined;
}
