import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { CommittedActivities } from '../../lib/activity/committed-activities.js';
import { SessionClaims } from '../../lib/activity/session-claims.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import type { SessionClaim } from '../../lib/store/session-claim.types.js';
import { MemoryStore } from '../../lib/testing/memory.store.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { until } from '../support/until.js';

const MINUTE = 60_000;
const settings = { ...DEFAULTS, session: { ...DEFAULTS.session, claim: 'session' as const } };

/** The claims of each call, as session and user. */
let calls: string[][];

afterEach(() => jest.restoreAllMocks());

function startClaims(pause: number, onClaim = (): void => {}): SessionClaims {
  calls = [];
  const claim = async (claims: SessionClaim[]): Promise<boolean[]> => {
    calls.push(claims.map(({ session, user }) => `${session} ${user}`));
    onClaim();
    return claims.map(() => true);
  };
  const store = Object.assign(new MemoryStore(), { sessionClaims: { atOnce: 3, pause, claim } });
  return new SessionClaims(store, settings, new CommittedActivities(store));
}

let ids = 0;

function login(claims: SessionClaims, sessionId: string, userId: string): void {
  const date = new Date();
  const activity = {
    id: String((ids += 1)),
    date,
    receivedAt: date,
    name: 'view',
    path: '/',
    route: null,
    referer: null,
    properties: null,
    subject: null,
    userName: null,
    groupId: null,
    groupName: null,
    visitId: null,
    ipAddress: null,
    interactive: null,
  };
  claims.take([{ ...activity, sessionId, userId }]);
}

async function passTime(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

/** Returns a function that sets the monotonic clock forward. */
function mockClock(): (milliseconds: number) => void {
  let ahead = 0;
  const now = monotonicClock.now.bind(monotonicClock);
  jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + ahead);
  return (milliseconds) => {
    ahead += milliseconds;
  };
}

it('collects claims while the store pauses, and does all of them when the application ends', async () => {
  const claims = startClaims(MINUTE);
  login(claims, 's1', 'u');
  await until(() => calls.length > 0);
  for (const session of ['s2', 's3', 's4', 's5']) login(claims, session, 'u');
  await passTime();
  expect(calls).toEqual([['s1 u']]);
  await claims.finish(MINUTE);
  expect(calls).toEqual([['s1 u'], ['s2 u', 's3 u', 's4 u'], ['s5 u']]);
});

it('gives a store each session once at a time', async () => {
  const claims = startClaims(0);
  login(claims, 's', 'u1');
  login(claims, 's', 'u2');
  login(claims, 't', 'u3');
  await claims.finish(MINUTE);
  expect(calls).toEqual([['s u1', 't u3'], ['s u2']]);
});

it('pauses for longer if claims take long', async () => {
  const now = monotonicClock.now.bind(monotonicClock);
  const goAhead = mockClock();
  const at: number[] = [];
  const claims = startClaims(20, () => {
    at.push(now());
    goAhead(30);
  });
  login(claims, 's1', 'u');
  await until(() => at.length > 0);
  login(claims, 's2', 'u');
  await until(() => at.length > 1);
  const [first = 0, second = 0] = at;
  // Timers may be a millisecond early.
  expect(second - first).toBeGreaterThanOrEqual(299);
});

it('pauses for five minutes at most', async () => {
  const goAhead = mockClock();
  const claims = startClaims(2 * MINUTE, () => goAhead(60 * MINUTE));
  login(claims, 's1', 'u');
  await until(() => calls.length > 0);
  await passTime();
  goAhead(5 * MINUTE);
  login(claims, 's2', 'u');
  await until(() => calls.length > 1);
  expect(calls).toEqual([['s1 u'], ['s2 u']]);
});

it('looks at a session again after ten pauses at most', async () => {
  const goAhead = mockClock();
  const claims = startClaims(MINUTE);
  login(claims, 's', 'u');
  await until(() => calls.length > 0);
  await passTime();
  goAhead(4 * MINUTE);
  login(claims, 's', 'u');
  await passTime();
  expect(calls).toHaveLength(1);
  goAhead(6 * MINUTE);
  login(claims, 's', 'u');
  await until(() => calls.length > 1);
});

it('leaves out the oldest if too many wait, and warns once', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  jest.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
  const claims = startClaims(MINUTE);
  login(claims, 's', 'u');
  await until(() => calls.length > 0);
  for (let n = 0; n < 10_002; n += 1) login(claims, `s${n}`, 'u');
  expect(warn.mock.calls).toEqual([[expect.stringContaining('more than 10000 sessions wait')]]);
  await claims.finish(MINUTE);
  const claimed = new Set(calls.flat());
  expect(claimed.size).toBe(10_001);
  expect(claimed).toContain('s10001 u');
  expect(claimed).not.toContain('s1 u');
});
