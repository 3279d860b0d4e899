import type { JSX } from 'preact';
import type { Retention as RetentionAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Answered, Card, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { CsvButton } from '../../parts/csv-button.js';
import type { Cell } from '../../parts/download.js';
import { go, hrefWith, useAddress } from '../../state/address.js';
import { BY, byOf, periodOf, PERIODS, periodsOf } from './cohorts.js';
import { RetentionTable } from './retention-table.js';

/** How many of those who came once come back. */
export function Retention(): JSX.Element {
  const address = useAddress();
  const { range, parameters } = useQuestion();
  const period = periodOf(address, range);
  const by = byOf(address);
  const answer = useAnswer<RetentionAnswer>(pathOf('stats/retention', parameters, { period, by }));
  return (
    <Card
      title="Retention"
      class="retention"
      actions={
        <>
          <Select
            label="Who"
            value={by}
            options={BY}
            onChange={(chosen) => go({ by: chosen === 'user' ? null : chosen })}
          />
          <Select
            label="By"
            value={period}
            options={Object.fromEntries(periodsOf(range).map((each) => [each, PERIODS[each][0]]))}
            onChange={(chosen) => go({ period: chosen })}
          />
          <CsvButton
            what="the retention"
            name={`retention-of-${by}s-by-${period}`}
            rows={answer.value && rowsOf(answer.value)}
          />
        </>
      }
    >
      <Answered answer={answer} skeleton={<SkeletonRows />}>
        {(retention) =>
          retention.cohorts.some(({ size }) => size > 0) ? (
            <RetentionTable retention={retention} range={range} />
          ) : (
            <div class="empty">
              <p>
                {retention.by === 'user'
                  ? 'No user was here for the first time in this range.'
                  : 'No session began in this range.'}
              </p>
              {retention.by === 'user' && (
                <a class="button" href={hrefWith(address, { by: 'session' })}>
                  Look at sessions
                </a>
              )}
            </div>
          )
        }
      </Answered>
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
