import fc from 'fast-check';
import type { Question, ServerActivity } from '../../lib/index.js';
import { isStorable } from '../../lib/activity/text.js';
import { aTracked, EDGE_NUMBERS } from '../support/arbitrary-exports.js';
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

/** Milliseconds since the last activity of the visit that is not `engagement`; negative if that is later. */
function sinceLastActivity(activity: ServerActivity, all: ServerActivity[]): number {
  const others = all.filter(({ visit, name }) => visit === activity.visit && name !== 'engagement');
  return others.length === 0 ? Infinity : instantOf(activity) - Math.max(...others.map(instantOf));
}

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

/** Returns the value and all that is in it, also keys. */
function partsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return [value, ...(Array.isArray(value) ? value : Object.entries(value).flat()).flatMap(partsOf)];
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
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
        'not interactive, in a visit': ({ interactive, visit }) =>
          interactive === false && visit !== undefined,
        'engagement with time in view': ({ name, properties }) =>
          name === 'engagement' && typeof properties?.visible === 'number',
        'engagement with more time in view than since the last activity of its visit': (activity) => {
          const since = sinceLastActivity(activity, activities);
          return activity.name === 'engagement' && since > 0 && Number(activity.properties?.visible) > since;
        },
        'engagement at the start of a visit': (activity) =>
          activity.name === 'engagement' &&
          activity.visit !== undefined &&
          activities.every(
            (other) => other.visit !== activity.visit || instantOf(other) >= instantOf(activity),
          ),
        'with a user in a visit whose user is another one': ({ visit, user }) =>
          visit !== undefined &&
          activities.some(
            (other) => other.visit === visit && other.user && user && other.user.id !== user.id,
          ),
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

  describe('in exported', () => {
    const activities = fc.sample(aTracked, ACTIVITIES);
    const texts = activities.flatMap(({ path, referer, user, userAgent }) =>
      [path, referer, user?.name, userAgent].filter((text) => typeof text === 'string'),
    );
    const properties = activities.map((activity) => activity.properties).filter((each) => each !== undefined);
    const parts = properties.flatMap(partsOf);
    const textsInJson = parts.filter((part) => typeof part === 'string');

    const containing = (among: string[], characters: string): Record<string, number> =>
      Object.fromEntries(
        Array.from(characters, (character) => [
          `with ${JSON.stringify(character)}`,
          among.filter((text) => text.includes(character)).length,
        ]),
      );

    it('texts that CSV quotes, and spreadsheets run', () => {
      const missed = missedIn({
        ...containing(texts, `"',;\t`),
        ...countsOf(texts, {
          'with CR LF': (text) => text.includes('\r\n'),
          'with CR alone': (text) => /\r(?!\n)/.test(text),
          'with LF alone': (text) => /(?<!\r)\n/.test(text),
          'with two quotes': (text) => text.includes('""'),
          'that begin with a quote': (text) => text.startsWith('"'),
          'that end with a quote': (text) => text.endsWith('"'),
          'that begin with a byte order mark': (text) => text.startsWith('\uFEFF'),
          'that begin with a blank': (text) => /^ +[^ ]/.test(text),
          'that end with a blank': (text) => /[^ ] +$/.test(text),
          'of blanks alone': (text) => /^ +$/.test(text),
          'that are empty': (text) => text === '',
          'with a formula after blanks': (text) => /^\s+[=+\-@]/.test(text),
          'with a formula after a semicolon': (text) => /;[=+\-@]/.test(text),
          'with a formula in another line': (text) => /.(?:\r\n?|\n)[=+\-@]/s.test(text),
          'with an apostrophe before a formula': (text) => /^'[=+\-@]/.test(text),
        }),
        ...Object.fromEntries(
          Array.from('=+-@＝＋－＠\t\r\n', (character) => [
            `that begin with ${JSON.stringify(character)}`,
            texts.filter((text) => text.startsWith(character)).length,
          ]),
        ),
        ...countsOf(activities, {
          'activities without a referer': ({ referer }) => referer === undefined,
          'activities without a session': ({ session }) => session === undefined,
          'sessions without a user agent': ({ session, userAgent }) =>
            session !== undefined && userAgent === undefined,
          'users without a name': ({ user }) => user?.name === null,
          'users with an empty name': ({ user }) => user?.name === '',
          'activities without properties': (activity) => activity.properties === undefined,
        }),
      });
      expect(missed).toEqual([]);
    });

    it('texts that JSON escapes, numbers that it may round, and values in values', () => {
      const controls = String.fromCharCode(...Array.from({ length: 31 }, (_, i) => i + 1));
      const missed = missedIn({
        ...containing(textsInJson, `"\\/${controls}\u007F\u0085\u2028\u2029\uFEFF`),
        ...countsOf(textsInJson, {
          'with </script>': (text) => text.includes('</script>'),
          'with <!--': (text) => text.includes('<!--'),
          'with two units for a character': (text) => /[\uD800-\uDBFF]/.test(text),
          'that are empty': (text) => text === '',
        }),
        ...countsOf(texts, {
          'outside of JSON, with NUL': (text) => text.includes('\0'),
          'outside of JSON, with half of a surrogate pair': (text) => !isStorable(text.replaceAll('\0', '')),
        }),
        ...countsOf(parts, {
          null: (part) => part === null,
          true: (part) => part === true,
          false: (part) => part === false,
          'an array': Array.isArray,
        }),
        ...countsOf(properties, {
          'without a key': (each) => Object.keys(each).length === 0,
          'with an empty key': (each) => Object.hasOwn(each, ''),
          'with a key of objects': (each) => Object.hasOwn(each, 'constructor'),
          'of three levels': (each) => depthOf(each) === 3,
        }),
        ...Object.fromEntries(
          EDGE_NUMBERS.map((number) => [
            `the number ${Object.is(number, -0) ? '-0' : number}`,
            parts.filter((part) => Object.is(part, number)).length,
          ]),
        ),
      });
      expect(missed).toEqual([]);
    });
  });
});
