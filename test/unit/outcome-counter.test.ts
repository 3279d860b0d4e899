import { OutcomeCounter, type Refusal, sumOutcomes } from '../../lib/diagnostics/outcome-counter.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 28, 12);
let now: number;
let outcomes: OutcomeCounter;
let calls: number;

beforeEach(() => {
  now = START;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  outcomes = new OutcomeCounter();
  calls = 0;
  outcomes.onCount = () => {
    calls += 1;
  };
});

afterEach(() => jest.restoreAllMocks());

const refusalOf = (number: number): Refusal => ({
  at: new Date(START + number).toISOString(),
  status: 400,
  cause: '400.date',
  method: 'POST',
  contentType: null,
  origin: null,
});

describe('outcomes', () => {
  it('are counted by hour and cause, and taken once', () => {
    expect(outcomes.isEmpty).toBe(true);
    outcomes.count('stored', 2);
    now = START + HOUR - 1;
    outcomes.count('stored');
    outcomes.count('400.date');
    now = START + HOUR;
    outcomes.count('stored');
    expect(outcomes.isEmpty).toBe(false);
    expect(outcomes.take()).toEqual([
      { hour: START, cause: 'stored', count: 3 },
      { hour: START, cause: '400.date', count: 1 },
      { hour: START + HOUR, cause: 'stored', count: 1 },
    ]);
    expect(outcomes.take()).toEqual([]);
    outcomes.count('stored');
    expect(outcomes.take()).toEqual([{ hour: START + HOUR, cause: 'stored', count: 1 }]);
    expect([...outcomes.totals]).toEqual([
      ['stored', 5],
      ['400.date', 1],
    ]);
  });

  it('of an earlier hour are counted there if the clock is set back', () => {
    outcomes.count('stored');
    now = START - 1;
    outcomes.count('stored');
    expect(outcomes.take().map(({ hour }) => hour)).toEqual([START, START - HOUR]);
  });

  it('are announced when a cause is new in its hour', () => {
    outcomes.count('stored', 0);
    expect([calls, outcomes.isEmpty]).toEqual([0, true]);
    outcomes.count('stored');
    outcomes.count('stored');
    outcomes.count('bot');
    expect(calls).toBe(2);
    now = START + HOUR;
    outcomes.count('stored');
    expect(calls).toBe(3);
  });

  it('have at most 100 causes in an hour, of which the known ones are still counted', () => {
    for (let i = 0; i < 101; i++) outcomes.count(`cause ${i}`);
    outcomes.count('cause 99');
    const counts = outcomes.take();
    expect(counts).toHaveLength(100);
    expect(counts.at(-1)).toEqual({ hour: START, cause: 'cause 99', count: 2 });
    expect(outcomes.totals.has('cause 100')).toBe(false);
  });

  it('of the latest 48 hours are kept while they cannot be stored', () => {
    for (let i = 0; i < 50; i++) {
      now = START + i * HOUR;
      outcomes.count('stored');
    }
    const counts = outcomes.take();
    expect(counts).toHaveLength(48);
    expect(counts[0]).toEqual({ hour: START + 2 * HOUR, cause: 'stored', count: 1 });
    const latestFirst = counts.toReversed();
    outcomes.restore([...latestFirst, { hour: START, cause: 'stored', count: 1 }]);
    expect(outcomes.take()).toEqual(latestFirst);
  });

  it('that could not be stored are added to those since then', () => {
    outcomes.count('stored', 2);
    const counts = outcomes.take();
    outcomes.count('stored', 3);
    outcomes.count('bot');
    outcomes.restore([...counts, { hour: START, cause: '503', count: 4 }]);
    outcomes.count('stored');
    expect(outcomes.take()).toEqual([
      { hour: START, cause: 'stored', count: 6 },
      { hour: START, cause: 'bot', count: 1 },
      { hour: START, cause: '503', count: 4 },
    ]);
    expect(outcomes.totals.get('stored')).toBe(6);
  });

  it('that are refusals are counted, and the last 50 are listed, the latest first', () => {
    const refusals = Array.from({ length: 51 }, (_, i) => refusalOf(i));
    for (const refusal of refusals) outcomes.refuse(refusal);
    expect(outcomes.take()).toEqual([{ hour: START, cause: '400.date', count: 51 }]);
    expect(outcomes.lastRefusals).toEqual(refusals.slice(1).toReversed());
  });

  it('are added up by hour and cause', () => {
    const counts = [
      { hour: START, cause: 'stored', count: 1 },
      { hour: START, cause: 'bot', count: 2 },
      { hour: START + HOUR, cause: 'stored', count: 3 },
      { hour: START, cause: 'stored', count: 4 },
    ];
    expect(sumOutcomes(counts)).toEqual([
      { hour: START, cause: 'stored', count: 5 },
      { hour: START, cause: 'bot', count: 2 },
      { hour: START + HOUR, cause: 'stored', count: 3 },
    ]);
    expect(counts[0]?.count).toBe(1);
  });
});
