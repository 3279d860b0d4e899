import type { TopQuery } from '../../../../../statistics/statistics.store.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';

/** A question with its measure. */
export interface ExactTopQuery extends TopQuery {
  measure: TopMeasure;
}
