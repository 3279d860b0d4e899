import type { JSX } from 'preact';
import type { Funnel } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { formatNumber, formatPercent } from '../../format.js';
import { QueryResult, Card, Empty } from '../../parts/card.js';
import { type Cell, ExportButton } from '../../parts/export-button.js';
import { useUrl } from '../../state/url.js';
import { FunnelChart } from './chart.js';
import { toQuestion, type Step, fromApiStep, WITHIN_MILLISECONDS, parseWithin } from './steps.js';

export function FunnelResult({ steps }: { steps: Step[] }): JSX.Element {
  const url = useUrl();
  const { parameters } = useQuestion();
  const asked = {
    steps: JSON.stringify(steps.map(toQuestion)),
    within: WITHIN_MILLISECONDS[parseWithin(url)],
  };
  const answer = useQuery<Funnel>(pathOf('stats/funnel', parameters, asked));
  return (
    <Card
      title="Funnel"
      class="funnel-result"
      actions={
        <ExportButton label="the funnel" name="funnel" getRows={answer.value && toRows(answer.value)} />
      }
    >
      <QueryResult answer={answer} skeleton={<FunnelSkeleton count={steps.length} />}>
        {(funnel) =>
          funnel.steps[0]?.visitors ? (
            <>
              <Conversion funnel={funnel} />
              <FunnelChart funnel={funnel} />
            </>
          ) : (
            <Empty>No visitor did the first step in this range.</Empty>
          )
        }
      </QueryResult>
    </Card>
  );
}

/** The conversion rate from the first step to the last. */
function Conversion({ funnel: { steps } }: { funnel: Funnel }): JSX.Element {
  const first = steps[0]?.visitors ?? 0;
  const last = steps.at(-1)?.visitors ?? 0;
  if (steps.length === 1)
    return <p class="funnel-conversion muted">Add a step to see how many continue to it.</p>;
  return (
    <p class="funnel-conversion">
      <strong>{formatPercent(last / first)}</strong>{' '}
      <span class="muted">
        {formatNumber(last)} of {formatNumber(first)} visitors completed all {steps.length} steps
      </span>
    </p>
  );
}

function FunnelSkeleton({ count }: { count: number }): JSX.Element {
  return (
    <div class="funnel-skeleton" aria-hidden="true">
      {Array.from({ length: count }, (_, i) => (
        <div key={i} class="skeleton" style={{ '--share': 1 / (i + 1) }} />
      ))}
    </div>
  );
}

const computeShare = (count: number, whole: number | undefined): number | null =>
  whole ? count / whole : null;

const toRows =
  ({ steps }: Funnel) =>
  (): Cell[][] => {
    const first = steps[0]?.visitors ?? 0;
    return [
      ['step', 'kind', 'value', 'visitors', 'share of first', 'share of step before', 'stopped'],
      ...steps.map(({ step, visitors, stopped }, i) => {
        const { kind, value } = fromApiStep(step);
        const before = steps[i - 1]?.visitors;
        return [
          i + 1,
          kind,
          value,
          visitors,
          computeShare(visitors, first),
          computeShare(visitors, before),
          stopped,
        ];
      }),
    ];
  };
