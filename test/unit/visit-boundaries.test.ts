import {
  buildVisits,
  type VisitBoundaryRow,
} from '../../lib/store/typeorm/statistics/rollup/visit-boundaries.js';
import { MAX_NAME_COUNTS } from '../../lib/store/typeorm/statistics/rollup/name-counts.js';
import { decodePathIds } from '../../lib/store/typeorm/statistics/rollup/path-sequence.js';
import type { VisitRow } from '../../lib/store/typeorm/statistics/rollup/previous-visits.js';
import type { VisitPaths } from '../../lib/store/typeorm/statistics/rollup/visit-paths.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 1, 12);
const PATHS = ['/', '/a', '/b', '/c'];
const paths = { getId: (path: string): number => PATHS.indexOf(path) };

/** An activity of a visit of two activities, `seconds` after its start. */
function rowOf(seconds: number, given: Partial<VisitBoundaryRow> = {}): VisitBoundaryRow {
  return {
    visitId: 'v',
    sessionId: 's',
    userId: null,
    date: START + seconds * 1000,
    path: '/',
    page: '/',
    referer: null,
    activities: 2,
    views: 2,
    actions: 2,
    interactions: 2,
    startedAt: START,
    endedAt: START + 60_000,
    sessions: 2,
    firstSession: 's',
    lastSession: 's',
    bot: false,
    fromStart: 1,
    fromEnd: 1,
    fromLatestUser: 0,
    browser: null,
    system: null,
    device: null,
    country: null,
    language: null,
    ...given,
  };
}

const first = (given: Partial<VisitBoundaryRow> = {}): VisitBoundaryRow => rowOf(0, { fromEnd: 2, ...given });
const last = (seconds: number, given: Partial<VisitBoundaryRow> = {}): VisitBoundaryRow =>
  rowOf(seconds, { fromStart: 2, ...given });

const visitedOf = (given: Partial<VisitPaths> = {}): VisitPaths => ({
  views: [],
  others: new Set(),
  nameCounts: new Map(),
  inView: 0,
  ...given,
});

/** The only visit of the rows. */
function buildOne(rows: VisitBoundaryRow[], visited?: VisitPaths): VisitRow | undefined {
  const visits = buildVisits(rows, new Map(visited && [['v', visited]]), paths);
  expect(visits).toHaveLength(1);
  return visits[0];
}

describe('a visit', () => {
  it('has the session, the entry and the source of its first activity, and the exit of its last', () => {
    const visit = buildOne([
      last(60, {
        page: '/b',
        path: '/b?utm_source=other',
        referer: 'https://other.example/',
        browser: 'Other',
      }),
      first({
        page: '/a',
        path: '/a?utm_source=news',
        referer: 'https://search.example/',
        browser: 'Firefox',
        system: 'Linux',
        device: 'desktop',
        country: 'DE',
        language: 'de',
        views: '1',
      }),
    ]);
    expect(visit).toMatchObject({
      id: 'v',
      sessionId: 's',
      userId: null,
      startedAt: new Date(START),
      endedAt: new Date(START + 60_000),
      activities: 2,
      views: 1,
      bounced: false,
      bot: false,
      mixed: false,
      entry: 1,
      exit: 2,
      utmSource: 'news',
      referrer: 'search.example',
      browser: 'Firefox',
      system: 'Linux',
      device: 'desktop',
      country: 'DE',
      language: 'de',
      previousSessionVisitAt: null,
      previousUserVisitAt: null,
    });
  });

  it('has the user of its last identified activity, which may be any of its rows', () => {
    expect(buildOne([rowOf(0, { userId: 'u', fromLatestUser: '1' })])?.userId).toBe('u');
    expect(
      buildOne([
        first({ userId: 'earlier', fromLatestUser: 2 }),
        rowOf(30, { userId: 'latest', fromStart: 2, fromEnd: 2, fromLatestUser: 1 }),
        last(60),
      ])?.userId,
    ).toBe('latest');
    expect(buildOne([first({ userId: 'earlier', fromLatestUser: 2 }), last(60)])?.userId).toBeNull();
  });

  it('is one of several, each of its own rows', () => {
    const rows = ['v', 'w'].flatMap((visitId) => [first({ visitId }), last(60, { visitId, page: '/a' })]);
    const visits = buildVisits(rows, new Map([['w', visitedOf({ views: ['/b'] })]]), paths);
    expect(visits.map(({ id, exit, pathSequence }) => [id, exit, pathSequence])).toEqual([
      ['v', 1, null],
      ['w', 1, expect.any(String)],
    ]);
  });

  it('is none without its first or its last activity', () => {
    expect(buildVisits([first()], new Map(), paths)).toEqual([]);
    expect(buildVisits([last(60)], new Map(), paths)).toEqual([]);
  });

  it.each([
    [0, false],
    [1, true],
    ['1', true],
    [2, false],
  ])('of %j interactions is a bounce: %s', (interactions, bounced) => {
    expect(buildOne([rowOf(0, { interactions })])?.bounced).toBe(bounced);
  });

  it.each([
    [1, true],
    [0, false],
    [null, false],
  ])('of a session whose `bot` is %j is of a bot: %s', (bot, expected) => {
    expect(buildOne([rowOf(0, { bot })])?.bot).toBe(expected);
  });

  it.each<[string, Partial<VisitBoundaryRow>, boolean]>([
    ['with one session', {}, false],
    ['without a session', { sessions: '0', firstSession: null, lastSession: null }, false],
    ['with two sessions', { lastSession: 't' }, true],
    ['with a session for one of two activities', { sessions: '1', activities: '2' }, true],
    ['of 24 hours', { endedAt: String(START + DAY) }, false],
    ['of more than 24 hours', { endedAt: String(START + DAY + 1) }, true],
  ])('%s is counted one activity at a time: %s', (_, given, mixed) => {
    expect(buildOne([rowOf(0, given)])?.mixed).toBe(mixed);
  });
});

