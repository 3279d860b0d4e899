import { ImportedVisits } from '../../lib/cli/import/visits.js';

const START = Date.UTC(2026, 1, 3);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a row without a visit', () => {
  let visits: ImportedVisits;

  beforeEach(() => {
    visits = new ImportedVisits();
  });

  /** @param after milliseconds since the start */
  const visitOf = (after: number, user: string | null = null, session = 's'): string | null =>
    visits.assignVisit(session, { date: START + after, path: '/' }, user);

  it('continues the visit of its session until a pause of 30 minutes', () => {
    const first = visitOf(0);
    expect(first).toMatch(/^[\w-]{15}$/);
    expect(visitOf(30 * MINUTE - 1)).toBe(first);
    expect(visitOf(60 * MINUTE - 2)).toBe(first);
    expect(visitOf(90 * MINUTE - 2)).not.toBe(first);
    expect(visitOf(0, null, 'other')).not.toBe(first);
  });

  it('begins another visit after 24 hours', () => {
    const found = Array.from({ length: 97 }, (_, i) => visitOf(i * 15 * MINUTE));
    expect(new Set(found.slice(0, 96)).size).toBe(1);
    expect(found[96]).not.toBe(found[0]);
  });

  it('continues the visit if somebody logs in, and not if they log out or another one logs in', () => {
    const anonymous = visitOf(0);
    expect(visitOf(MINUTE, 'ada')).toBe(anonymous);
    expect(visitOf(2 * MINUTE, 'ada')).toBe(anonymous);
    const other = visitOf(3 * MINUTE, 'jeff');
    expect(other).not.toBe(anonymous);
    expect([anonymous, other]).not.toContain(visitOf(4 * MINUTE));
  });

  it('has the same visit at each import', () => {
    const rows = [0, MINUTE, 2 * HOUR];
    const first = rows.map((after) => visitOf(after));
    visits = new ImportedVisits();
    expect(rows.map((after) => visitOf(after))).toEqual(first);
  });

  it('continues the visit with the time in which its page was in view, which begins none', () => {
    const engage = (after: number): string | null =>
      visits.assignVisit('s', { date: START + after, path: '/', inView: 20 * MINUTE }, null);
    expect(engage(0)).toBeNull();
    const first = visitOf(0);
    expect(engage(20 * MINUTE)).toBe(first);
    expect(visitOf(45 * MINUTE)).toBe(first);
  });
});

describe('the start of a session', () => {
  it('is that of its first row in the files', () => {
    const visits = new ImportedVisits();
    expect(visits.findStart('s', START)).toBe(START);
    expect(visits.findStart('s', START + HOUR)).toBe(START);
    expect(visits.findStart('s', START - HOUR)).toBe(START);
    expect(visits.findStart('other', START + HOUR)).toBe(START + HOUR);
  });

  it('is known also from rows that do not describe the session, and changes no visit', () => {
    const visits = new ImportedVisits();
    const first = visits.assignVisit('s', { date: START }, null);
    expect(visits.findStart('s', START + MINUTE)).toBe(START);
    expect(visits.assignVisit('s', { date: START + MINUTE }, null)).toBe(first);
    expect(visits.findStart('s', START + 2 * MINUTE)).toBe(START);
  });

  it('is kept when its visit is found', () => {
    const visits = new ImportedVisits();
    visits.findStart('s', START);
    visits.assignVisit('s', { date: START + HOUR }, null);
    expect(visits.findStart('s', START + 2 * HOUR)).toBe(START);
  });
});
