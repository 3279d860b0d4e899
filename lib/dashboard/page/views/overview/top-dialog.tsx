import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TopMeasure, TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Bars } from '../../parts/bars.js';
import { Answered, Empty, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { Dialog } from '../../parts/dialog.js';
import { downloadCsv } from '../../parts/download.js';
import { Icon } from '../../parts/icon.js';
import { go, useAddress } from '../../state/address.js';
import { DIMENSIONS, type TableDimension, TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import { barOf } from './top-bar.js';
import { keysOf } from '../../state/keys.js';

const PAGE = 100;
const MOST = 1000;

/** Milliseconds without a key before a search is asked for. */
const PAUSE = 200;

/** All rows of a table, where the address asks for them. */
export function TopDialog(): JSX.Element | null {
  const address = useAddress();
  const dimension = keysOf(DIMENSIONS).find((each) => each === address.get('more'));
  return dimension ? <OpenDialog key={dimension} dimension={dimension} /> : null;
}

function OpenDialog({ dimension }: { dimension: TableDimension }): JSX.Element {
  const address = useAddress();
  const { parameters } = useQuestion();
  const { title, measure: usual } = DIMENSIONS[dimension];
  const [measure, setMeasure] = useState<TopMeasure>(usual);
  const [limit, setLimit] = useState(PAGE);
  const search = address.get('q') ?? '';
  const [typed, setTyped] = useState(search);
  useEffect(() => {
    if (typed === search) return undefined;
    const timer = setTimeout(() => go({ q: typed || null }, { replace: true }), PAUSE);
    return () => clearTimeout(timer);
  }, [typed, search]);

  // Whoever opens it has come to search.
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const asked = { dimension, measure, limit, search: search || undefined };
  const answer = useAnswer<{ items: TopRow[] }>(pathOf('stats/top', parameters, asked));
  const items = answer.value?.items ?? [];
  return (
    <Dialog
      title={title}
      onClose={() => go({ more: null, q: null })}
      actions={
        <button
          type="button"
          class="plain"
          aria-label="Download as CSV"
          onClick={() =>
            downloadCsv(dimension, [[dimension, measure], ...items.map(({ value, count }) => [value, count])])
          }
        >
          <Icon name="download" /> CSV
        </button>
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
          onChange={(chosen) => setMeasure(chosen)}
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
                bars={items.map((row) => barOf(dimension, row, address))}
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
