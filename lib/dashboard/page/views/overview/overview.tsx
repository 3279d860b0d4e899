import type { JSX } from 'preact';
import type { Overview as OverviewAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useAnswer } from '../../data/use-answer.js';
import { Answered } from '../../parts/card.js';
import { useAddress } from '../../state/address.js';
import { measureOf } from '../../state/measures.js';
import { comparedOf } from '../../state/range.js';
import { Figures, FiguresSkeleton } from './figures.js';
import { MeasureChart } from './measure-chart.js';
import { Tables } from './tables.js';

/** How much there was, over time, and what of. */
export function Overview(): JSX.Element {
  const address = useAddress();
  const { range, parameters } = useQuestion();
  const compareTo = comparedOf(address, range);
  const answer = useAnswer<OverviewAnswer>(pathOf('stats/overview', parameters, { compareTo }), {
    isFirst: true,
  });
  const measure = measureOf(address);
  return (
    <>
      <section class="card figures-card" aria-label="Figures">
        <Answered answer={answer} skeleton={<FiguresSkeleton />}>
          {(overview) => <Figures overview={overview} chosen={measure} />}
        </Answered>
        <MeasureChart measure={measure} compared={answer.value?.compared} />
      </section>
      <Tables overview={answer.value} />
    </>
  );
}
