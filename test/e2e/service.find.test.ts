import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  type ActivityFilter,
  defaultPage,
  InvalidFilterError,
  type PageOptions,
  type Subject,
} from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

/** Texts that a careless collation takes for each other, and that a careless statement does not take as they are. */
const TEXTS = ['a', 'A', 'a ', ' a', 'á', 'é', 'e', 'É', 'ß', 'ss', 'ж', '日', '🦋', '🐛', '%', "' OR ''='"];

const LONG = '日本語'.repeat(70);
const PATHS = [
  ...TEXTS,
  '/',
  '/a',
  '/A',
  '/a ',
  '/a/b',
  '/a/b/c',
  '/a*',
  '/a%',
  '/a_b',
  '/a\\b',
  '/%',
  '/_',
  '/\\',
  '/a?b=c&d=:e',
  '/a/b/?b=c',
  '/🦋',
  '/🦋/🐛',
  '/é',
  '/e\u0301',
  `/${LONG}`,
  `/${LONG}a`,
  `/${LONG}A`,
  `/${LONG.slice(0, 198)}木`,
  `/a${'\u{10ffff}'.repeat(3)}`,
  `/${'🦋'.repeat(2000)}`,
];
const PAGES = PATHS.map((path) => defaultPage(path));
const IPS = ['127.0.0.1', '203.0.113.7', '2001:db8::1'];
const KEYS = ['a', 'A', 'a-', 'b_'];
const START = Date.UTC(2026, 1, 3);

const ROUTES = ['/a/:id', '/A/:id', '/a/:id/b', '/é', '/%'];
const SUBJECTS: Subject[] = TEXTS.flatMap((id): Subject[] => [
  ['order', id],
  ['Order', id],
]);

const PROPERTIES = [
  'user',
  'session',
  'visit',
  'path',
  'page',
  'route',
  'name',
  'subject',
  'from',
  'to',
  'ip',
];

interface Row {
  id: string;
  date: Date;
  path: string;
  name: string;
  route?: string;
  subject?: Subject;
  user?: { id: string };
  session?: string;
  visit?: string;
  ip?: string;
}

const aDate = fc.nat(20).map((milliseconds) => new Date(START + milliseconds));
const aRow: fc.Arbitrary<Row> = fc.record(
  {
    id: fc.uuid({ version: 4 }),
    date: aDate,
    path: fc.constantFrom(...PATHS),
    name: fc.constantFrom(...TEXTS),
    route: fc.constantFrom(...ROUTES),
    subject: fc.constantFrom(...SUBJECTS),
    user: fc.record({ id: fc.constantFrom(...TEXTS) }),
    session: fc.constantFrom(...KEYS),
    visit: fc.constantFrom(...KEYS),
    ip: fc.constantFrom(...IPS),
  },
  { requiredKeys: ['id', 'date', 'path', 'name'] },
);

const ROWS = fc.sample(aRow, { numRuns: 500, seed: 20260203 });

/** Of one value each; the contract of stores is tested with lists and conditions. */
type PlainFilter = Pick<ActivityFilter, 'from' | 'to'> & {
  [K in 'user' | 'session' | 'visit' | 'path' | 'page' | 'route' | 'name' | 'ip']?: string | undefined;
} & { subject?: Subject | undefined };

const aText = fc.constantFrom(...TEXTS);
const anInstant = fc.oneof(
  aDate,
  aDate.map((date) => date.toISOString().slice(0, -1)),
);
const aWrittenIp = fc.constantFrom(...IPS, '::ffff:203.0.113.7', '2001:DB8:0::1');
const anyFilter: fc.Arbitrary<PlainFilter> = fc.record({
  user: aText,
  session: fc.constantFrom(...KEYS),
  visit: fc.constantFrom(...KEYS),
  path: fc.oneof(fc.constantFrom(...PATHS), aPrefixOf(fc.constantFrom(...PATHS))),
  page: fc.oneof(fc.constantFrom(...PAGES), aPrefixOf(fc.constantFrom(...PAGES))),
  route: fc.oneof(fc.constantFrom(...ROUTES), aPrefixOf(fc.constantFrom(...ROUTES))),
  name: aText,
  subject: fc.constantFrom(...SUBJECTS, ...SUBJECTS.map(textOf)),
  from: anInstant,
  to: anInstant,
  ip: aWrittenIp,
});

