import type { JSX } from 'preact';
import type { Overview, TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Bars } from '../../parts/bars.js';
import { Answered, Empty, SkeletonRows } from '../../parts/card.js';
import { downloadCsv } from '../../parts/download.js';
import { Icon } from '../../parts/icon.js';
import { go, useAddress } from '../../state/address.js';
import { DIMENSIONS, type TableDimension, TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import { barOf } from './top-bar.js';

const ROWS = 8;

interface TopTableProps {
  dimension: TableDimension;
  /** Not before then. */
  isAsked: boolean;
  overview: Overview | undefined;
}

export function TopTable({ dimension, isAsked, overview }: TopTableProps): JSX.Element {
  const address = useAddress();
  const { parameters } = useQuestion();
  const { title, measure } = DIMENSIONS[dimension];
  const path = pathOf('stats/top', { dimension, limit: ROWS + 1 }, parameters);
  const answer = useAnswer<{ items: TopRow[] }>(isAsked ? path : undefined);
  return (
    <Answered answer={answer} skeleton={<SkeletonRows />}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty>Nothing in this range.</Empty>
        ) : (
          <>
            <Bars
              head={[title, TOP_MEASURE_WORDS[measure]]}
              bars={items.slice(0, ROWS).map((row) => barOf(dimension, row, address))}
              total={overview?.[measure].value ?? undefined}
            />
            <footer class="card-foot">
              <button
                type="button"
                class="plain"
                aria-label={`Download ${title.toLowerCase()} as CSV`}
                onClick={() =>
                  downloadCsv(dimension, [
                    [dimension, measure],
                    ...items.slice(0, ROWS).map(({ value, count }) => [value, count]),
                  ])
                }
              >
                <Icon name="download" /> CSV
              </button>
              <button
                type="button"
                class="plain"
                aria-label={`Search ${title.toLowerCase()}`}
                onClick={() => go({ more: dimension })}
              >
                <Icon name="search" /> Search
              </button>
              {items.length > ROWS && (
                <button
                  type="button"
                  class="plain"
                  aria-label={`More ${title.toLowerCase()}`}
                  onClick={() => go({ more: dimension })}
                >
                  More <Icon name="more" />
                </button>
              )}
            </footer>
          </>
        )
      }
    </Answered>
  );
}
