import type { TopQuery } from '../../../../../statistics/statistics.store.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';

/** A question with the measure that it is about. */
export interface ExactTopQuery extends TopQuery {
  measure: TopMeasure;
}