describe('the duration of a visit', () => {
  it('is the whole seconds between its first and its last activity', () => {
    expect(buildOne([first(), last(59.999)])?.duration).toBe(59);
  });

  it('includes the time for which the last page was in view', () => {
    expect(buildOne([first(), last(60)], visitedOf({ inView: 1500 }))?.duration).toBe(61);
  });

  it('is only the time in view if nothing was done', () => {
    expect(buildOne([first({ actions: 0 }), last(60)], visitedOf({ inView: 2000 }))?.duration).toBe(2);
  });

  it('counts from the first action, if there is one', () => {
    expect(buildOne([first({ actions: '1' }), last(60)])?.duration).toBe(60);
  });

  it('is at most 24 hours', () => {
    expect(buildOne([first(), last(86_399)], visitedOf({ inView: 5000 }))?.duration).toBe(86_400);
  });
});

describe('the paths of a visit', () => {
  it('are those of its views in their order, and the others once', () => {
    const visit = buildOne(
      [rowOf(0)],
      visitedOf({
        views: ['/a', '/', '/a'],
        others: new Set(['/b', '/', '/c']),
        nameCounts: new Map([
          ['bought', 1],
          ['engagement', 2],
        ]),
      }),
    );
    expect(decodePathIds(visit?.pathSequence ?? '')).toEqual([1, 0, 1]);
    expect(decodePathIds(visit?.otherPaths ?? '')).toEqual([2, 3]);
    expect(visit?.nameCounts).toBe(',bought:1,engagement:2,');
  });

  it('are none besides those of views if these have all', () => {
    expect(buildOne([rowOf(0)], visitedOf({ views: ['/a'], others: new Set(['/a']) }))).toMatchObject({
      otherPaths: null,
      nameCounts: null,
    });
  });

  it('are not stored if they were not loaded', () => {
    expect(buildOne([rowOf(0)])).toMatchObject({ pathSequence: null, otherPaths: null, nameCounts: null });
  });

  it('are not stored if its names are too long', () => {
    const named = (length: number): VisitPaths =>
      visitedOf({
        views: ['/'],
        others: new Set(['/a']),
        nameCounts: new Map([['x'.repeat(length - ',:1,'.length), 1]]),
      });
    expect(buildOne([rowOf(0)], named(MAX_NAME_COUNTS))?.nameCounts).toHaveLength(MAX_NAME_COUNTS);
    expect(buildOne([rowOf(0)], named(MAX_NAME_COUNTS + 1))).toMatchObject({
      pathSequence: null,
      otherPaths: null,
      nameCounts: null,
    });
  });
});
