import type { Journeys, JourneysOptions, Question, VisitRecord, VisitsOptions } from '../../../lib/index.js';
import { isIn, isoOf, rangeOf } from './calendar.js';
import { selectVisits } from './filter.js';
import type { History, Visit } from './history.js';
import { countViews } from './measures.js';
import { byText, nullLast } from './order.js';

/** The visits that started in the range, the oldest first. */
function visitsOf(history: History, question: Question): Visit[] {
  const range = rangeOf(question);
  return selectVisits(history, question)
    .filter(({ start }) => isIn(start, range))
    .sort((a, b) => a.start - b.start || byText(a.id, b.id));
}

/** The visits of all pages together. */
export function visits(history: History, { order = 'desc', ...question }: VisitsOptions): VisitRecord[] {
  const ascending = visitsOf(history, question);
  return (order === 'asc' ? ascending : ascending.toReversed()).map(
    ({ sessionId: _sessionId, start, end, activities, ...visit }) => ({
      ...visit,
      startedAt: isoOf(start, question.timeZone),
      endedAt: isoOf(end, question.timeZone),
      views: countViews(activities),
      count: activities.length,
      activities: activities
        .slice(0, 500)
        .map(({ stored: { id, name, path, referer, subject, userId, userName, properties }, time }) => ({
          id,
          name,
          path,
          referer,
          subject,
          userId,
          userName,
          date: isoOf(time, question.timeZone),
          properties,
        })),
    }),
  );
}

interface Step {
  step: number;
  path: string | null;
}
type Node = Journeys['nodes'][number];
type Link = Journeys['links'][number];

export function journeys(
  history: History,
  { by = 'path', start, end, depth = 4, limit = 10, ...question }: JourneysOptions,
): Pick<Journeys, 'nodes' | 'links'> {
  const followed = visitsOf(history, question).map((visit): Step[] => {
    const paths = sequenceOf(visit, by);
    if (end !== undefined) {
      const last = paths.lastIndexOf(end);
      const taken = paths.slice(Math.max(0, last - depth + 1), last + 1);
      return taken.map((path, i) => ({ step: i - taken.length + 1, path }));
    }
    const first = start === undefined ? 0 : paths.indexOf(start);
    return first < 0 ? [] : paths.slice(first, first + depth).map((path, step) => ({ step, path }));
  });
  const frequent = mostFrequent(followed.flat(), limit);
  const nodes = new Map<string, Node>();
  const links = new Map<string, Link>();
  for (const journey of followed) {
    const steps = journey.map((each) => (frequent.has(keyOf(each)) ? each : { ...each, path: null }));
    for (const [i, { step, path }] of steps.entries()) {
      const node = nodes.get(keyOf({ step, path })) ?? { step, path, visits: 0 };
      nodes.set(keyOf({ step, path }), { ...node, visits: node.visits + 1 });
      const next = steps[i + 1];
      if (!next) continue;
      const key = JSON.stringify([step, path, next.path]);
      const link = links.get(key) ?? { step, from: path, to: next.path, visits: 0 };
      links.set(key, { ...link, visits: link.visits + 1 });
    }
  }
  const byFrequency = (a: Node | Link, b: Node | Link): number => a.step - b.step || b.visits - a.visits;
  return {
    nodes: [...nodes.values()].sort((a, b) => byFrequency(a, b) || nullLast(a.path, b.path)),
    links: [...links.values()].sort(
      (a, b) => byFrequency(a, b) || nullLast(a.from, b.from) || nullLast(a.to, b.to),
    ),
  };
}

/** The pages of a visit's views, or its routes, in order; the same one twice in a row is one step. */
function sequenceOf(visit: Visit, by: 'path' | 'route'): string[] {
  const all = visit.activities.flatMap(({ stored, page }) => {
    if (by === 'path') return stored.name === 'view' ? [page] : [];
    return stored.name === 'engagement' || stored.route === null ? [] : [stored.route];
  });
  return all.filter((path, i) => path !== all[i - 1]);
}

/** The most frequent paths of each step; of equally frequent ones, the first by code points. */
function mostFrequent(steps: readonly Step[], limit: number): Set<string> {
  const counts = new Map<number, Map<string, number>>();
  for (const { step, path } of steps) {
    const ofStep = counts.get(step) ?? new Map<string, number>();
    counts.set(step, ofStep.set(path!, (ofStep.get(path!) ?? 0) + 1));
  }
  return new Set(
    [...counts].flatMap(([step, ofStep]) =>
      [...ofStep]
        .sort(([a, m], [b, n]) => n - m || byText(a, b))
        .slice(0, limit)
        .map(([path]) => keyOf({ step, path })),
    ),
  );
}

function keyOf({ step, path }: Step): string {
  return JSON.stringify([step, path]);
}
