import { Activity, type StoredActivity } from '../../lib/activity/activity.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { NewDevices } from '../../lib/subscriptions/new-devices.js';
import type { NewDevice } from '../../lib/subscriptions/on-activity.decorator.js';

const activityOf = (user: number): StoredActivity => ({
  id: `0190163d-8694-739b-aea5-${String(user).padStart(12, '0')}`,
  date: new Date('2026-11-03T10:00Z'),
  receivedAt: new Date('2026-11-03T10:00Z'),
  name: 'view',
  path: '/',
  route: null,
  referer: null,
  properties: null,
  subject: null,
  userId: String(user),
  userName: null,
  groupId: null,
  groupName: null,
  sessionId: `session-${user}`,
  visitId: null,
  ipAddress: null,
  interactive: null,
});

it('new devices are found after a database has failed for more users than are remembered, and the log says that some are not', async () => {
  const logged: string[] = [];
  const log = (text: string): void => void logged.push(text);
  const stored = Object.assign(new Activity(), activityOf(0));
  let isDown = true;
  const devices = new NewDevices({
    page: () => (isDown ? Promise.reject(new UnavailableError('down')) : Promise.resolve([stored])),
    incidents: new IncidentLog({ log, warn: log, error: log }),
    isUserInOtherSession: () => Promise.resolve(false),
  });
  const failed = devices.collect(Array.from({ length: 10_000 }, (_, i) => activityOf(i + 1)));
  for (const pair of failed) await expect(devices.find(pair)).rejects.toThrow('down');
  expect(logged).toEqual([]);
  devices.collect([activityOf(10_001), activityOf(10_002)]);
  isDown = false;
  const [pair] = devices.collect([activityOf(0)]);
  expect(pair && (await devices.find(pair))).toEqual({ activity: stored, isFirst: true });
  expect(logged).toEqual([
    'new devices of users are not reported: 10000 users in sessions have not been looked up',
    expect.stringMatching(/^over after .* \(3 times\): new devices of users are not reported$/),
  ]);
});

describe('new devices', () => {
  const AT = Date.UTC(2026, 10, 3, 10);
  /** The activities that are stored, the oldest first. */
  let stored: Activity[];
  /** Whether the user has activities in another session. */
  let isElsewhere: boolean;
  let asked: unknown[];
  let devices: NewDevices;

  beforeEach(() => {
    stored = [];
    isElsewhere = false;
    asked = [];
    devices = new NewDevices({
      incidents: new IncidentLog(),
      page: (filter, { limit, order }) => {
        asked.push({ ...filter, limit, order });
        return Promise.resolve(stored.slice(0, limit));
      },
      isUserInOtherSession: (user, session) => {
        asked.push([user, session]);
        return Promise.resolve(isElsewhere);
      },
    });
  });

  /** An activity of the user `u` in the session `s`, received so many milliseconds after the others. */
  function of(id: string, received = 0, given: Partial<StoredActivity> = {}): Activity {
    return Object.assign(new Activity(), activityOf(1), {
      id,
      userId: 'u',
      sessionId: 's',
      receivedAt: new Date(AT + received),
      ...given,
    });
  }

  /** Reports activities as committed by this process, and returns what is found for each of their pairs. */
  async function commit(...activities: Activity[]): Promise<(NewDevice | undefined)[]> {
    const found: (NewDevice | undefined)[] = [];
    for (const pair of devices.collect(activities)) found.push(await devices.find(pair));
    return found;
  }

  it('need a user and a session', () => {
    expect(devices.collect([of('a', 0, { userId: null }), of('b', 0, { sessionId: null })])).toEqual([]);
  });

  it('are reported once, with the first activity', async () => {
    const [first, second] = [of('a'), of('b')];
    stored = [first, second];
    expect(await commit(first, second)).toEqual([{ activity: first, isFirst: true }]);
    expect(asked).toEqual([{ user: 'u', session: 's', limit: 21, order: 'asc' }, ['u', 's']]);
    expect(await commit(of('c'))).toEqual([]);
    expect(await commit(first)).toEqual([]);
  });

  it('are each a pair of a user and a session', () => {
    const pairs = devices.collect([
      of('a'),
      of('b', 0, { userId: 'v' }),
      of('c', 0, { sessionId: 't' }),
      of('d'),
    ]);
    expect(pairs.map(({ user, session, ids }) => [user, session, [...ids]])).toEqual([
      ['u', 's', ['a', 'd']],
      ['v', 's', ['b']],
      ['u', 't', ['c']],
    ]);
  });

  it('are not the first one of a user who has other sessions', async () => {
    stored = [of('a')];
    isElsewhere = true;
    expect(await commit(of('a'))).toMatchObject([{ isFirst: false }]);
  });

  it('are none if another process has stored the first activity', async () => {
    stored = [of('other'), of('a')];
    expect(await commit(of('a'))).toEqual([undefined]);
    expect(asked).toHaveLength(1);
    expect(await commit(of('b'))).toEqual([]);
  });

  it('are found later if the first activity is reported only then', async () => {
    stored = [of('late'), of('a')];
    expect(await commit(of('a'))).toEqual([undefined]);
    expect(await commit(of('late'))).toMatchObject([{ activity: { id: 'late' } }]);
    expect(await commit(of('late'))).toEqual([]);
  });

  it('are none if an activity with a later date was received more than 10 s earlier', async () => {
    stored = [of('a', 20_000), of('other', 9999)];
    expect(await commit(of('a', 20_000))).toEqual([undefined]);
  });

  it('are new if two instances have stored their first activities within 10 s', async () => {
    stored = [of('a', 20_000), of('other', 10_000)];
    expect(await commit(of('a', 20_000))).toMatchObject([{ activity: { id: 'a' } }]);
  });

  it('compare with the first of their activities that was received', async () => {
    stored = [of('a', 20_000), of('b', 10_000), of('other', 5000)];
    expect(await commit(of('a', 20_000), of('b', 10_000), of('c', 15_000))).toMatchObject([
      { activity: { id: 'a' } },
    ]);
  });

  it('are none if everything was erased meanwhile, and new after that', async () => {
    expect(await commit(of('a'))).toEqual([undefined]);
    stored = [of('b')];
    expect(await commit(of('b'))).toMatchObject([{ activity: { id: 'b' } }]);
  });

  it('are looked for once, although several commits were reported before', async () => {
    stored = [of('a'), of('b')];
    const [first] = devices.collect([of('a')]);
    const [again] = devices.collect([of('b')]);
    expect(first).toBe(again);
    expect(first && (await devices.find(first))).toMatchObject({ activity: { id: 'a' } });
    expect(again && (await devices.find(again))).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it.each([
    [20, 9999, false],
    [20, 10_000, true],
    [22, 10_000, true],
    [19, 10_000, false],
  ])(
    'of %i activities, whose first one was received after %i ms, are found though its id is unknown: %s',
    async (count, received, isNew) => {
      // Of so many activities not all ids are kept.
      const own = Array.from({ length: count }, (_, i) => of(`a${i}`, 20_000));
      stored = [of('another', received), ...own];
      expect((await commit(...own))[0] !== undefined).toBe(isNew);
    },
  );
});
