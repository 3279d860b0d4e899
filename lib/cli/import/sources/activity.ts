import { LRUCache } from 'lru-cache';
import type { Properties } from '../../../activity/activity.js';
import { COUNTRIES, storedCountry } from '../../../activity/country.js';
import { parseIsoDate } from '../../../activity/iso-date.js';
import { storedLanguage } from '../../../activity/language.js';
import { MAX_NAME, MAX_PATH } from '../../../activity/new-activity.js';
import { storedIp } from '../../../activity/ip-address.js';
import { validateProperties } from '../../../activity/properties.js';
import { withoutOwnHost } from '../../../activity/referrer.js';
import { truncate, sanitize } from '../../../activity/text.js';
import { deriveActivityId, deriveVisitId } from '../ids.js';
import type { OnLoss } from './source-row.js';

/** How many visits, and rows, are kept in memory. */
const MAX_KNOWN = 100_000;

export const UTM = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'] as const;
export type Utm = Partial<Record<(typeof UTM)[number], string | undefined>>;

/** The browser of a session, as far as the tool knows it; the country is a code, or its English name. */
export interface Browser {
  userAgent?: string | undefined;
  browser?: string | undefined;
  system?: string | undefined;
  device?: string | undefined;
  country?: string | undefined;
  language?: string | undefined;
}

/** An activity with the names and values of the tool. */
export interface SourceActivity {
  /** A UUID of the tool, or values that identify its row. */
  id: string | unknown[];
  /** ISO 8601, without an offset UTC; or as Ruby writes it, such as `2026-03-01 10:00:00 +0100`. */
  date: string;
  name: string;
  /** A path, or a URL. */
  url: string;
  properties?: Properties | undefined;
  user?: string | undefined;
  session?: string | undefined;
  visit?: string | undefined;
  ip?: string | undefined;
  browser?: Browser | undefined;
  /** The referrer of the visit; only used for its first activity. */
  referrer?: string | undefined;
  /** The UTM parameters of the visit; only used for its first activity. */
  utm?: Utm;
  /** The host of the app, which is not a referrer of its own visits. */
  host?: string | undefined;
}

/** Converts the activities of one tool to rows of docs/import.md. */
export class ActivityMaker {
  private readonly starts = new LRUCache<string, number>({ max: MAX_KNOWN });
  private readonly occurrences = new LRUCache<string, number>({ max: MAX_KNOWN });

  /** @param tool is a part of ids, so that those of two tools differ */
  constructor(
    private readonly tool: string,
    private readonly onLoss: OnLoss,
  ) {}

  /** Equal rows without an id count as separate activities within a file; the same row in another file is the same activity. */
  beginFile(): void {
    this.occurrences.clear();
  }

  /** Returns the key of a row without an id, the same in each import. */
  buildKey(...content: unknown[]): unknown[] {
    const key = JSON.stringify(content);
    const count = this.occurrences.get(key) ?? 0;
    this.occurrences.set(key, count + 1);
    return [key, count];
  }

  make(activity: SourceActivity): Properties {
    const { id, user, session, visit } = activity;
    const date = activity.date.replace(/ (?:UTC|([+-]\d\d:?\d\d))$/, (_, offset?: string) => offset ?? 'Z');
    const isFirst = visit !== undefined && this.isFirst(visit, date);
    const path = isFirst ? withUtm(parsePath(activity.url), activity.utm ?? {}) : parsePath(activity.url);
    const referrer = isFirst ? activity.referrer : undefined;
    return {
      id: typeof id === 'string' ? id : deriveActivityId([this.tool, ...id]),
      date,
      name: this.truncate('name', activity.name, MAX_NAME),
      path: this.truncate('path', path, MAX_PATH),
      referer: referrer
        ? withoutOwnHost(this.truncate('referrer', referrer, MAX_PATH), [activity.host])
        : null,
      properties: this.checkProperties(activity.properties),
      userId: user === undefined ? null : this.truncate('user', user, 255),
      sessionId: session === undefined ? null : `${this.tool}-${sanitize(session)}`,
      visitId: visit === undefined ? null : deriveVisitId(`${this.tool}\n${visit}`),
      ipAddress: this.parseIp(activity.ip),
      ...(session !== undefined && { session: this.buildSession(activity.browser ?? {}) }),
    };
  }

  /** Whether this is the earliest known activity of the visit; rows may be in any order. */
  private isFirst(visit: string, date: string): boolean {
    const time = parseIsoDate(date) ?? Number.NaN;
    const first = this.starts.get(visit) ?? Number.POSITIVE_INFINITY;
    if (time > first) return false;
    this.starts.set(visit, time);
    return true;
  }

  private buildSession({ userAgent, browser, system, device, country, language }: Browser): Properties {
    return {
      ...(userAgent !== undefined && { userAgent: sanitize(userAgent).slice(0, 1024) }),
      ...(browser !== undefined && { browser: this.truncate('browser', browser, 64) }),
      ...(system !== undefined && { system: this.truncate('operating system', system, 64) }),
      ...(device !== undefined && { device: this.truncate('device', device, 16) }),
      ...(country !== undefined && { country: this.known('country', country, countryNamed(country)) }),
      ...(language !== undefined && { language: this.known('language', language, storedLanguage(language)) }),
    };
  }

