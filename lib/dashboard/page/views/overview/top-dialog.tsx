import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Bars } from '../../parts/bars.js';
import { Answered, Empty, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { Dialog } from '../../parts/dialog.js';
import { CsvButton } from '../../parts/csv-button.js';
import { Icon } from '../../parts/icon.js';
import { usePause } from '../../parts/use-pause.js';
import { go, useAddress } from '../../state/address.js';
import { DIMENSIONS, TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import { keysOf } from '../../state/keys.js';
import { type Ranking, rankingOf, rankingOfProperty } from './ranking.js';

const PAGE = 100;
const MOST = 1000;

/** All rows of a table, where the address asks for them. */
export function TopDialog(): JSX.Element | null {
  const address = useAddress();
  const more = address.get('more');
  const property = address.get('property');
  const dimension = keysOf(DIMENSIONS).find((each) => each === more);
  if (dimension) return <OpenDialog key={more} ranking={rankingOf(dimension)} />;
  return more === 'property' && property ? (
    <OpenDialog key={property} ranking={rankingOfProperty(property)} />
  ) : null;
}

function OpenDialog({ ranking }: { ranking: Ranking }): JSX.Element {
  const address = useAddress();
  const question = useQuestion();
  const { name, title } = ranking;
  const measure = keysOf(TOP_MEASURE_WORDS).find((each) => each === address.get('count')) ?? ranking.measure;
  const [limit, setLimit] = useState(PAGE);
  const search = address.get('q') ?? '';
  const [typed, setTyped] = useState(search);
  usePause(() => {
    if (typed !== search) go({ q: typed || null }, { replace: true });
  }, [typed, search]);

  // Whoever opens it has come to search.
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const asked = { ...ranking.parameters, measure, limit, search: search || undefined };
  const answer = useAnswer<{ items: TopRow[] }>(pathOf('stats/top', question.parameters, asked));
  const items = answer.value?.items ?? [];
  return (
    <Dialog
      title={title}
      onClose={() => go({ more: null, q: null, count: null })}
      actions={
        <CsvButton
          what={`all ${title.toLowerCase()}`}
          name={name}
          rows={answer.value && (() => [[name, measure], ...items.map(({ value, count }) => [value, count])])}
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
          label="By"
          value={measure}
          options={TOP_MEASURE_WORDS}
          onChange={(chosen) => go({ count: chosen }, { replace: true })}
        />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <Answered answer={answer} skeleton={<SkeletonRows />}>
          {() =>
            items.length === 0 ? (
              <Empty>Nothing found.</Empty>
            ) : (
              <Bars
                head={[title, TOP_MEASURE_WORDS[measure]]}
                bars={items.map((row) => ranking.barOf(row, address))}
              />
            )
          }
        </Answered>
        {items.length === limit && limit < MOST && (
          <button type="button" class="plain wide" onClick={() => setLimit(MOST)}>
            More
          </button>
        )}
      </div>
    </Dialog>
  );
}
