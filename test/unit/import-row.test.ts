import type { Properties } from '../../lib/activity/activity.js';
import { SUBJECT_FAULT } from '../../lib/activity/subject.js';
import { InvalidActivityError, type ValidationErrors } from '../../lib/activity/validation-errors.js';
import { deriveVisitId } from '../../lib/cli/import/ids.js';
import { RowReader } from '../../lib/cli/import/row.js';
import { sessionOfHost } from '../../lib/tracking/visitor.js';

const DATE = '2026-02-03T04:05:06.007Z';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:50.0) Gecko/20100101 Firefox/50.0';

const MINIMAL = { date: DATE, path: '/' };

const SESSION = {
  id: 's1',
  userAgent: 'Opera',
  startedAt: '2026-02-03T04:05:06.008Z',
  browser: 'Firefox',
  system: 'Linux',
  device: 'desktop',
  country: 'de',
  language: 'EN-us',
  bot: true,
  consent: false,
};

const COMPLETE = {
  id: '0193a1b2-0000-7000-8000-00000000000a',
  date: DATE,
  receivedAt: '2026-02-03T04:05:06.009Z',
  name: 'bought',
  path: '/shop/1',
  route: '/shop/:id',
  referer: 'https://example.org/',
  properties: { plan: 'pro' },
  subject: 'order:17',
  userId: '17',
  userName: 'Ada',
  groupId: 'company:5',
  groupName: 'Acme',
  sessionId: 's1',
  visitId: 'v1',
  ipAddress: '::ffff:192.0.2.7',
  interactive: false,
  session: SESSION,
};

/** Returns what the rows become, in the order of a file. */
function read(...rows: Properties[]): { activity: Properties; session: unknown }[] {
  const reader = new RowReader();
  return rows.map((row) => {
    const { activity, session } = reader.parseRow(row);
    expect([undefined, activity.sessionId]).toContain(session?.id);
    return { activity: { ...activity }, session: session?.row() };
  });
}

const readOne = (row: Properties): { activity: Properties; session: unknown } =>
  read(row)[0] ?? { activity: {}, session: undefined };

function errorsOf(row: Properties): ValidationErrors {
  try {
    new RowReader().parseRow(row);
    return {};
  } catch (error) {
    if (!(error instanceof InvalidActivityError)) throw error;
    return error.errors;
  }
}

describe('an imported row', () => {
  it('may have all fields of an export', () => {
    const { session: _, ...row } = COMPLETE;
    expect(readOne(COMPLETE)).toEqual({
      activity: {
        ...row,
        date: new Date(DATE),
        receivedAt: new Date(COMPLETE.receivedAt),
        ipAddress: '192.0.2.7',
      },
      session: { ...SESSION, startedAt: new Date(SESSION.startedAt), country: 'DE', language: 'en-US' },
    });
  });

  it('may have only a date and a path', () => {
    expect(readOne(MINIMAL)).toEqual({
      activity: {
        // The same at each import, also with later versions.
        id: 'd364af0a-a8e6-5f2b-af31-dc787a9eeefc',
        date: new Date(DATE),
        receivedAt: new Date(DATE),
        name: 'view',
        path: '/',
        route: null,
        referer: null,
        properties: null,
        subject: null,
        userId: null,
        userName: null,
        groupId: null,
        groupName: null,
        sessionId: null,
        visitId: null,
        ipAddress: null,
        interactive: null,
      },
      session: undefined,
    });
  });

  it('has a view if it has no name, as an empty cell', () => {
    expect(readOne({ ...MINIMAL, name: '' }).activity.name).toBe('view');
  });

  it.each<[Properties, ValidationErrors]>([
    [{ date: 'x' }, { date: ['date must be an ISO 8601 date and time of the years 1970 to 9999'] }],
    [
      { receivedAt: null },
      { receivedAt: ['receivedAt must be an ISO 8601 date and time of the years 1970 to 9999'] },
    ],
    [
      { id: 'x', path: 5 },
      { id: ['id must be a UUID'], path: ['path must be a string'] },
    ],
    [{ subject: 'order' }, { subject: [`subject ${SUBJECT_FAULT}`] }],
    [{ groupId: 'company' }, { groupId: [`groupId ${SUBJECT_FAULT}`] }],
    [{ ipAddress: 'nowhere' }, { ipAddress: ['ipAddress must be an IP address'] }],
    // One error for a text that is too long.
    [{ ipAddress: '1'.repeat(46) }, { ipAddress: ['ipAddress must be at most 45 characters long'] }],
    [{ subject: `order:${'x'.repeat(400)}` }, { subject: ['subject must be at most 320 characters long'] }],
    [{ color: 'red' }, { color: ['color is not known'] }],
    [{ sessionId: 5 }, { sessionId: ['sessionId must be a string'] }],
    [{ session: [] }, { session: ['session must be an object'] }],
    [{ session: 'text' }, { session: ['session must be an object'] }],
  ])('is refused with %j', (fields, errors) => {
    expect(errorsOf({ ...MINIMAL, ...fields })).toEqual(errors);
  });

  it.each([
    ['name', 64],
    ['path', 2048],
    ['route', 255],
    ['referer', 2048],
    ['userId', 255],
    ['userName', 255],
    ['groupName', 255],
    ['sessionId', 2048],
    ['visitId', 2048],
  ])('has a %s of at most %i characters', (field, max) => {
    expect(errorsOf({ ...MINIMAL, [field]: 'x'.repeat(max) })).toEqual({});
    expect(errorsOf({ ...MINIMAL, [field]: 'x'.repeat(max + 1) })).toEqual({
      [field]: [`${field} must be at most ${max} characters long`],
    });
  });
});