  private checkProperties(given: Properties | undefined): Properties | null {
    if (!given) return null;
    const known = Object.entries(given).filter(([, value]) => value !== undefined);
    if (known.length === 0) return null;
    const properties = Object.fromEntries(known);
    const fault = validateProperties(properties);
    if (!fault) return properties;
    this.onLoss(`properties (they ${fault})`);
    return null;
  }

  private parseIp(text: string | undefined): string | null {
    if (text === undefined) return null;
    const ip = storedIp(text);
    if (!ip) this.onLoss('IP address (it is none)');
    return ip;
  }

  private known(what: string, text: string, found: string | null): string | null {
    if (found === null && !NOT_KNOWN.has(text)) this.onLoss(`${what} (it is none)`);
    return found;
  }

  private truncate(what: string, text: string, characters: number): string {
    const storable = sanitize(text);
    const short = truncate(storable, characters);
    if (short !== storable) this.onLoss(`end of ${what} (longer than ${characters} characters)`);
    return short;
  }
}

/** Returns the path and query of a URL; `/` if there is none. */
function parsePath(url: string): string {
  const path = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  return path === '' || path.startsWith('?') ? `/${path}` : path;
}

/** Adds UTM parameters to the query string of the path, from which they are counted, unless it has them. */
function withUtm(path: string, utm: Utm): string {
  const [, before = '', fragment = ''] = /^([^#]*)(.*)$/s.exec(path) ?? [];
  const [bare = '', ...query] = before.split('?');
  const given = new URLSearchParams(query.join('?'));
  const added = UTM.flatMap((name) => {
    const value = utm[name];
    return value && !given.get(name) ? `${name}=${encodeURIComponent(value)}` : [];
  });
  if (added.length === 0) return path;
  return `${bare}?${[...query, ...added].join('&')}${fragment}`;
}

/** Djaffar's names of browsers, operating systems and devices; other names are not changed. */
const NAMES = new Map<string, string>(
  Object.entries({
    // Umami
    chrome: 'Chrome',
    crios: 'Chrome',
    'chromium-webview': 'Chrome',
    firefox: 'Firefox',
    fxios: 'Firefox',
    safari: 'Safari',
    ios: 'Safari',
    'ios-webview': 'Safari',
    edge: 'Microsoft Edge',
    'edge-chromium': 'Microsoft Edge',
    'edge-ios': 'Microsoft Edge',
    opera: 'Opera',
    samsung: 'Samsung Internet for Android',
    android: 'Android Browser',
    facebook: 'Facebook',
    instagram: 'Instagram',
    ie: 'Internet Explorer',
    yandexbrowser: 'Yandex Browser',
    'Android OS': 'Android',
    'Mac OS': 'macOS',
    laptop: 'desktop',
    // Plausible, ahoy
    Mac: 'macOS',
    'Mac OS X': 'macOS',
    'GNU/Linux': 'Linux',
    'Mobile App': 'Mobile App',
    'Samsung Browser': 'Samsung Internet for Android',
    Edge: 'Microsoft Edge',
    // Matomo
    FF: 'Firefox',
    FM: 'Firefox',
    CH: 'Chrome',
    CM: 'Chrome',
    CI: 'Chrome',
    SF: 'Safari',
    MF: 'Safari',
    PS: 'Microsoft Edge',
    OP: 'Opera',
    SB: 'Samsung Internet for Android',
    IE: 'Internet Explorer',
    AN: 'Android Browser',
    'Chrome Mobile': 'Chrome',
    'Mobile Safari': 'Safari',
    'Firefox Mobile': 'Firefox',
    WIN: 'Windows',
    MAC: 'macOS',
    LIN: 'Linux',
    UBT: 'Linux',
    AND: 'Android',
    IOS: 'iOS',
    COS: 'Chrome OS',
    smartphone: 'mobile',
    phablet: 'mobile',
    // GA4
    Macintosh: 'macOS',
    'Samsung Internet': 'Samsung Internet for Android',
    'smart tv': 'tv',
  }),
);

/** How the tools write an unknown country or language; Plausible writes two zero bytes. */
const NOT_KNOWN = new Set(['\0\0', '(not set)', 'XX', 'xx', 'ZZ']);

/** Names that GA4 has and ICU has not, or not in all versions. */
const OTHER_NAMES: [name: string, code: string][] = [
  ['Turkey', 'TR'],
  ['Türkiye', 'TR'],
  ['Czech Republic', 'CZ'],
  ['Hong Kong', 'HK'],
  ['Macao', 'MO'],
  ['Macau', 'MO'],
  ['Palestine', 'PS'],
  ['Swaziland', 'SZ'],
  ['Myanmar', 'MM'],
];

let codes: Map<string, string> | undefined;

/** Returns the code of a country by its code, or its English name as ICU has it. */
function countryNamed(text: string): string | null {
  const code = storedCountry(text);
  if (code !== null) return code;
  if (!codes) {
    const names = new Intl.DisplayNames('en', { type: 'region' });
    codes = new Map([...COUNTRIES].map((each) => [names.of(each) ?? each, each]));
    for (const [name, each] of OTHER_NAMES) codes.set(name, each);
  }
  return codes.get(text.replaceAll('&', 'and')) ?? codes.get(text) ?? null;
}

export function normalizeName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  return NAMES.get(name) ?? (name.startsWith('Windows ') ? 'Windows' : name);
}

export function normalizeDevice(name: string | undefined): string | undefined {
  return normalizeName(name?.toLowerCase());
}

/** Returns the host name of a URL; `undefined` if it is none. */
export function parseHost(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
}
