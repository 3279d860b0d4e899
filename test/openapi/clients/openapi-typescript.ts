import createClient from 'openapi-fetch';
import { type Answers, baseUrl, date, headers, steps, sum } from './answers.js';
import type { paths } from './schema.js';

const client = createClient<paths>({ baseUrl, headers });

const track = await client.POST('/djaffar/track', {
  body: {
    activities: [{ date, path: '/openapi', properties: { plan: 'pro', nested: { deep: [1] } } }],
    sentAt: date,
  },
});
const form = await client.POST('/djaffar/track', {
  body: { date, path: '/form', properties: '{"plan":"free"}', name: 'sent' },
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  bodySerializer: (body) => new URLSearchParams(body as Record<string, string>),
});
const find = await client.GET('/djaffar/activities', {
  params: { query: { path: '/openapi', limit: 1, order: 'asc' } },
});
const exported = (format: 'ndjson' | 'csv') =>
  client.GET('/djaffar/activities/export', { params: { query: { format } }, parseAs: 'text' });
const ndjson = await exported('ndjson');
const csv = await exported('csv');
const json = await client.GET('/djaffar/activities/export', {
  params: { query: { format: 'json', path: '/openapi' } },
  headers: { Accept: 'application/json' },
});
const overview = await client.GET('/djaffar/stats/overview', {
  params: { query: { compareTo: 'previous' } },
});
const measure = await client.GET('/djaffar/stats/measure', {
  params: { query: { measure: 'sum(total)' } },
});
const series = await client.GET('/djaffar/stats/series', {
  params: { query: { measure: 'views', interval: 'day' } },
});
const top = await client.GET('/djaffar/stats/top', { params: { query: { dimension: 'path', limit: 5 } } });
const live = await client.GET('/djaffar/stats/live', { params: { query: { minutes: 5 } } });
const funnel = await client.GET('/djaffar/stats/funnel', { params: { query: { steps, within: 60_000 } } });
const retention = await client.GET('/djaffar/stats/retention', {
  params: { query: { by: 'session', period: 'day' } },
});
const journeys = await client.GET('/djaffar/stats/journeys', {
  params: { query: { start: '/openapi', depth: 2 } },
});
const visits = await client.GET('/djaffar/stats/visits', { params: { query: { limit: 1 } } });
const health = await client.GET('/djaffar/health', { params: { query: { hours: 24 } } });
const wrong = await client.GET('/djaffar/stats/top', { params: { query: { dimension: 'path', limit: 0 } } });

const answers: Answers = {
  track: track.response.status,
  trackForm: form.response.status,
  find: find.data?.items[0]?.path,
  properties: find.data?.items[0]?.properties?.plan,
  ndjson: ndjson.data ?? '',
  csv: csv.data ?? '',
  json: Array.isArray(json.data) ? json.data[0]?.path : undefined,
  overview: overview.data?.views.value,
  compared: overview.data?.compared?.from,
  series: sum(series.data?.points),
  measure: measure.data?.value,
  top: top.data?.items[0]?.value,
  live: live.data?.activities,
  funnel: funnel.data?.steps[0]?.visitors,
  retention: retention.data?.cohorts.at(-1)?.size,
  journeys: journeys.data?.nodes[0]?.path,
  visits: visits.data?.items[0]?.entry,
  health: health.data?.maxWaiting,
  wrong: wrong.error && 'errors' in wrong.error ? wrong.error.errors.limit : undefined,
};
console.log(JSON.stringify(answers));
