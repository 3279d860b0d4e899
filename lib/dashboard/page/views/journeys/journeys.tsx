import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Journeys as JourneysAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { QueryResult, Card, Empty } from '../../parts/card.js';
import { type Cell, ExportButton } from '../../parts/export-button.js';
import { isTable, TableSwitch } from '../../parts/choice.js';
import { useUrl } from '../../state/url.js';
import { JourneyControls } from './controls.js';
import { Diagram } from './diagram.js';
import { JourneyTables } from './journey-tables.js';
import { anchorOf, depthOf, nameOf, stepKindOf, toJourneyGraph } from './journey-graph.js';

const NONE = { nodes: [], links: [] };

/** The most frequent sequences of pages, or routes, in visits. */
export function Journeys(): JSX.Element {
  const url = useUrl();
  const { parameters } = useQuestion();
  const by = stepKindOf(url);
  const { anchor, path } = anchorOf(url);
  const depth = depthOf(url);
  // Shows paths from entry pages until a path is chosen.
  const asked = { by, depth, ...(anchor !== 'entry' && path !== '' && { [anchor]: path }) };
  const answer = useQuery<JourneysAnswer>(pathOf('stats/journeys', parameters, asked));
  const shownAnchor = path === '' ? 'entry' : anchor;
  // Depends on the answer alone: while the next one is loading, the parameters do not belong to it.
  const graph = useMemo(() => toJourneyGraph(answer.value ?? NONE, shownAnchor, depth), [answer.value]);
  return (
    <Card
      title="Journeys"
      class="journeys"
      actions={
        <>
          <TableSwitch picture="diagram" />
          <ExportButton label="the journeys" name="journeys" getRows={answer.value && rowsOf(answer.value)} />
        </>
      }
    >
      <JourneyControls by={by} anchor={anchor} path={path} depth={depth} />
      <QueryResult answer={answer} skeleton={<JourneySkeleton />}>
        {() =>
          graph.nodes.length === 0 ? (
            <Empty>
              {shownAnchor === 'entry'
                ? `No ${by === 'route' ? 'activities with a route' : 'page views'} match the filters in this range.`
                : `No visit to ${path} in this range.`}
            </Empty>
          ) : isTable(url) ? (
            <JourneyTables graph={graph} by={by} anchor={shownAnchor} />
          ) : (
            <Diagram graph={graph} anchor={shownAnchor} />
          )
        }
      </QueryResult>
    </Card>
  );
}

function JourneySkeleton(): JSX.Element {
  return (
    <div class="journey-skeleton" aria-hidden="true">
      {Array.from({ length: 4 }, (_, i) => (
        <div key={i}>
          {[34, 22, 16, 9].map((height) => (
            <div key={height} class="skeleton" style={{ height: `${height * (1 - i / 8)}%` }} />
          ))}
        </div>
      ))}
    </div>
  );
}

const rowsOf =
  ({ links }: JourneysAnswer) =>
  (): Cell[][] => [
    ['step', 'from', 'to', 'visits'],
    ...links.map(({ step, from, to, visits }) => [step, nameOf(from), nameOf(to), visits]),
  ];
