import bowser from 'bowser';
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';
import type { NewSession, Session, SessionSource } from './session.js';
import { sanitize, truncate } from './text.js';

const MAX_USER_AGENT = 1024;

type UserAgent = Pick<Session, 'userAgent' | 'browser' | 'system' | 'device' | 'bot'>;

/** Browsers inside apps, by the words that they add to the user agent of the system's browser. The first match counts. */
const IN_APP_BROWSERS: [name: string, mark: RegExp][] = [
  ['Instagram', /\bInstagram\b/],
  ['Threads', /\bBarcelona \d/],
  ['Messenger', /\bMessenger(?:For|Lite)|\bOrca-Android\b/],
  ['Facebook', /\bFB(?:AN|AV|_IAB)\//],
  ['TikTok', /\bmusical_ly|\btrill_|\bBytedanceWebview\b|\bTikTok\b/],
  ['LinkedIn', /\bLinkedInApp\b/],
  ['Google App', /\bGSA\//],
  ['Snapchat', /\bSnapchat\//],
  ['Pinterest', /\bPinterest\//],
  ['X', /\bTwitter for /],
];

/** Systems that bowser does not know, or names by the model. */
const SYSTEMS: [name: string, mark: RegExp, device: string][] = [
  ['PlayStation', /\bPlayStation (?:Vita|Portable)/i, 'tablet'],
  ['PlayStation', /\bPlayStation\b/i, 'tv'],
  ['Xbox', /\bXbox\b/, 'tv'],
  ['Nintendo Switch', /\bNintendo Switch\b/, 'tv'],
  ['Chrome OS', /\bCrOS\b/, 'desktop'],
];

/** Parses a `User-Agent` header; longer ones are truncated. */
export function parseUserAgent(header: string | null | undefined): UserAgent {
  if (!header) return { userAgent: null, browser: null, system: null, device: null, bot: false };
  const userAgent = truncate(sanitize(header), MAX_USER_AGENT);
  const { browser, os, platform } = bowser.parse(userAgent);
  const bot = isbot(userAgent);
  const [inApp] = IN_APP_BROWSERS.find(([, mark]) => mark.test(userAgent)) ?? [];
  const [system, , device] = SYSTEMS.find(([, mark]) => mark.test(userAgent)) ?? [];
  return {
    userAgent,
    browser: truncateOrNull((bot ? undefined : inApp) ?? browser.name, 64),
    system: truncateOrNull(system ?? os.name, 64),
    device: bot ? 'bot' : truncateOrNull(device ?? platform.type, 16),
    bot,
  };
}

/** Whether user agents are those of bots: to parse one takes some microseconds. */
const bots = new LRUCache<string, boolean>({ max: 500, memoMethod: (userAgent) => isbot(userAgent) });

/** True for the user agent of a bot. */
export function isKnownBot(header: string | undefined): boolean {
  if (!header || header.length > MAX_USER_AGENT) return isbot(header && truncate(header, MAX_USER_AGENT));
  return bots.memo(header);
}

function truncateOrNull(name: string | undefined, characters: number): string | null {
  return name ? truncate(name, characters) : null;
}

/**
 * Returns a new session.
 * @param find reads the properties from the request; called only if the session may have to be stored
 */
export function buildSession(
  id: string,
  startedAt: number,
  find: () => Partial<SessionSource>,
  consent: boolean | null,
): NewSession {
  return {
    id,
    row: () => {
      const { userAgent, country = null, language = null } = find();
      return {
        id,
        startedAt: new Date(startedAt),
        ...parseUserAgent(userAgent),
        country,
        language,
        consent,
      };
    },
  };
}
