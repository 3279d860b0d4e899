/** The names and descriptions of all metrics: the same in every library. */
export const METRICS = {
  activities: {
    name: 'djaffar_activities_total',
    help: 'Activities that were stored or dropped, and requests that were refused, by result',
  },
  waiting: { name: 'djaffar_waiting', help: 'Activities that wait to be written' },
  commit: { name: 'djaffar_commit_seconds', help: 'Seconds for a transaction that stores activities' },
  rollupLag: {
    name: 'djaffar_rollup_lag_seconds',
    help: 'Seconds since the oldest change that statistics do not have yet',
  },
  question: {
    name: 'djaffar_question_seconds',
    help: 'Seconds for a question of the statistics, by question',
  },
} as const;

/** Seconds. */
export const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