describe('the session of an imported row', () => {
  const sessionOf = (session: unknown, row: Properties = {}): unknown =>
    readOne({ ...MINIMAL, ...row, session }).session;

  it('may be its id alone, in either place', () => {
    const bare = {
      id: 's1',
      userAgent: null,
      startedAt: new Date(DATE),
      browser: null,
      system: null,
      device: null,
      country: null,
      language: null,
      bot: false,
      consent: null,
    };
    expect(readOne({ ...MINIMAL, sessionId: 's1' }).session).toEqual(bare);
    expect(sessionOf({}, { sessionId: 's1' })).toEqual(bare);
    const { activity, session } = readOne({ ...MINIMAL, session: { id: 's1' } });
    expect([activity.sessionId, session]).toEqual(['s1', bare]);
  });

  it('is not stored if it is null, as in an export of a session that is not there', () => {
    expect(sessionOf(null)).toBeUndefined();
    expect(sessionOf(null, { sessionId: 's1' })).toBeUndefined();
    expect(readOne({ ...MINIMAL, sessionId: null, session: null }).activity.sessionId).toBeNull();
  });

  it('has what its user agent says, unless it says so itself', () => {
    const parsed = { browser: 'Firefox', system: 'Linux', device: 'desktop', bot: false };
    expect(sessionOf({ id: 's1', userAgent: FIREFOX })).toMatchObject({ userAgent: FIREFOX, ...parsed });
    const given = { browser: null, system: 'BSD', device: '', bot: true };
    expect(sessionOf({ id: 's1', userAgent: FIREFOX, ...given })).toMatchObject({ ...given, device: null });
    expect(sessionOf({ id: 's1', userAgent: 'Googlebot/2.1' })).toMatchObject({ bot: true, device: 'bot' });
    expect(sessionOf({ id: 's1', userAgent: 'Googlebot/2.1', bot: false })).toMatchObject({ bot: false });
  });

  it('begins with its first row in the files, unless it says when', () => {
    const later = { ...MINIMAL, date: '2026-02-03T05:00Z', session: { id: 's1' } };
    const startedAt = '2026-02-03T04:00:00.000Z';
    const rows = [
      { ...MINIMAL, session: { id: 's1' } },
      later,
      { ...later, session: { id: 's1', startedAt } },
      { ...later, session: { id: 's2' } },
    ];
    expect(read(...rows)).toMatchObject([
      { session: { startedAt: new Date(DATE) } },
      { session: { startedAt: new Date(DATE) } },
      { session: { startedAt: new Date(startedAt) } },
      { session: { startedAt: new Date(later.date) } },
    ]);
  });

  it.each<[Properties, ValidationErrors]>([
    [{}, { 'session.id': ['session.id must be the sessionId of the activity'] }],
    [{ id: '' }, { 'session.id': ['session.id must be the sessionId of the activity'] }],
    [{ id: 17 }, { 'session.id': ['session.id must be the sessionId of the activity'] }],
  ])('needs an id: %j', (session, errors) => {
    expect(errorsOf({ ...MINIMAL, session })).toEqual(errors);
  });

  it.each<[Properties, ValidationErrors]>([
    [{ id: 's2' }, { 'session.id': ['session.id must be the sessionId of the activity'] }],
    [
      { country: 'Germany' },
      { 'session.country': ['session.country must be the code of a country as of ISO 3166-1, such as DE'] },
    ],
    [
      { language: 'German!' },
      { 'session.language': ['session.language must be a language as of BCP 47, such as en-US'] },
    ],
    [{ bot: null }, { 'session.bot': ['session.bot must be true or false'] }],
    [{ consent: 'yes' }, { 'session.consent': ['session.consent must be true or false'] }],
    [{ age: 3 }, { 'session.age': ['session.age is not known'] }],
    [{ device: 'x'.repeat(17) }, { 'session.device': ['session.device must be at most 16 characters long'] }],
  ])('is refused with %j', (fields, errors) => {
    expect(errorsOf({ ...MINIMAL, sessionId: 's1', session: { ...SESSION, ...fields } })).toEqual(errors);
  });

  it.each(['userAgent', 'browser', 'system', 'device', 'country', 'language'])(
    'has a text as %s',
    (field) => {
      expect(errorsOf({ ...MINIMAL, session: { id: 's1', [field]: 5 } })).toEqual({
        [`session.${field}`]: [`session.${field} must be a string`],
      });
    },
  );
});

