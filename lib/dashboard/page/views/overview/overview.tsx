import type { JSX } from 'preact';
import type { Overview as OverviewAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { QueryResult } from '../../parts/card.js';
import { useUrl } from '../../state/url.js';
import { parseMeasure } from '../../state/measures.js';
import { computeComparedRange } from '../../state/range.js';
import { MeasureCards, MeasureCardsSkeleton } from './measure-cards.js';
import { MeasureChart } from './measure-chart.js';
import { Tables } from './tables.js';

/** Metrics, a chart, and tables. */
export function Overview(): JSX.Element {
  const url = useUrl();
  const { range, parameters } = useQuestion();
  const compareTo = computeComparedRange(url, range);
  const answer = useQuery<OverviewAnswer>(pathOf('stats/overview', parameters, { compareTo }), {
    priority: true,
  });
  const measure = parseMeasure(url);
  return (
    <>
      <section class="card measures-card" aria-label="Metrics">
        <QueryResult answer={answer} skeleton={<MeasureCardsSkeleton />}>
          {(overview) => <MeasureCards overview={overview} chosen={measure} />}
        </QueryResult>
        <MeasureChart measure={measure} compared={answer.value?.compared} />
      </section>
      <Tables overview={answer.value} />
    </>
  );
}
