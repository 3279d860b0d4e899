import type { Activity, Journeys, JourneysOptions } from '../../../lib/index.js';
import type { History } from './history.js';
import { byText, nullLast } from './order.js';
import { pageOf } from './pages.js';

/** The pages of a visit by step; `first` is the first step. */
interface Journey {
  first: number;
  paths: string[];
}

export function journeys(history: History, options: JourneysOptions): Omit<Journeys, 'asOf'> {
  const { limit = 10 } = options;
  const visitJourneys = history.of(options).visits.map((visit) => journeyOf(visit.activities, options));
  const pathAt = ({ first, paths }: Journey, step: number): string | undefined => paths[step - first];

  const steps = Array.from({ length: 16 }, (_, i) => i - 8);
  const commonest = new Map(
    steps.map((step) => {
      const paths = visitJourneys
        .map((journey) => pathAt(journey, step))
        .filter((path) => path !== undefined);
      const visits = (path: string): number => paths.filter((other) => other === path).length;
      const ordered = [...new Set(paths)].sort((a, b) => visits(b) - visits(a) || byText(a, b));
      return [step, ordered.slice(0, limit)];
    }),
  );
  /** `undefined` if the journey has no such step. */
  const shownAt = (journey: Journey, step: number): string | null | undefined => {
    const path = pathAt(journey, step);
    return path === undefined || commonest.get(step)?.includes(path) ? path : null;
  };

  const nodesAt = (step: number): Journeys['nodes'] =>
    [...(commonest.get(step) ?? []), null].map((path) => ({
      step,
      path,
      visits: visitJourneys.filter((journey) => shownAt(journey, step) === path).length,
    }));
  const nodes = steps
    .flatMap((step) => nodesAt(step))
    .filter(({ visits }) => visits > 0)
    .sort((a, b) => a.step - b.step || b.visits - a.visits || nullLast(a.path, b.path));

  const links = nodes
    .flatMap(({ step, path: from }) =>
      nodesAt(step + 1).map(({ path: to }) => ({
        step,
        from,
        to,
        visits: visitJourneys.filter(
          (journey) => shownAt(journey, step) === from && shownAt(journey, step + 1) === to,
        ).length,
      })),
    )
    .filter(({ visits }) => visits > 0)
    .sort(
      (a, b) => a.step - b.step || b.visits - a.visits || nullLast(a.from, b.from) || nullLast(a.to, b.to),
    );
  return { nodes, links };
}

function journeyOf(activities: Activity[], { by = 'path', start, end, depth = 4 }: JourneysOptions): Journey {
  const routes = activities.flatMap(({ name, route }) => (name === 'engagement' ? [] : (route ?? [])));
  const pages = activities.filter(({ name }) => name === 'view').map(({ path }) => pageOf(path));
  const paths = (by === 'route' ? routes : pages).filter((path, i, all) => path !== all[i - 1]);
  if (end !== undefined) {
    const upTo = paths.slice(0, paths.lastIndexOf(end) + 1).slice(-depth);
    return { first: 1 - upTo.length, paths: upTo };
  }
  const from = start === undefined ? 0 : paths.indexOf(start);
  return { first: 0, paths: from < 0 ? [] : paths.slice(from, from + depth) };
}
