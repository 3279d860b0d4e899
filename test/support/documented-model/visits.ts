import type { Journeys, JourneysOptions, Question } from '../../../lib/index.js';
import { isIn, rangeOf } from './calendar.js';
import { isOnPage, selectVisits } from './filter.js';
import type { History, Visit } from './history.js';

/** The visits that started in the range, the oldest first. */
export function visits(history: History, question: Question, now: number): Visit[] {
  const range = rangeOf(question, now);
  return selectVisits(history, question)
    .filter(({ start }) => isIn(start, range))
    .sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
}

interface Step {
  step: number;
  path: string | null;
}

export function journeys(
  history: History,
  { by = 'path', start, end, depth = 4, limit = 10, ...question }: JourneysOptions,
  now: number,
): Pick<Journeys, 'nodes' | 'links'> {
  const isPlace = (wanted: string) => (path: string) =>
    by === 'route' ? path === wanted : isOnPage(path, wanted);
  const followed = visits(history, question, now).map((visit): Step[] => {
    const paths = sequenceOf(visit, by);
    if (end !== undefined) {
      const last = paths.findIndex(isPlace(end));
      const taken = paths.slice(Math.max(0, last - depth + 1), last + 1);
      return taken.map((path, i) => ({ step: i - taken.length + 1, path }));
    }
    const first = start === undefined ? 0 : paths.findIndex(isPlace(start));
    return first < 0 ? [] : paths.slice(first, first + depth).map((path, step) => ({ step, path }));
  });
  const frequent = mostFrequent(followed.flat(), limit);
  const shown = followed.map((steps) =>
    steps.map((each) => (frequent.has(keyOf(each)) ? each : { ...each, path: null })),
  );
  const nodes = new Map<string, Journeys['nodes'][number]>();
  const links = new Map<string, Journeys['links'][number]>();
  for (const steps of shown)
    for (const [i, { step, path }] of steps.entries()) {
      const node = nodes.get(keyOf({ step, path })) ?? { step, path, visits: 0 };
      nodes.set(keyOf({ step, path }), { ...node, visits: node.visits + 1 });
      const next = steps[i + 1];
      if (!next) continue;
      const key = JSON.stringify([step, path, next.path]);
      const link = links.get(key) ?? { step, from: path, to: next.path, visits: 0 };
      links.set(key, { ...link, visits: link.visits + 1 });
    }
  return { nodes: [...nodes.values()], links: [...links.values()] };
}

/** The pages of a visit's views, or its routes, in order; the same one twice in a row is one step. */
function sequenceOf(visit: Visit, by: 'path' | 'route'): string[] {
  const all = visit.activities.flatMap(({ stored, page }) => {
    if (by === 'path') return stored.name === 'view' ? [page] : [];
    return stored.name === 'engagement' || stored.route === null ? [] : [stored.route];
  });
  return all.filter((path, i) => path !== all[i - 1]);
}

/** The most frequent paths of each step; of equally frequent ones, the first in alphabetical order. */
function mostFrequent(steps: readonly Step[], limit: number): Set<string> {
  const counts = new Map<number, Map<string, number>>();
  for (const { step, path } of steps) {
    const ofStep = counts.get(step) ?? new Map<string, number>();
    counts.set(step, ofStep.set(path!, (ofStep.get(path!) ?? 0) + 1));
  }
  return new Set(
    [...counts].flatMap(([step, ofStep]) =>
      [...ofStep]
        .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([path]) => keyOf({ step, path })),
    ),
  );
}

function keyOf({ step, path }: Step): string {
  return JSON.stringify([step, path]);
}
