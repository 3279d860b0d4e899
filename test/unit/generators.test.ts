import fc from 'fast-check';
import type { Question, ServerActivity } from '../../lib/index.js';
import { anActivity } from '../support/statistics/arbitrary-activities.js';
import { anyQuestion } from '../support/statistics/arbitrary-questions.js';
import type { Asked } from '../support/statistics/model.js';

const DAY = 86_400_000;
/** So many that a change of a generator misses no class by bad luck, and always the same. */
const ACTIVITIES = { numRuns: 2000, seed: 17 };
const QUESTIONS = { numRuns: 1000, seed: 17 };

function countsOf<T>(values: T[], classes: Record<string, (value: T) => boolean>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(classes).map(([name, isIn]) => [name, values.filter(isIn).length]),
  );
}

/** Prints how often each class was hit, and returns those that never were. */
function missedIn(counts: Record<string, number>): string[] {
  const lines = Object.entries(counts).map(([name, count]) => `${String(count).padStart(6)} ${name}\n`);
  process.stderr.write(lines.join(''));
  return Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [name] : []));
}

const instantOf = ({ date }: ServerActivity): number => new Date(date ?? Number.NaN).getTime();

/** Returns how many values there are besides the first of each key. */
function repeated<T>(values: T[], keyOf: (value: T) => unknown): (value: T) => boolean {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
  return (value) => (counts.get(keyOf(value)) ?? 0) > 1;
}

function questionOf(asked: Asked): Question {
  switch (asked[0]) {
    case 'overview':
    case 'retention':
    case 'journeys':
      return asked[1];
    case 'series':
      return asked[3];
    default:
      return asked[2];
  }
}

function instant(at: Question['from']): number {
  if (at === undefined || at instanceof Date) return Number(at);
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(at) ? at : `${at}Z`);
}

describe('the generators of property tests hit what matters', () => {
  it('in activities', () => {
    const activities = fc.sample(anActivity, ACTIVITIES);
    const users = new Set(activities.flatMap(({ user }) => (user ? [String(user.id)] : [])));
    const sessions = new Set(activities.map(({ session }) => session));
    const begins = new Map<unknown, Set<number>>();
    for (const activity of activities) {
      const days = begins.get(activity.session) ?? new Set();
      begins.set(activity.session, days.add(Math.floor(instantOf(activity) / DAY)));
    }
    const visits = new Map<unknown, Set<unknown>>();
    for (const { visit, session } of activities)
      visits.set(visit, (visits.get(visit) ?? new Set()).add(session));
    const missed = missedIn({
      ...countsOf(activities, {
        'at the same millisecond as another': repeated(activities, instantOf),
        'at a whole quarter of an hour': (activity) => instantOf(activity) % 900_000 === 0,
        'a millisecond after it': (activity) => instantOf(activity) % 900_000 === 1,
        'without a visit': ({ visit }) => visit === undefined,
        'without a session': ({ session }) => session === undefined,
        'without a user': ({ user }) => user === undefined,
        'in a visit with and without a session, or with several': ({ visit }) =>
          visit !== undefined && (visits.get(visit)?.size ?? 0) > 1,
        'of a session that returns on another day': ({ session }) =>
          session !== undefined && (begins.get(session)?.size ?? 0) > 1,
        'of a session whose id a user has, too': ({ session }) => users.has(session ?? ''),
        'of a user whose id a session has, too': ({ user }) => sessions.has(String(user?.id)),
        'of a bot that is a user': ({ userAgent, user }) =>
          userAgent?.includes('Googlebot') === true && user !== undefined,
        'engagement with time in view': ({ name, properties }) =>
          name === 'engagement' && typeof properties?.visible === 'number',
      }),
      ...Object.fromEntries(
        Array.from(`%_!\\'"`).map((character) => [
          `with a ${character} in its path`,
          activities.filter(({ path }) => path?.includes(character)).length,
        ]),
      ),
    });
    expect(missed).toEqual([]);
  });

  it('in questions', () => {
    const asked = fc.sample(anyQuestion, QUESTIONS);
    const searches = asked.flatMap((each) => (each[0] === 'top' ? (each[2].search ?? []) : []));
    const missed = missedIn({
      ...countsOf(asked.map(questionOf), {
        'from midnight in UTC': ({ from }) => instant(from) % DAY === 0,
        'to midnight in UTC': ({ to }) => instant(to) % DAY === 0,
        'from within a day': ({ from }) => instant(from) % DAY !== 0,
        'to within a day': ({ to }) => instant(to) % DAY !== 0,
        'from or to a millisecond after an hour': ({ from, to }) =>
          [from, to].some((at) => instant(at) % 3_600_000 === 1),
        'in a time zone of half hours': ({ timeZone }) => timeZone === 'Asia/Kolkata',
        'with bots': ({ bots }) => bots === true,
        'without a filter': (question) =>
          Object.keys(question).every((key) => ['from', 'to', 'timeZone', 'bots'].includes(key)),
        'of null': (question) => Object.values(question).includes(null),
      }),
      ...countsOf(asked, {
        'compared with a range': (each) => each[0] === 'overview' && typeof each[2].compareTo === 'object',
        'compared with the range before': (each) =>
          each[0] === 'overview' && each[2].compareTo === 'previous',
        'of users or sessions in intervals, the first of which begins before the range': (each) =>
          each[0] === 'series' &&
          ['users', 'sessions'].includes(each[1]) &&
          ['day', 'week', 'month'].includes(each[2]) &&
          instant(each[3].from) % DAY !== 0,
        'of a funnel within a time that activities have between them': (each) =>
          each[0] === 'funnel' && each[2].within !== undefined && each[2].within % 900_000 === 0,
        'of cohorts of sessions': (each) => each[0] === 'retention' && each[1].by === 'session',
      }),
      ...Object.fromEntries(
        Array.from(`%_!\\'"`).map((character) => [
          `searching for ${character}`,
          searches.filter((text) => text.includes(character)).length,
        ]),
      ),
    });
    expect(missed).toEqual([]);
  });
});
