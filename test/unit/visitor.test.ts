import fc from 'fast-check';
import { MAX_VISIT_DURATION } from '../../lib/activity/visit-id.js';
import { VISIT_PAUSE } from '../../lib/activity/visit-id.js';
import { KeyRing } from '../../lib/privacy/key-ring.js';
import {
  CLOCK_TOLERANCE,
  type Moment,
  newSession,
  readVisitor as readVisitorBy,
  sessionOfHost,
  type Visit,
  type Visitor,
  assignVisits as visitsOfMoments,
  writeVisitor as writeVisitorBy,
} from '../../lib/tracking/visitor.js';
import { runs } from '../support/property.js';

const NOW = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const DAY = 86_400_000;

const SESSION = /^[\w-]{15}$/;
const VISIT = /^[\da-z]{8,9}[\w-]{7}$/;

const keys = new KeyRing([{ number: 1, createdAt: new Date(0), secret: 'a'.repeat(43) }], DAY);

const readVisitor = (cookie: string, now: number): ReturnType<typeof readVisitorBy> =>
  readVisitorBy(cookie, now, keys, 395 * DAY);

const writeVisitor = (visitor: Visitor): string => writeVisitorBy(visitor, NOW, keys);

/** What somebody with the key would have written. */
const signed = (text: string): string => keys.sign(text, NOW);

/** Minutes and milliseconds around the pause that ends a visit, so that its boundary is met often. */
const aPause = fc.oneof(
  fc.integer({ min: 0, max: 2 * VISIT_PAUSE }),
  fc.integer({ min: VISIT_PAUSE - 2, max: VISIT_PAUSE + 2 }),
);

/** Dates in order, the last of them now. */
const aHistory = fc.array(aPause, { maxLength: 20 }).map((pauses) => {
  const dates = [NOW];
  for (const pause of pauses) dates.unshift((dates[0] ?? NOW) - pause);
  return dates;
});

const aUser = fc.option(fc.constantFrom('1', 'jeff', 'ö'), { nil: undefined });

/** Of views at these dates. */
function assignVisits(
  current: Visit | undefined,
  dates: number[],
  user: string | undefined,
  seed?: string,
): { visits: string[]; latest: Visit } {
  const moments = dates.map((date): Moment => ({ date, path: '/' }));
  const { visits, latest } = visitsOfMoments(current, moments, user, seed);
  if (!latest) throw new Error('a view is in a visit');
  return { visits: visits.map((visit) => visit ?? 'none'), latest };
}

/** Which of the dates are in one visit, by the index of the first of them. */
function groupsOf(visits: string[]): number[] {
  return visits.map((visit) => visits.indexOf(visit));
}

/** The contract's model: a visit is ended by 30 minutes without activity. */
function modelOf(sorted: number[]): number[] {
  let start = 0;
  return sorted.map((date, i) => {
    if (date - (sorted[i - 1] ?? date) >= VISIT_PAUSE) start = i;
    return start;
  });
}

function oneByOne(
  current: Visit | undefined,
  dates: number[],
  user: string | undefined,
): { visits: string[]; latest: Visit | undefined } {
  let latest = current;
  const visits = dates.flatMap((date) => {
    const assigned = assignVisits(latest, [date], user);
    latest = assigned.latest;
    return assigned.visits;
  });
  return { visits, latest };
}

