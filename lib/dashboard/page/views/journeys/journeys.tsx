import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Journeys as JourneysAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Answered, Card, Empty } from '../../parts/card.js';
import { CsvButton } from '../../parts/csv-button.js';
import type { Cell } from '../../parts/download.js';
import { isTable, TableSwitch } from '../../parts/table-switch.js';
import { useAddress } from '../../state/address.js';
import { JourneyControls } from './controls.js';
import { Diagram } from './diagram.js';
import { WayTables } from './way-tables.js';
import { anchorOf, depthOf, nameOf, waysOf } from './ways.js';

const NONE: JourneysAnswer = { nodes: [], links: [] };

/** Which ways visits take from page to page. */
export function Journeys(): JSX.Element {
  const address = useAddress();
  const { parameters } = useQuestion();
  const { anchor, path } = anchorOf(address);
  const depth = depthOf(address);
  // Without a path it is asked from the entry on, as long as none is told.
  const asked = { depth, ...(anchor !== 'entry' && path !== '' && { [anchor]: path }) };
  const answer = useAnswer<JourneysAnswer>(pathOf('stats/journeys', parameters, asked));
  const told = path === '' ? 'entry' : anchor;
  // Not anew by what is asked next: the answer belongs to what was asked before.
  const ways = useMemo(() => waysOf(answer.value ?? NONE, told, depth), [answer.value]);
  return (
    <Card
      title="Journeys"
      class="journeys"
      actions={
        <>
          <TableSwitch picture="diagram" />
          <CsvButton what="the journeys" name="journeys" rows={answer.value && rowsOf(answer.value)} />
        </>
      }
    >
      <JourneyControls anchor={anchor} path={path} depth={depth} />
      <Answered answer={answer} skeleton={<JourneySkeleton />}>
        {() =>
          ways.places.length === 0 ? (
            <Empty>
              {told === 'entry'
                ? 'No page was viewed in this range.'
                : `No visit came by ${path} in this range.`}
            </Empty>
          ) : isTable(address) ? (
            <WayTables ways={ways} anchor={told} />
          ) : (
            <Diagram ways={ways} anchor={told} />
          )
        }
      </Answered>
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
