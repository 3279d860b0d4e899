import { type Answers, baseUrl, date, headers, steps, sum } from './answers.js';
import { client } from './generated/client.gen.js';
import * as sdk from './generated/index.js';

client.setConfig({ baseUrl, headers });

const track = await sdk.trackControllerTrack({
  body: {
    activities: [{ date, path: '/openapi', properties: { plan: 'pro', nested: { deep: [1] } } }],
    sentAt: date,
  },
});
const form = await sdk.trackControllerTrack({
  body: { date, path: '/form', properties: { plan: 'free' }, name: 'sent' },
});
const find = await sdk.activitiesControllerFind({ query: { path: '/openapi', limit: 1, order: 'asc' } });
const ndjson = await sdk.exportControllerExport({ query: { format: 'ndjson' }, parseAs: 'text' });
const csv = await sdk.exportControllerExport({ query: { format: 'csv' }, parseAs: 'text' });
const json = await sdk.exportControllerExport({ query: { format: 'json', path: '/openapi' } });
const overview = await sdk.statisticsControllerOverview({ query: { compareTo: 'previous' } });
const measure = await sdk.statisticsControllerMeasure({ query: { measure: 'sum(total)' } });
const series = await sdk.statisticsControllerSeries({ query: { measure: 'views', interval: 'day' } });
const top = await sdk.statisticsControllerTop({ query: { dimension: 'path', limit: 5 } });
const live = await sdk.statisticsControllerLive({ query: { minutes: 5 } });
const funnel = await sdk.statisticsControllerFunnel({ query: { steps, within: 60_000 } });
const retention = await sdk.statisticsControllerRetention({ query: { by: 'session', period: 'day' } });
const journeys = await sdk.statisticsControllerJourneys({ query: { start: '/openapi', depth: 2 } });
const visits = await sdk.statisticsControllerVisits({ query: { limit: 1 } });
const health = await sdk.healthControllerReport({ query: { hours: 24 } });
const wrong = await sdk.statisticsControllerTop({ query: { dimension: 'path', limit: 0 } });

// Of several media types it knows the type of JSON alone.
const answers: Answers = {
  track: track.response?.status ?? 0,
  trackForm: form.response?.status ?? 0,
  find: find.data?.items[0]?.path,
  properties: find.data?.items[0]?.properties?.plan,
  ndjson: String(ndjson.data),
  csv: String(csv.data),
  json: json.data?.[0]?.path,
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