describe('the visits of activities', () => {
  it('go on for less than 30 minutes without activity, and end with them', () => {
    const less = VISIT_PAUSE - 1;
    const dates = [0, less, 2 * less, 2 * less + VISIT_PAUSE].map((passed) => NOW - DAY + passed);
    expect(groupsOf(assignVisits(undefined, dates, undefined).visits)).toEqual([0, 0, 0, 3]);
  });

  it('of a batch are those of its dates in order, each ended by 30 minutes', () => {
    fc.assert(
      fc.property(aHistory, aUser, (sorted, user) => {
        const { visits, latest } = assignVisits(undefined, sorted, user);
        expect(groupsOf(visits)).toEqual(modelOf(sorted));
        expect(latest).toMatchObject({ id: visits.at(-1), lastSeen: NOW });
        for (const id of visits) expect(id).toMatch(VISIT);
      }),
      runs(500),
    );
  });

  it('do not depend on the order within the batch', () => {
    const shuffled = aHistory.chain((sorted) =>
      fc.tuple(
        fc.constant(sorted),
        fc.shuffledSubarray([...sorted.keys()], { minLength: sorted.length, maxLength: sorted.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, aUser, (given, user) => {
        const [sorted, order] = given;
        const { visits } = assignVisits(
          undefined,
          order.map((i) => sorted[i] ?? 0),
          user,
        );
        const inOrder = sorted.map((_, i) => visits[order.indexOf(i)] ?? '');
        expect(groupsOf(inOrder)).toEqual(modelOf(sorted));
      }),
      runs(500),
    );
  });

  it('are the same sent one by one in the order of their dates', () => {
    fc.assert(
      fc.property(aHistory, aUser, (sorted, user) => {
        const { visits, latest } = oneByOne(undefined, sorted, user);
        expect(groupsOf(visits)).toEqual(modelOf(sorted));
        expect(latest).toMatchObject({ id: visits.at(-1), lastSeen: NOW });
      }),
      runs(500),
    );
  });

  it('are the same wherever a history in order is divided into requests', () => {
    const divided = fc.tuple(aHistory, fc.array(fc.nat(20), { maxLength: 5 }));
    fc.assert(
      fc.property(divided, aUser, ([sorted, cuts], user) => {
        const ends = [...new Set([...cuts.filter((at) => at < sorted.length), sorted.length])].sort(
          (a, b) => a - b,
        );
        let latest: Visit | undefined;
        let start = 0;
        const visits = ends.flatMap((end) => {
          if (end === start) return [];
          const assigned = assignVisits(latest, sorted.slice(start, end), user);
          latest = assigned.latest;
          start = end;
          return assigned.visits;
        });
        expect(groupsOf(visits)).toEqual(modelOf(sorted));
      }),
      runs(500),
    );
  });

  it('of a queue that comes after what was done later are as if it had come at once', () => {
    const late = fc.tuple(aHistory, fc.nat(20));
    fc.assert(
      fc.property(late, aUser, ([sorted, at], user) => {
        const queued = sorted.slice(0, at % sorted.length);
        const first = assignVisits(undefined, sorted.slice(queued.length), user);
        // What the cookie tells is the latest visit alone: earlier ones cannot be gone on with.
        fc.pre(new Set(first.visits).size === 1);
        const second = assignVisits(first.latest, queued, user);
        expect(groupsOf([...second.visits, ...first.visits])).toEqual(modelOf(sorted));
        const startedAt = sorted[modelOf(sorted)[queued.length] ?? 0];
        expect(second.latest).toEqual({ ...first.latest, startedAt });
      }),
      runs(500),
    );
  });

  it('contain an activity of the very moment in which they began', () => {
    const { latest } = assignVisits(undefined, [NOW], undefined);
    expect(assignVisits(latest, [NOW], undefined)).toEqual({ visits: [latest.id], latest });
  });

  it('begin earlier by what is sent late, but never last for 24 hours then', () => {
    const { latest } = assignVisits(undefined, [NOW - DAY + 600_000], undefined);
    const current = { ...latest, lastSeen: NOW };
    expect(assignVisits(current, [NOW - DAY + 1], undefined).visits).toEqual([latest.id]);
    expect(assignVisits(current, [NOW - DAY], undefined).visits).not.toEqual([latest.id]);
  });

  it('never last for 24 hours, whatever is sent late in several requests', () => {
    const minutes = fc.integer({ min: 0, max: 20 * 60 });
    const requests = fc.array(fc.tuple(fc.nat(29), fc.array(minutes, { minLength: 1, maxLength: 50 })), {
      minLength: 60,
      maxLength: 120,
    });
    let longest = 0;
    fc.assert(
      fc.property(requests, (given) => {
        const visitor = { session: newSession(), since: NOW };
        const spans = new Map<string, { first: number; last: number }>();
        let cookie = '';
        let now = NOW;
        for (const [pause, ages] of given) {
          now += pause * 60_000;
          const dates = [0, ...ages].map((age) => now - age * 60_000);
          const current = readVisitor(cookie, now)?.visit;
          const { visits, latest } = assignVisits(current, dates, undefined);
          for (const [i, id] of visits.entries()) {
            const { first = NOW * 2, last = 0 } = spans.get(id) ?? {};
            const date = dates[i] ?? now;
            spans.set(id, { first: Math.min(first, date), last: Math.max(last, date) });
          }
          cookie = writeVisitorBy({ ...visitor, visit: latest }, now, keys);
        }
        for (const { first, last } of spans.values()) {
          longest = Math.max(longest, last - first);
          expect(last - first).toBeLessThan(DAY);
        }
      }),
      // Shrinking so long a history would take minutes.
      { numRuns: 20, endOnFailure: true },
    );
    // Otherwise no visit would have come near the limit.
    expect(longest).toBeGreaterThan(0.8 * DAY);
  });

  it('have ids of the same form in 1970, of a browser without a clock', () => {
    expect(assignVisits(undefined, [1], undefined).visits[0]).toMatch(VISIT);
  });

  it('end after 24 hours, however much is done', () => {
    const minutes = Array.from(
      { length: 3 * 24 * 60 },
      (_, minute) => NOW - MAX_VISIT_DURATION * 4 + minute * 60_000,
    );
    const inOrder = oneByOne(undefined, minutes, undefined).visits;
    for (const visits of [assignVisits(undefined, minutes, undefined).visits, inOrder])
      expect(minutes.map((_, i) => visits.indexOf(visits[i] ?? ''))).toEqual(
        minutes.map((_, minute) => minute - (minute % (24 * 60))),
      );
  });

  describe('engagement', () => {
    const HOUR = 3_600_000;
    const engaged = (date: number, inView = 10_000, path = '/'): Moment => ({ date, path, inView });
    const viewed = (date: number, path = '/'): Moment => ({ date, path });

    it('belongs to the visit of its view, also hours later', () => {
      const {
        visits: [id],
        latest,
      } = visitsOfMoments(undefined, [viewed(NOW)], 'jeff');
      for (const later of [60_000, HOUR, 3 * HOUR]) {
        expect(visitsOfMoments(latest, [engaged(NOW + later)], 'jeff').visits).toEqual([id]);
        // The page may be left by logging out.
        expect(visitsOfMoments(latest, [engaged(NOW + later)], undefined)).toEqual({ visits: [id], latest });
      }
      const batch = [viewed(NOW), engaged(NOW + HOUR), engaged(NOW + 3 * HOUR)];
      expect(new Set(visitsOfMoments(undefined, batch, 'jeff').visits).size).toBe(1);
    });

    it('continues the visit while a page is in view, but not if it was viewed again later', () => {
      const view = visitsOfMoments(undefined, [viewed(NOW)], undefined);
      for (const [moment, isSame] of [
        [engaged(NOW + HOUR, HOUR), true],
        [engaged(NOW + HOUR, HOUR - VISIT_PAUSE + 1), true],
        [engaged(NOW + HOUR, HOUR - VISIT_PAUSE), false],
        [engaged(NOW + HOUR), false],
      ] as const) {
        const { latest } = visitsOfMoments(view.latest, [moment], undefined);
        const next = visitsOfMoments(latest, [viewed(NOW + HOUR, '/next')], undefined);
        expect(next.visits[0] === view.visits[0]).toBe(isSame);
        const atOnce = visitsOfMoments(view.latest, [moment, viewed(NOW + HOUR, '/next')], undefined);
        expect(atOnce.visits[0]).toBe(view.visits[0]);
        expect(atOnce.visits[1] === view.visits[0]).toBe(isSame);
      }
    });

    it('are those of the path, if another visit has begun since', () => {
      const { visits } = visitsOfMoments(
        undefined,
        [
          viewed(NOW, '/a'),
          viewed(NOW + HOUR, '/b'),
          engaged(NOW + HOUR + 1, 5, '/a'),
          engaged(NOW + HOUR + 2, 5, '/b'),
        ],
        undefined,
      );
      expect(groupsOf(visits.map(String))).toEqual([0, 1, 0, 1]);
    });

    it('with a page of the visit before does not continue the latest one', () => {
      const MINUTE = 60_000;
      const { visits } = visitsOfMoments(
        undefined,
        [
          viewed(NOW, '/a'),
          viewed(NOW + HOUR, '/b'),
          engaged(NOW + HOUR + 29 * MINUTE, 40 * MINUTE, '/a'),
          viewed(NOW + HOUR + 45 * MINUTE, '/c'),
        ],
        undefined,
      );
      expect(groupsOf(visits.map(String))).toEqual([0, 1, 0, 3]);
    });

    it('with a page of an earlier request is in the visit of its time', () => {
      const { latest } = visitsOfMoments(undefined, [viewed(NOW)], undefined);
      const queued = [viewed(NOW - 5 * HOUR, '/a'), engaged(NOW - 5 * HOUR + 1, 1, '/other')];
      for (const later of [NOW, NOW + 1]) {
        const moments = [...queued, engaged(later, 1, '/other')];
        const { visits } = visitsOfMoments(latest, moments, undefined);
        expect(groupsOf(visits.map(String))).toEqual([0, 0, 2]);
        expect(visits[2]).toBe(latest?.id);
      }
    });

    it('does not move the start of a visit', () => {
      const MINUTE = 60_000;
      const { latest } = visitsOfMoments(undefined, [viewed(NOW)], undefined);
      const moments = [viewed(NOW - 40 * MINUTE, '/a'), engaged(NOW - 20 * MINUTE, 1, '/b')];
      expect(visitsOfMoments(latest, moments, undefined).visits[0]).not.toBe(latest?.id);
    });

    it('belongs to the visit up to a pause before its start', () => {
      const { latest } = visitsOfMoments(undefined, [viewed(NOW)], undefined);
      const visitAt = (date: number): unknown =>
        visitsOfMoments(latest, [engaged(date)], undefined).visits[0];
      expect(visitAt(NOW - VISIT_PAUSE + 1)).toBe(latest?.id);
      expect(visitAt(NOW - VISIT_PAUSE)).toBeNull();
    });

    it('are none without a view, after a day, of a time before the visit, or of another user', () => {
      expect(visitsOfMoments(undefined, [engaged(NOW)], 'jeff')).toEqual({
        visits: [null],
        latest: undefined,
      });
      const { latest } = visitsOfMoments(undefined, [viewed(NOW)], 'jeff');
      for (const date of [NOW + MAX_VISIT_DURATION, NOW - HOUR])
        expect(visitsOfMoments(latest, [engaged(date)], 'jeff').visits).toEqual([null]);
      expect(visitsOfMoments(latest, [engaged(NOW + 1)], 'ada')).toEqual({ visits: [null], latest });
    });
  });

  describe('by clocks that jump', () => {
    const MINUTE = 60_000;

    /** How many visits there are of requests at these times of the server's clock, each a moment late. */
    function visitsAt(clock: number[]): number {
      let cookie = '';
      const visits = clock.map((now) => {
        const assigned = assignVisits(readVisitor(cookie, now)?.visit, [now - 50], undefined);
        cookie = writeVisitor({ session: newSession(), since: NOW, visit: assigned.latest });
        return assigned.visits[0];
      });
      return new Set(visits).size;
    }

    const minutesFrom = (start: number, age = 0): number[] =>
      Array.from({ length: 10 }, (_, minute) => start + (age + minute) * MINUTE);

    it.each([
      ['back by an hour', -60 * MINUTE, 1],
      ['back by 40 minutes', -40 * MINUTE, 1],
      ['back by 25 hours', -25 * 60 * MINUTE, 2],
      ['back by a year', -365 * DAY, 2],
      ['on by an hour', 60 * MINUTE, 2],
      ['on by a year', 365 * DAY, 2],
    ])('are no more than the jump makes: %s', (_, jump, most) => {
      expect(visitsAt([...minutesFrom(NOW), ...minutesFrom(NOW + jump, 10)])).toBeLessThanOrEqual(most);
      // There and back again.
      const glitch = [...minutesFrom(NOW), ...minutesFrom(NOW + jump, 10), ...minutesFrom(NOW, 20)];
      expect(visitsAt(glitch)).toBeLessThanOrEqual(3);
    });

    it.each([1000, 5 * MINUTE, 45 * MINUTE, CLOCK_TOLERANCE])(
      'are no more on two instances %i ms apart',
      (apart) => {
        const clock = minutesFrom(NOW).flatMap((now) => [now, now + apart, now + apart, now]);
        // The clock that is ahead cannot know at first that there was no pause.
        expect(visitsAt(clock)).toBeLessThanOrEqual(apart < VISIT_PAUSE ? 1 : 2);
        const behindFirst = minutesFrom(NOW).flatMap((now) => [now, now - apart, now - apart, now]);
        expect(visitsAt(behindFirst)).toBe(1);
      },
    );
  });

  it('go on with a login', () => {
    const anonymous = assignVisits(undefined, [NOW], undefined).latest;
    expect(assignVisits(anonymous, [NOW + 1], 'jeff').visits).toEqual([anonymous.id]);
  });

  it.each([
    ['a logout', 'jeff', undefined],
    ['a logout of the user "undefined"', 'undefined', undefined],
    ['a login as somebody else', 'jeff', 'ada'],
  ])('begin anew with %s', (_, before, after) => {
    const latest = assignVisits(undefined, [NOW], before).latest;
    const goesOn = assignVisits(latest, [NOW + 1], before);
    expect(goesOn.visits).toEqual([latest.id]);
    expect(assignVisits(goesOn.latest, [NOW + 2], after).visits).not.toEqual([latest.id]);
  });

  it('start again after 30 minutes, also with a login, and do not contain the user', () => {
    const anonymous = assignVisits(undefined, [NOW], undefined).latest;
    const { visits, latest } = assignVisits(anonymous, [NOW + VISIT_PAUSE + 1], 'jeff');
    expect(visits).not.toEqual([anonymous.id]);
    expect(latest.user).toMatch(/^[\w-]{8}$/);
    expect(assignVisits(undefined, [NOW], 'jeff').latest.user).not.toBe(latest.user);
  });
});

describe('what the cookie carries', () => {
  const aSession = fc.oneof(
    fc.string().map(sessionOfHost),
    fc.integer().map(() => newSession()),
  );

  it('is read unchanged', () => {
    fc.assert(
      fc.property(aSession, aHistory, aUser, (session, sorted, user) => {
        const visitor = { session, since: NOW - DAY, visit: assignVisits(undefined, sorted, user).latest };
        const written = writeVisitor(visitor);
        expect(written).toMatch(/^[\w.-]{1,150}$/);
        expect(readVisitor(written, NOW)).toEqual(visitor);
      }),
      runs(500),
    );
  });

  it('was last seen no later than clocks differ, whatever it says', () => {
    const written = writeVisitor({
      session: newSession(),
      since: NOW,
      visit: assignVisits(undefined, [NOW], undefined).latest,
    });
    expect(readVisitor(written, NOW - 1)?.visit).toMatchObject({ startedAt: NOW - 1, lastSeen: NOW });
    const later = signed(`${keys.unsign(written, NOW)}`.replace(/\.\w+\.\.(\w+)$/, '.zzzzzzzz..$1'));
    expect(readVisitor(later, NOW)?.visit?.lastSeen).toBe(NOW + CLOCK_TOLERANCE);
    expect(readVisitor(written, NOW - CLOCK_TOLERANCE)?.visit).toMatchObject({ lastSeen: NOW });
    expect(readVisitor(written, NOW - CLOCK_TOLERANCE - 1)).toMatchObject({ visit: undefined });
  });

  it('ends when the session is too old to be renewed, and begins no later than now', () => {
    const visit = assignVisits(undefined, [NOW], undefined).latest;
    const written = (since: number): string => writeVisitor({ session: newSession(), since, visit });
    expect(readVisitor(written(NOW - 395 * DAY + 1), NOW)).toMatchObject({ since: NOW - 395 * DAY + 1 });
    expect(readVisitor(written(NOW - 395 * DAY), NOW)).toBeUndefined();
    expect(readVisitor(written(NOW + DAY), NOW)).toMatchObject({ since: NOW });
  });

  it.each([
    '',
    '....',
    'a.b.c.d.e',
    `${'a'.repeat(15)}.${'b'.repeat(15)}.zzzzzzzzzz..zz`,
    `${'a'.repeat(14)}.${'b'.repeat(15)}.zz..zz`,
    `${'a'.repeat(15)}.${'b'.repeat(15)}.zz.user.zz`,
    `${'a'.repeat(15)}.${'b'.repeat(15)}.zz..\n`,
    `${'a'.repeat(15)}.${'b'.repeat(15)}.ZZ..zz`,
    `${'a'.repeat(15)}.${'b'.repeat(15)}.zz..`,
  ])('is nothing where it is %j', (cookie) => {
    expect(readVisitor(cookie, NOW)).toBeUndefined();
    expect(readVisitor(signed(cookie), NOW)).toBeUndefined();
  });

  it('is nothing if anything precedes or follows it, although it is signed', () => {
    const content = `${'a'.repeat(15)}.${'b'.repeat(15)}.zz..${NOW.toString(36)}`;
    expect(readVisitor(signed(content), NOW)).toMatchObject({ session: 'a'.repeat(15), since: NOW });
    for (const other of [`a${content}`, `-.${content}`, `${content}-`, `${content}.A`, `${content}.a.a`])
      expect(readVisitor(signed(other), NOW)).toBeUndefined();
  });

  it('is nothing if any character of it was changed, left out or added', () => {
    const visitor = {
      session: newSession(),
      since: NOW,
      visit: assignVisits(undefined, [NOW], 'jeff').latest,
    };
    const written = writeVisitor(visitor);
    expect(readVisitor(written, NOW)).toEqual(visitor);
    const forged = [...written].flatMap((character, i) => {
      const [before, after] = [written.slice(0, i), written.slice(i + 1)];
      const other = character === 'a' ? 'b' : 'a';
      return [before + other + after, before + after, `${before}${character}${character}${after}`];
    });
    expect(forged.filter((cookie) => cookie !== written && readVisitor(cookie, NOW))).toEqual([]);
    expect(readVisitor(`${keys.unsign(written, NOW)}`, NOW)).toBeUndefined();
  });

  it('is never what somebody without the key wrote', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.stringMatching(/^[\w-]{15}\.[\da-z]{8}[\w-]{7}\.[\da-z]{8}\.\.[\da-z]{8}\.[\w-]{26}$/),
        ),
        (cookie) => {
          expect(readVisitor(cookie, NOW)).toBeUndefined();
        },
      ),
      runs(500),
    );
  });

  it('has a valid visit, whatever similar text is signed', () => {
    const forged = fc.stringMatching(
      /^[\w-]{15}\.[\da-z]{8,9}[\w-]{7}\.[\da-z]{1,9}\.([\w-]{8})?\.[\da-z]{1,9}$/,
    );
    fc.assert(
      fc.property(fc.oneof(forged, fc.string()), aHistory, aUser, (cookie, sorted, user) => {
        const visitor = readVisitor(signed(cookie), NOW);
        const { visits, latest } = assignVisits(visitor?.visit, sorted, user);
        for (const id of [...visits, latest.id]) expect(id).toMatch(VISIT);
        const written = writeVisitor({ session: newSession(), since: NOW, visit: latest });
        expect(readVisitor(written, NOW)?.visit).toEqual(latest);
      }),
      runs(500),
    );
  });

  it("of the host's own session is a SHA-256 of it", () => {
    expect(sessionOfHost('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('is random for each new session', () => {
    const sessions = Array.from({ length: 100 }, () => newSession());
    expect(new Set(sessions).size).toBe(100);
    expect(sessions.filter((id) => !SESSION.test(id))).toEqual([]);
  });

  it('is the same for a retried request, and so are its visits', () => {
    const start = NOW - (NOW % 60_000);
    const [one, again, other] = ['a', 'a', 'b'].map((seed, i) => ({
      session: newSession(seed),
      visits: assignVisits(undefined, [start + i, start + VISIT_PAUSE + 2 * i], undefined, seed).visits,
    }));
    expect(again).toEqual(one);
    expect(new Set(one?.visits).size).toBe(2);
    expect(one?.session).toMatch(SESSION);
    expect(other?.session).not.toBe(one?.session);
    expect(other?.visits).not.toEqual(one?.visits);
  });

  it('has a visit of its own for each user who sends the same request', () => {
    const [ada, again, jeff] = ['ada', 'ada', 'jeff'].map(
      (user) => assignVisits(undefined, [NOW], user, 'a').visits[0],
    );
    expect(again).toBe(ada);
    expect(jeff).not.toBe(ada);
  });
});
