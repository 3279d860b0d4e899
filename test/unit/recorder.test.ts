import type { StoredActivity } from '../../lib/activity/activity.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { Recorder, type RecordOptions } from '../../lib/activity/recorder.js';
import { type NewSession, Session } from '../../lib/activity/session.js';
import { UnstorableError } from '../../lib/activity/unstorable.error.js';
import { VisitDurationLimit } from '../../lib/activity/visit-duration-limit.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { OutcomeCounter } from '../../lib/diagnostics/outcome-counter.js';
import { Telemetry } from '../../lib/diagnostics/telemetry.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import { toSettings } from '../../lib/options/validation.js';
import type { Write } from '../../lib/store/batch.js';
import { MemoryStore } from '../support/memory-store.js';

const ACTIVITY: StoredActivity = {
  id: '0190163d-8694-739b-aea5-966c26f8ad91',
  date: new Date('2026-11-28T10:00Z'),
  receivedAt: new Date('2026-11-28T10:00Z'),
  name: 'view',
  path: '/',
  route: '/:page',
  referer: 'https://a.example/',
  properties: null,
  subject: 'order:17',
  userId: '5',
  userName: 'Ada',
  groupId: 'company:1',
  groupName: 'Ada & Co',
  sessionId: 's',
  visitId: 'v',
  ipAddress: '10.0.0.1',
  interactive: null,
};
const SESSION: NewSession = { id: 's', row: () => Object.assign(new Session(), { id: 's' }) };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

/** A store that notes what is written, and logs nothing. */
class WrittenStore extends MemoryStore {
  override readonly incidents = new IncidentLog({ log: () => {}, warn: () => {}, error: () => {} });
  readonly written: StoredActivity[] = [];
  readonly writtenSessions: string[] = [];

  override lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    return work(async ({ activities, sessions }) => {
      this.written.push(...activities);
      this.writtenSessions.push(...sessions.map(({ id }) => id));
    });
  }
}

let store: WrittenStore;
let outcomes: OutcomeCounter;

/** Records an activity with the options, and returns what is stored. */
async function record(
  options: DjaffarOptions,
  given: Partial<StoredActivity> = {},
  recordOptions: RecordOptions = {},
): Promise<StoredActivity[]> {
  const settings = toSettings(options);
  store = new WrittenStore();
  outcomes = new OutcomeCounter();
  const writer = new ActivityWriter(store, settings.writer);
  const limit = new VisitDurationLimit(store);
  const recorder = new Recorder(settings, writer, limit, outcomes, new Telemetry());
  const count = await recorder.record([{ ...ACTIVITY, ...given }], SESSION, recordOptions);
  expect(count).toBe(store.written.length);
  return store.written;
}

/** Records what `transform` returns. */
const transformed = (changes: object): Promise<StoredActivity[]> =>
  record({ transform: (activity) => ({ ...activity, ...changes }) });

