/** One figure for each interval; `null` where there is nothing to measure. */
export type Figures = (number | null)[];
