import type { JSX } from 'preact';
import type { Overview, TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { Bars } from '../../parts/bars.js';
import { NothingHere, QueryResult, SkeletonRows } from '../../parts/card.js';
import { ExportButton } from '../../parts/export-button.js';
import { Icon } from '../../parts/icon.js';
import { navigate, useUrl } from '../../state/url.js';
import { TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import type { Ranking } from './ranking.js';

const ROWS = 8;

interface TopTableProps {
  ranking: Ranking;
  /** Nothing is requested until this is true. */
  isAsked: boolean;
  /** The totals for shares; without them, no shares are shown. */
  overview?: Overview | undefined;
}

/** The first rows of a ranking. */
export function TopTable({ ranking, isAsked, overview }: TopTableProps): JSX.Element {
  const url = useUrl();
  const question = useQuestion();
  const { name, title, one, measure, parameters } = ranking;
  const path = pathOf('stats/top', { ...parameters, measure, limit: ROWS + 1 }, question.parameters);
  const answer = useQuery<{ items: TopRow[] }>(isAsked ? path : undefined);
  const subject = title.toLowerCase();
  const { property } = parameters;
  const showAll = (): void => navigate({ more: name, ...(property !== undefined && { property }) });
  return (
    <QueryResult answer={answer} skeleton={<SkeletonRows />}>
      {({ items }) =>
        items.length === 0 ? (
          <NothingHere />
        ) : (
          <>
            <Bars
              head={[one, TOP_MEASURE_WORDS[measure]]}
              bars={items.slice(0, ROWS).map((row) => ranking.toBar(row, url))}
              total={overview?.[measure].value ?? undefined}
            />
            <footer class="card-foot">
              <ExportButton
                label={subject}
                name={name}
                getRows={() => [
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
    </QueryResult>
  );
}