describe('the recorder', () => {
  it('stores an activity as it is if no option changes it, and counts it', async () => {
    expect(await record({})).toMatchObject([ACTIVITY]);
    expect(store.writtenSessions).toEqual(['s']);
    expect([...outcomes.totals]).toEqual([['stored', 1]]);
    expect(outcomes.storedAt).toBeDefined();
  });

  it('does not count what the doctor sends', async () => {
    expect(await record({}, { name: 'djaffar-doctor' })).toHaveLength(1);
    expect(outcomes.totals.size).toBe(0);
    expect(outcomes.storedAt).toBeUndefined();
  });

  it('stores nothing about the person who asks not to be tracked, or nothing at all, as the option says', async () => {
    const request = { headers: { 'sec-gpc': '1', traceparent: TRACEPARENT } };
    const nobody = { userId: null, userName: null, groupName: null, sessionId: null, visitId: null };
    const anonymous = { ...ACTIVITY, ...nobody, ipAddress: null };
    expect(await record({ respect: 'anonymise', traceProperty: 'trace' }, {}, { request })).toMatchObject([
      anonymous,
    ]);
    expect(store.writtenSessions).toEqual([]);
    expect(await record({ respect: 'drop' }, {}, { request })).toEqual([]);
    expect([...outcomes.totals]).toEqual([['signal', 1]]);
    for (const respect of ['anonymise', 'drop'] as const) {
      expect(await record({ respect }, {}, { request, isAboutAnother: true })).toMatchObject([ACTIVITY]);
      expect(await record({ respect }, {}, { request: { headers: {} } })).toMatchObject([ACTIVITY]);
    }
    expect(await record({}, {}, { request })).toMatchObject([ACTIVITY]);
  });

  it('adds the trace of the request to the properties', async () => {
    const request = { headers: { traceparent: TRACEPARENT } };
    const properties = { a: 1 };
    const [stored] = await record({ traceProperty: 'trace' }, { properties }, { request });
    expect(stored?.properties).toEqual({ a: 1, trace: TRACE });
    expect((await record({ traceProperty: 'trace' }, { properties }))[0]?.properties).toEqual(properties);
    expect((await record({}, { properties }, { request }))[0]?.properties).toEqual(properties);
  });

  it('removes secret parameters from the path, the referer and the property url', async () => {
    const [stored] = await record(
      {},
      {
        path: '?token=1',
        referer: 'https://a.example/?token=1',
        properties: { url: '/file?token=1', other: '/?token=1' },
      },
    );
    expect(stored).toMatchObject({
      path: '/',
      referer: 'https://a.example/',
      properties: { url: '/file', other: '/?token=1' },
    });
    expect((await record({}, { referer: null }))[0]?.referer).toBeNull();
  });

  it('drops what transform drops, and counts it', async () => {
    expect(await record({ transform: () => null })).toEqual([]);
    expect([...outcomes.totals]).toEqual([['transform', 1]]);
    const request = { url: '/' };
    const seen: unknown[] = [];
    const transform = async (activity: StoredActivity, given: unknown): Promise<StoredActivity> => {
      seen.push(given);
      return { ...activity, name: 'renamed' };
    };
    expect(await record({ transform }, {}, { request })).toMatchObject([{ name: 'renamed' }]);
    expect(seen).toEqual([request]);
  });

  it('says that a session is kept only if an activity of it is', async () => {
    const onSessionKept = jest.fn();
    await record({ transform: () => null }, {}, { onSessionKept });
    await record({}, { sessionId: 'another' }, { onSessionKept });
    expect(onSessionKept).not.toHaveBeenCalled();
    expect(store.writtenSessions).toEqual([]);
    await record({}, {}, { onSessionKept });
    expect(onSessionKept).toHaveBeenCalledTimes(1);
  });

  it('stores null for what transform has deleted', async () => {
    const stored = await transformed({ userName: undefined, interactive: undefined, properties: undefined });
    expect(stored).toMatchObject([{ ...ACTIVITY, userName: null, interactive: null, properties: null }]);
  });

  it.each([
    ['name', 64],
    ['path', 2048],
    ['route', 255],
    ['referer', 2048],
    ['userName', 255],
    ['groupName', 255],
  ] as const)('cuts the %s after %i characters', async (property, characters) => {
    const full = '🦋'.repeat(characters);
    expect((await record({}, { [property]: full }))[0]?.[property]).toBe(full);
    expect((await record({}, { [property]: `${full}x` }))[0]?.[property]).toBe(full);
    expect((await record({}, { [property]: 'a\0b' }))[0]?.[property]).toBe('a\ufffdb');
  });

  it.each([
    ['id', 36],
    ['sessionId', 64],
    ['visitId', 16],
    ['userId', 255],
  ] as const)(
    'refuses the %s if it has more than %i characters, because two could become the same',
    async (property, characters) => {
      const full = 'x'.repeat(characters);
      expect((await record({}, { [property]: full }))[0]?.[property]).toBe(full);
      await expect(record({}, { [property]: `${full}x` })).rejects.toThrow(UnstorableError);
      expect(store.written).toEqual([]);
    },
  );

  it('replaces what cannot be stored in the id of a user, and an address that is none', async () => {
    const [stored] = await record({}, { userId: 'a\0', ipAddress: 'localhost' });
    expect(stored).toMatchObject({ userId: 'a\ufffd', ipAddress: null });
  });

  it.each([
    ['no activity', 'view'],
    ['a subject', { subject: 'order' }],
    ['a group', { groupId: 'company' }],
    ['properties that are none', { properties: [] }],
    ['properties that are too large', { properties: { text: 'x'.repeat(4096) } }],
    ['properties that JSON cannot hold', { properties: { number: 17n } }],
  ])('refuses what transform must not return: %s', async (_, changes) => {
    const wrong: unknown = typeof changes === 'string' ? changes : { ...ACTIVITY, ...changes };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript can return anything
    const transform = (() => wrong) as DjaffarOptions['transform'];
    await expect(record({ transform })).rejects.toThrow(UnstorableError);
    expect(store.written).toEqual([]);
  });

  it('accepts properties with a value that JSON leaves out', async () => {
    expect(await transformed({ properties: { a: 1, missing: undefined } })).toMatchObject([
      { properties: { a: 1 } },
    ]);
  });
});
