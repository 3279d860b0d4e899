import type { Refusal } from '../../diagnostics/outcome-counter.js';
import type {
  CheckState,
  Health,
  HealthCause,
  HealthCheck,
  HealthHour,
  HealthRetention,
  HealthSubscription,
  HealthVersions,
} from '../../health/health.types.js';
import {
  array,
  component,
  count,
  dateTime,
  flag,
  integer,
  nullable,
  number,
  object,
  oneOf,
  text,
} from './schema.js';

const hour = component(
  'DjaffarHealthHour',
  object<HealthHour>({
    start: dateTime('The beginning of the hour.'),
    stored: count('Activities that were stored.'),
    dropped: count('Activities that were not stored because of an option.'),
    refused: count('Requests that were refused.'),
  }),
);

const cause = component(
  'DjaffarHealthCause',
  object<HealthCause>({
    cause: text('A status; with the first wrong property, such as `400.date`; or the name of what was done.'),
    kind: oneOf(
      ['refused', 'dropped', 'marked'],
      'Whether requests were refused, or activities dropped or marked.',
    ),
    count: count('Requests that were refused, or activities.'),
    last: dateTime('The hour in which it was last counted.'),
    meaning: text('What it means.'),
    cure: text('What to do if it should not be so.'),
  }),
);

const refusal = component(
  'DjaffarRefusal',
  object<Refusal>({
    at: dateTime('When the request was answered.'),
    status: integer('The status of the answer.'),
    cause: text('As in `causes`.'),
    method: text('The method.'),
    contentType: nullable(text('The media type of the body.')),
    origin: nullable(text('The `Origin` header.')),
  }),
);

const check = component(
  'DjaffarHealthCheck',
  object<HealthCheck>({
    name: text('The name of the check.'),
    state: oneOf<CheckState>(['ok', 'waiting', 'wrong'], '`waiting`: it has not happened yet.'),
    text: text('What was found.'),
    cure: nullable(text('What to do, if it is wrong.')),
  }),
);

const retention = object<HealthRetention>({
  policy: text('The option `retention`.'),
  doneAt: nullable(dateTime('When nothing was left to erase for the last time.')),
});

const subscription = component(
  'DjaffarHealthSubscription',
  object<HealthSubscription>({
    name: text('The name of the subscription or of the webhook.'),
    waiting: count('Activities that wait to be delivered.'),
    isCatchingUp: flag('Whether activities of before the subscription are being delivered.'),
    failures: count('Failures in a row.'),
    error: nullable(text('The kind of the last failure, if the last delivery failed.')),
    nextTryAt: nullable(dateTime('When the next try is, if the last delivery failed.')),
    parkedAt: nullable(dateTime('Since when nothing is delivered any more.')),
  }),
);

const versions = object<HealthVersions>({
  djaffar: text('The version of Djaffar.'),
  node: text('The version of Node.js.'),
  database: text('The database.'),
});

/** The answer of `GET …/health`. */
export const health = component(
  'DjaffarHealth',
  object<Health>({
    now: dateTime('The time by the clock of the database.'),
    hours: array(hour, 'Each hour, the oldest first.'),
    causes: array(cause, 'What was refused, dropped or marked, the most frequent first.'),
    refusals: array(refusal, 'The last requests that this instance refused, the latest first.', {
      maxItems: 50,
    }),
    checks: array(check, 'What must be right before activities arrive, in this order; of the last day.'),
    lastCommit: nullable(dateTime('When an activity was stored for the last time.')),
    waiting: count('Activities that wait in this instance.'),
    maxWaiting: count('How many may wait.'),
    rollupLag: number('Seconds since the oldest change that statistics do not have yet.', { minimum: 0 }),
    retention: nullable(retention),
    subscriptions: array(subscription, 'The options `subscriptions` and `webhooks`, by name.'),
    versions,
  }),
);
