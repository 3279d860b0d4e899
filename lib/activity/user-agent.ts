import bowser from 'bowser';
import { isbot } from 'isbot';
import type { NewSession } from './activity.writer.js';
import type { Session } from './session.entity.js';
import { cut, makeStorable } from './text.js';

const MAX_USER_AGENT = 1024;

type UserAgent = Pick<Session, 'userAgent' | 'browser' | 'system' | 'device' | 'bot'>;

/** What a `User-Agent` header tells of a browser; too long a one is cut. */
export function parseUserAgent(header: string | null | undefined): UserAgent {
  if (!header) return { userAgent: null, browser: null, system: null, device: null, bot: false };
  const userAgent = cut(makeStorable(header), MAX_USER_AGENT);
  const { browser, os, platform } = bowser.parse(userAgent);
  return {
    userAgent,
    browser: browser.name ? cut(browser.name, 64) : null,
    system: os.name ? cut(os.name, 64) : null,
    device: platform.type ? cut(platform.type, 16) : null,
    bot: isbot(userAgent),
  };
}

/** A session as it is stored where it is new. */
export function sessionOf(id: string, startedAt: number, userAgent: string | undefined): NewSession {
  return { id, row: () => ({ id, startedAt: new Date(startedAt), ...parseUserAgent(userAgent) }) };
}
