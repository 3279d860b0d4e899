import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { hasNames } from '../../format.js';
import { Bars } from '../../parts/bars.js';
import { QueryResult, Empty, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { Dialog } from '../../parts/dialog.js';
import { ExportButton } from '../../parts/export-button.js';
import { Icon } from '../../parts/icon.js';
import { usePause } from '../../parts/hooks.js';
import { navigate, useUrl } from '../../state/url.js';
import { DIMENSIONS, TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import { typedKeys } from '../../state/keys.js';
import { type Ranking, buildRanking, rankingOfProperty } from './ranking.js';

const PAGE = 100;
const MAX = 1000;

/** A dialog with all rows of a table, if the URL names one. */
export function TopDialog(): JSX.Element | null {
  const url = useUrl();
  const more = url.get('more');
  const property = url.get('property');
  const dimension = typedKeys(DIMENSIONS).find((each) => each === more);
  if (dimension) return <OpenDialog key={more} ranking={buildRanking(dimension, url)} />;
  return more === 'property' && property ? (
    <OpenDialog key={property} ranking={rankingOfProperty(property)} />
  ) : null;
}

function OpenDialog({ ranking }: { ranking: Ranking }): JSX.Element {
  const url = useUrl();
  const question = useQuestion();
  const { name, title, one } = ranking;
  const measure = typedKeys(TOP_MEASURE_WORDS).find((each) => each === url.get('count')) ?? ranking.measure;
  const [limit, setLimit] = useState(PAGE);
  const search = url.get('q') ?? '';
  const [typed, setTyped] = useState(search);
  usePause(() => {
    if (typed !== search) navigate({ q: typed || null }, { replace: true });
  }, [typed, search]);

  // The viewer probably wants to search.
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  // The server cannot search by name, because it knows only the codes; there are few, so all are loaded.
  const isSearchedHere = hasNames(name);
  const asked = isSearchedHere ? { limit: MAX } : { limit, search: search || undefined };
  const answer = useQuery<{ items: TopRow[] }>(
    pathOf('stats/top', question.parameters, { ...ranking.parameters, measure, ...asked }),
  );
  const found = answer.value?.items ?? [];
  const items = isSearchedHere
    ? found.filter((row) => ranking.toBar(row, url).title.toLowerCase().includes(search.toLowerCase()))
    : found;
  return (
    <Dialog
      title={title}
      onClose={() => navigate({ more: null, q: null, count: null })}
      actions={
        <ExportButton
          label={`all ${title.toLowerCase()}`}
          name={name}
          getRows={
            answer.value && (() => [[name, measure], ...items.map(({ value, count }) => [value, count])])
          }
        />
      }
    >
      <div class="dialog-tools">
        <label class="search">
          <Icon name="search" />
          <input
            type="search"
            aria-label={`Search ${title.toLowerCase()}`}
            placeholder="Search"
            value={typed}
            ref={input}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
        <Select
          label="Measure"
          value={measure}
          options={TOP_MEASURE_WORDS}
          onChange={(chosen) => navigate({ count: chosen }, { replace: true })}
        />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <QueryResult answer={answer} skeleton={<SkeletonRows />}>
          {() =>
            items.length === 0 ? (
              <Empty>Nothing found.</Empty>
            ) : (
              <Bars
                head={[one, TOP_MEASURE_WORDS[measure]]}
                bars={items.map((row) => ranking.toBar(row, url))}
              />
            )
          }
        </QueryResult>
        {!isSearchedHere && items.length === limit && limit < MAX && (
          <button type="button" class="plain wide" onClick={() => setLimit(MAX)}>
            More
          </button>
        )}
      </div>
    </Dialog>
  );
}