/** Finds at least that row, unless the path or a date forbids. */
const aFilterOfRow: fc.Arbitrary<PlainFilter> = fc
  .tuple(fc.constantFrom(...ROWS), anyFilter)
  .chain(([row, { from, to }]) =>
    fc.record({
      user: fc.constant(row.user?.id),
      session: fc.constant(row.session),
      visit: fc.constant(row.visit),
      path: fc.oneof(fc.constant(row.path), aPrefixOf(fc.constant(row.path))),
      page: fc.oneof(fc.constant(defaultPage(row.path)), aPrefixOf(fc.constant(defaultPage(row.path)))),
      route: fc.constant(row.route),
      name: fc.constant(row.name),
      subject: fc.constant(row.subject),
      from: fc.constant(from),
      to: fc.constant(to),
      ip: fc.constant(row.ip),
    }),
  );

/** Some of the properties, alone and in combination. */
const aFilter: fc.Arbitrary<PlainFilter> = fc
  .tuple(fc.oneof(anyFilter, aFilterOfRow), fc.subarray([...PROPERTIES]))
  .map(([filter, keys]) => Object.fromEntries(Object.entries(filter).filter(([key]) => keys.includes(key))));

function aPrefixOf(paths: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(paths, fc.nat(220)).map(([path, length]) => `${beginning(path, length)}*`);
}

function beginning(text: string, characters: number): string {
  return Array.from(text).slice(0, characters).join('');
}

function instantOf(at: Date | string): number {
  return (at instanceof Date ? at : new Date(`${at}Z`)).getTime();
}

function textOf(subject: Subject): string {
  return typeof subject === 'string' ? subject : subject.join(':');
}

function isAt(path: string, wanted: string): boolean {
  return wanted.endsWith('*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted;
}

/** The contract's filter, as plainly as it can be written. */
function matches(row: Row, filter: PlainFilter): boolean {
  const { user, session, visit, path, page, route, name, subject, from, to, ip } = filter;
  const canonical = ip?.toLowerCase().replace('::ffff:', '').replace(':0::', '::');
  return (
    (user === undefined || row.user?.id === user) &&
    (session === undefined || row.session === session) &&
    (visit === undefined || row.visit === visit) &&
    (name === undefined || row.name === name) &&
    (path === undefined || isAt(row.path, path)) &&
    (route === undefined || (row.route !== undefined && isAt(row.route, route))) &&
    (subject === undefined || (row.subject !== undefined && textOf(row.subject) === textOf(subject))) &&
    (page === undefined || isAt(defaultPage(row.path), page)) &&
    (from === undefined || row.date.getTime() >= instantOf(from)) &&
    (to === undefined || row.date.getTime() < instantOf(to)) &&
    (ip === undefined || row.ip === canonical)
  );
}

function inOrder(rows: Row[], order: 'asc' | 'desc' = 'desc'): string[] {
  const ascending = rows
    .map(({ date, id }) => ({ key: `${date.getTime()} ${id}`, id }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ id }) => id);
  return order === 'asc' ? ascending : ascending.toReversed();
}

