/** A parameter is a whole number from `min` to `max`. */
export interface ParameterBounds {
  min: number;
  max: number;
  default: number;
}

/** Values of `top`. */
export const TOP_LIMIT: ParameterBounds = { min: 1, max: 1000, default: 10 };

/** Minutes that `live` looks back. */
export const LIVE_MINUTES: ParameterBounds = { min: 1, max: 1440, default: 5 };

/** Visitors that `live` lists. */
export const MAX_LIVE_VISITORS = 100;

export const MAX_FUNNEL_STEPS = 10;

/** Steps of `journeys`. */
export const JOURNEY_DEPTH: ParameterBounds = { min: 2, max: 8, default: 4 };

/** Paths in each step of `journeys`. */
export const JOURNEY_LIMIT: ParameterBounds = { min: 1, max: 50, default: 10 };

/** Visits in a page of `visits`. */
export const VISITS_LIMIT: ParameterBounds = { min: 1, max: 100, default: 20 };
