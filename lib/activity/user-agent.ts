import bowser from 'bowser';
import { isbot } from 'isbot';
import type { NewSession } from './session.js';
import type { Session } from './session.js';
import { sanitize, truncate } from './text.js';

const MAX_USER_AGENT = 1024;

type UserAgent = Pick<Session, 'userAgent' | 'browser' | 'system' | 'device' | 'bot'>;

/** Browsers inside apps, by what their user agents have beside that of the system's browser. The first that fits counts. */
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

/** What bowser does not know, or calls by the name of each model. */
const SYSTEMS: [name: string, mark: RegExp, device: string][] = [
  ['PlayStation', /\bPlayStation (?:Vita|Portable)/i, 'tablet'],
  ['PlayStation', /\bPlayStation\b/i, 'tv'],
  ['Xbox', /\bXbox\b/, 'tv'],
  ['Nintendo Switch', /\bNintendo Switch\b/, 'tv'],
  ['Chrome OS', /\bCrOS\b/, 'desktop'],
];

/** What a `User-Agent` header tells of a browser; too long a one is cut. */
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

function truncateOrNull(name: string | undefined, characters: number): string | null {
  return name ? truncate(name, characters) : null;
}

/** A session as it is stored where it is new. */
export function sessionOf(id: string, startedAt: number, userAgent: string | undefined): NewSession {
  return { id, row: () => ({ id, startedAt: new Date(startedAt), ...parseUserAgent(userAgent) }) };
}