describe.each(FOUND)('ActivityService on %s', (database) => {
  let host: Host;

  async function track(some: Row[]): Promise<void> {
    await Promise.all(some.map((row) => host.activities.track(row)));
  }

  /** The ids of all pages, one after the other. */
  async function pages(
    filter: ActivityFilter,
    options: PageOptions,
    between: () => Promise<void> = async () => {},
  ): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await host.activities.find(filter, { ...options, after });
      expect(items).toHaveLength(next === null ? items.length : (options.limit ?? 50));
      ids.push(...items.map(({ id }) => id));
      after = next ?? undefined;
      await between();
    } while (after !== undefined);
    return ids;
  }

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database });
    await track(ROWS);
  });

  afterAll(() => host.close());

  it('finds and counts exactly what the filter matches', async () => {
    await fc.assert(
      fc.asyncProperty(aFilter, fc.constantFrom('asc', 'desc'), async (filter, order) => {
        const expected = ROWS.filter((row) => matches(row, filter));
        const { items, next } = await host.activities.find(filter, { order, limit: 1000 });
        expect(items.map(({ id }) => id)).toEqual(inOrder(expected, order));
        expect(next).toBeNull();
        expect(await host.activities.count(filter)).toBe(expected.length);
      }),
      runs(100),
    );
  });

  it.each(['user', 'path', 'name'] as const)(
    'tells case, accents and spaces apart in the %s',
    async (property) => {
      for (const text of TEXTS) {
        const expected = ROWS.filter((row) => matches(row, { [property]: text }));
        expect(expected.length).toBeGreaterThan(0);
        const { items } = await host.activities.find({ [property]: text }, { limit: 1000 });
        expect(items.map(({ id }) => id)).toEqual(inOrder(expected));
      }
    },
  );

  it('finds the beginnings of paths, whatever character they end with', async () => {
    const lengths = Array.from({ length: 205 }, (_, i) => i);
    const prefixes = new Set(PATHS.flatMap((path) => lengths.map((length) => beginning(path, length))));
    for (const prefix of prefixes) {
      const expected = ROWS.filter(({ path }) => path.startsWith(prefix)).length;
      const count = await host.activities.count({ path: `${prefix}*` });
      expect({ prefix, count }).toEqual({ prefix, count: expected });
    }
  });

  it('finds all without a filter, and takes undefined for not given', async () => {
    expect(await host.activities.count()).toBe(ROWS.length);
    expect(await host.activities.count({ user: undefined, path: undefined })).toBe(ROWS.length);
    const { items, next } = await host.activities.find();
    expect(items.map(({ id }) => id)).toEqual(inOrder(ROWS).slice(0, 50));
    expect(next).not.toBeNull();
  });

  it.each([1, 7, 50, 499, 500, 501, 1000])('gives all exactly once, in pages of %i', async (limit) => {
    const filter = limit === 1 ? { session: 'a' } : {};
    const expected = ROWS.filter((row) => matches(row, filter));
    for (const order of ['asc', 'desc'] as const) {
      expect(await pages(filter, { limit, order })).toEqual(inOrder(expected, order));
    }
  });

  it.each(['asc', 'desc'] as const)('has no next page (%s) after one that is exactly full', async (order) => {
    const filter = { session: 'a' };
    const expected = inOrder(
      ROWS.filter((row) => matches(row, filter)),
      order,
    );
    const count = expected.length;
    const whole = await host.activities.find(filter, { order, limit: count });
    expect(whole.items.map(({ id }) => id)).toEqual(expected);
    expect(whole.next).toBeNull();
    const first = await host.activities.find(filter, { order, limit: count - 1 });
    expect(first.items).toHaveLength(count - 1);
    const last = await host.activities.find(filter, { order, limit: 1, after: first.next ?? '' });
    expect({ ids: last.items.map(({ id }) => id), next: last.next }).toEqual({
      ids: expected.slice(-1),
      next: null,
    });
  });

  it.each(['asc', 'desc'] as const)('gives pages (%s) that stay whole while rows arrive', async (order) => {
    const filter = { ip: '203.0.113.7' };
    const there = ROWS.filter((row) => matches(row, filter));
    const arrived: Row[] = [];
    const arrive = async (): Promise<void> => {
      const some = fc
        .sample(aRow, 3)
        .map((row) => ({ ...row, id: randomUUID(), ip: filter.ip, name: 'late' }));
      arrived.push(...some);
      if (arrived.length < 100) await track(some);
    };
    const ids = await pages(filter, { limit: 5, order }, arrive);
    await host.activities.erase({ name: 'late' });
    expect(new Set(ids).size).toBe(ids.length);
    const late = new Set(arrived.map(({ id }) => id));
    expect(ids.filter((id) => !late.has(id))).toEqual(inOrder(there, order));
  });

  it.each<[string, object, object]>([
    ['an unknown property', { userId: 'a' }, {}],
    ['a property that every object has', { toString: 'a' }, {}],
    ['an empty user', { user: '' }, {}],
    ['a user that is a number', { user: 5 }, {}],
    ['NUL in a path', { path: 'a\0' }, {}],
    ['a lone surrogate in a prefix', { path: '\ud83e*' }, {}],
    ['a name that is null', { name: null }, {}],
    ['a date that does not exist', { from: '2026-02-30' }, {}],
    ['an invalid Date', { to: new Date(Number.NaN) }, {}],
    ['milliseconds', { from: 1770091506789 }, {}],
    ['a subject without an id', { subject: 'order:' }, {}],
    ['a subject of one', { subject: ['order'] }, {}],
    ['a subject whose type has a colon', { subject: ['a:b', 'c'] }, {}],
    ['a subject whose id is NaN', { subject: ['order', Number.NaN] }, {}],
    ['an empty route', { route: '' }, {}],
    ['no IP address', { ip: '1.2.3' }, {}],
    ['a limit of 0', {}, { limit: 0 }],
    ['a limit of 1,001', {}, { limit: 1001 }],
    ['a limit of a half', {}, { limit: 0.5 }],
    ['a limit that is no number', {}, { limit: '5' }],
    ['an order of SQL', {}, { order: 'DESC; --' }],
    ['an empty after', {}, { after: '' }],
    ['an after that no page had', {}, { after: 'abc' }],
    ['an after that is an id', {}, { after: randomUUID() }],
  ])('refuses %s', async (_, filter, options) => {
    const error: unknown = await host.activities.find(filter, options).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InvalidFilterError);
    const [property = ''] = [...Object.keys(filter), ...Object.keys(options)];
    expect((error as InvalidFilterError).message).toMatch(new RegExp(`^${property} `));
  });

  it('says how to write the id of a user that is a number', async () => {
    const filter: ActivityFilter = JSON.parse('{ "user": 17 }');
    await expect(host.activities.find(filter)).rejects.toThrow("user must be a text, such as '17'");
  });

  it('stores the type and the id of a subject as one text, whatever the id is', async () => {
    const ids = [17, 17n, 'a:b', '0'.repeat(255)];
    for (const id of ids)
      await host.activities.track({ path: '/', name: 'subject', subject: ['order', id], route: '/:id' });
    const { items } = await host.activities.find({ name: 'subject' }, { order: 'asc' });
    expect(items.map(({ subject, route }) => [subject, route])).toEqual(
      ids.map((id) => [`order:${id}`, '/:id']),
    );
    expect(await host.activities.erase({ subject: ['order', 17] })).toBe(2);
    expect(await host.activities.erase({ name: 'subject' })).toBe(2);
    const wrong = { path: '/', subject: ['order', ''] } as const;
    await expect(host.activities.track(wrong)).rejects.toThrow('subject must be [type, id]');
    for (const id of [Number.NaN, Number.POSITIVE_INFINITY])
      await expect(host.activities.track({ path: '/', subject: ['order', id] })).rejects.toThrow(
        'subject must be [type, id]',
      );
  });

  it('streams the same as it counts and finds, the oldest first', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => ({
      id: randomUUID(),
      date: new Date(START + (i % 11)),
      path: `/stream/${i}`,
      name: 'streamed',
    }));
    await track(many);
    const ids: string[] = [];
    for await (const { id } of host.activities.stream({ path: '/stream/*' })) ids.push(id);
    expect(ids).toEqual(inOrder(many, 'asc'));
    let all = 0;
    for await (const { session, sessionId } of host.activities.stream()) {
      all += 1;
      expect(session?.id ?? null).toBe(sessionId);
    }
    expect(all).toBe(ROWS.length + many.length);
    expect(await host.activities.erase({ name: 'streamed' })).toBe(many.length);
  });

  it('streams each with its session, however many there are', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => ({
      id: randomUUID(),
      date: new Date(START + i),
      path: '/many',
      name: 'streamed',
      session: `s${i % 2001}`,
    }));
    // A busy machine might not store all at once in time.
    for (let i = 0; i < many.length; i += 500) await track(many.slice(i, i + 500));
    const sessions: (string | undefined)[] = [];
    for await (const { session } of host.activities.stream({ path: '/many' })) sessions.push(session?.id);
    expect(sessions).toEqual(many.map(({ session }) => session));
    await host.activities.erase({ path: '/many' });
  });
});