describe('ids of other programs', () => {
  it('are kept if there is room for them, and otherwise become others, the same at each import', () => {
    const ids = (sessionId: string, visitId: string): unknown => {
      const { activity, session } = readOne({ ...MINIMAL, sessionId, visitId, session: { id: sessionId } });
      expect(session).toMatchObject({ id: activity.sessionId });
      return [activity.sessionId, activity.visitId];
    };
    const [session, visit] = ['s'.repeat(64), 'v'.repeat(16)];
    expect(ids(session, visit)).toEqual([session, visit]);
    expect(ids(`${session}s`, `${visit}v`)).toEqual([
      sessionOfHost(`${session}s`),
      deriveVisitId(`${visit}v`),
    ]);
  });
});

describe('the visit of an imported row', () => {
  const visitsOf = (...rows: Properties[]): unknown[] =>
    read(...rows.map((row) => ({ ...MINIMAL, sessionId: 's1', ...row }))).map(
      ({ activity }) => activity.visitId,
    );

  it('is made of its session, its date and its user', () => {
    const [first, second, third, other] = visitsOf(
      {},
      { date: '2026-02-03T04:35:06.006Z', userId: 'ada' },
      { date: '2026-02-03T04:35:06.007Z', userId: 'jeff' },
      { sessionId: 's2' },
    );
    expect(first).toMatch(/^[\w-]{15}$/);
    expect(second).toBe(first);
    expect(new Set([first, third, other]).size).toBe(3);
  });

  it('is none if the row says so, or has no session', () => {
    expect(visitsOf({ visitId: null }, { visitId: '' }, { sessionId: null })).toEqual([null, null, null]);
  });

  it('goes on while its page is in view, and does not begin by that', () => {
    const engagement = { name: 'engagement', properties: { visible: 29 * 60_000 } };
    const [none, view, engaged, later] = visitsOf(
      engagement,
      {},
      { ...engagement, date: '2026-02-03T04:34:06.007Z' },
      { date: '2026-02-03T04:50:00Z' },
    );
    expect(none).toBeNull();
    expect(view).toEqual(expect.any(String));
    expect([engaged, later]).toEqual([view, view]);
  });
});
