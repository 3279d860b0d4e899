import type { JSX } from 'preact';
import type { Retention as RetentionAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { QueryResult, Card, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { type Cell, ExportButton } from '../../parts/export-button.js';
import { navigate, hrefWith, useUrl } from '../../state/url.js';
import { BY, parseBy, parsePeriod, PERIODS, listPeriods } from './cohorts.js';
import { RetentionTable } from './retention-table.js';

/** How many visitors come back. */
export function Retention(): JSX.Element {
  const url = useUrl();
  const { range, parameters } = useQuestion();
  const period = parsePeriod(url, range);
  const by = parseBy(url);
  const answer = useQuery<RetentionAnswer>(pathOf('stats/retention', parameters, { period, by }));
  return (
    <Card
      title="Retention"
      class="retention"
      actions={
        <>
          <Select
            label="Count"
            value={by}
            options={BY}
            onChange={(chosen) => navigate({ by: chosen === 'user' ? null : chosen })}
          />
          <Select
            label="Period"
            value={period}
            options={Object.fromEntries(listPeriods(range).map((each) => [each, PERIODS[each][0]]))}
            onChange={(chosen) => navigate({ period: chosen })}
          />
          <ExportButton
            label="the retention"
            name={`retention-of-${BY[by].toLowerCase()}-by-${period}`}
            getRows={answer.value && rowsOf(answer.value)}
          />
        </>
      }
    >
      <QueryResult answer={answer} skeleton={<SkeletonRows />}>
        {(retention) =>
          retention.cohorts.some(({ size }) => size > 0) ? (
            <RetentionTable retention={retention} range={range} />
          ) : (
            <div class="empty">
              <p>
                {retention.by === 'user'
                  ? 'No user came for the first time in this range.'
                  : 'No visitor came for the first time in this range.'}
              </p>
              {retention.by === 'user' && (
                <a class="button" href={hrefWith(url, { by: 'session' })}>
                  Show visitors
                </a>
              )}
            </div>
          )
        }
      </QueryResult>
    </Card>
  );
}

const rowsOf =
  ({ period, cohorts }: RetentionAnswer) =>
  (): Cell[][] => {
    const columns = cohorts.map((_, k) => `${period} ${k}`);
    return [
      [period, 'size', ...columns],
      ...cohorts.map(({ date, size, returned }) => [
        date,
        size,
        ...columns.map((_, k) => returned[k] ?? null),
      ]),
    ];
  };
