import type { JSX } from 'preact';
import type { Overview, TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Bars } from '../../parts/bars.js';
import { Answered, Empty, SkeletonRows } from '../../parts/card.js';
import { CsvButton } from '../../parts/csv-button.js';
import { Icon } from '../../parts/icon.js';
import { go, useAddress } from '../../state/address.js';
import { TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import type { Ranking } from './ranking.js';

const ROWS = 8;

interface TopTableProps {
  ranking: Ranking;
  /** Not before then. */
  isAsked: boolean;
  /** Of what the shares are; without it none are shown. */
  overview?: Overview | undefined;
}

/** The first rows of a ranking. */
export function TopTable({ ranking, isAsked, overview }: TopTableProps): JSX.Element {
  const address = useAddress();
  const question = useQuestion();
  const { name, title, measure, parameters } = ranking;
  const path = pathOf('stats/top', { ...parameters, limit: ROWS + 1 }, question.parameters);
  const answer = useAnswer<{ items: TopRow[] }>(isAsked ? path : undefined);
  const subject = title.toLowerCase();
  const { property } = parameters;
  const showAll = (): void => go({ more: name, ...(property !== undefined && { property }) });
  return (
    <Answered answer={answer} skeleton={<SkeletonRows />}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty>Nothing in this range.</Empty>
        ) : (
          <>
            <Bars
              head={[title, TOP_MEASURE_WORDS[measure]]}
              bars={items.slice(0, ROWS).map((row) => ranking.barOf(row, address))}
              total={overview?.[measure].value ?? undefined}
            />
            <footer class="card-foot">
              <CsvButton
                what={subject}
                name={name}
                rows={() => [
                  [name, measure],
                  ...items.slice(0, ROWS).map(({ value, count }) => [value, count]),
                ]}
              />
              <button type="button" class="plain" aria-label={`Search ${subject}`} onClick={showAll}>
                <Icon name="search" /> Search
              </button>
              {items.length > ROWS && (
                <button type="button" class="plain" aria-label={`More ${subject}`} onClick={showAll}>
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
