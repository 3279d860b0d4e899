import { type Answers, date, headers, steps, sum } from './answers.js';
import * as client from './generated.js';

const options = { headers };

const track = await client.trackControllerTrack(
  {
    activities: [{ date, path: '/openapi', properties: { plan: 'pro', nested: { deep: [1] } } }],
    sentAt: date,
  },
  { headers: { ...headers, 'Content-Type': 'application/json' } },
);
const form = await client.trackControllerTrack(
  { date, path: '/form', properties: { plan: 'free' }, name: 'sent' },
  { headers: { ...headers, 'Content-Type': 'application/json' } },
);
const find = await client.activitiesControllerFind({ path: '/openapi', limit: 1, order: 'asc' }, options);
const overview = await client.statisticsControllerOverview({ compareTo: 'previous' }, options);
const measure = await client.statisticsControllerMeasure({ measure: 'sum(total)' }, options);
const series = await client.statisticsControllerSeries({ measure: 'views', interval: 'day' }, options);
const top = await client.statisticsControllerTop({ dimension: 'path', limit: 5 }, options);
const live = await client.statisticsControllerLive({ minutes: 5 }, options);
const funnel = await client.statisticsControllerFunnel({ steps, within: 60_000 }, options);
const retention = await client.statisticsControllerRetention({ by: 'session', period: 'day' }, options);
const journeys = await client.statisticsControllerJourneys({ start: '/openapi', depth: 2 }, options);
const visits = await client.statisticsControllerVisits({ limit: 1 }, options);
const health = await client.healthControllerReport({ hours: 24 }, options);
const wrong = await client.statisticsControllerTop({ dimension: 'path', limit: 0 }, options);

/** Orval gives the response itself, because one of the media types is a stream. */
async function textOf(query: client.ExportControllerExportParams): Promise<string> {
  const answer = await client.exportControllerExport(query, options);
  return 'stream' in answer ? answer.stream.text() : '';
}

const [item] = find.status === 200 ? find.data.items : [];
const json: client.DjaffarActivity[] = JSON.parse(await textOf({ format: 'json', path: '/openapi' }));

const answers: Answers = {
  track: track.status,
  trackForm: form.status,
  find: item?.path,
  properties: item?.properties?.plan,
  ndjson: await textOf({ format: 'ndjson' }),
  csv: await textOf({ format: 'csv' }),
  json: json[0]?.path,
  overview: overview.status === 200 ? overview.data.views.value : undefined,
  compared: overview.status === 200 ? overview.data.compared?.from : undefined,
  measure: measure.status === 200 ? measure.data.value : undefined,
  series: series.status === 200 ? sum(series.data.points) : 0,
  top: top.status === 200 ? top.data.items[0]?.value : undefined,
  live: live.status === 200 ? live.data.activities : undefined,
  funnel: funnel.status === 200 ? funnel.data.steps[0]?.visitors : undefined,
  retention: retention.status === 200 ? retention.data.cohorts.at(-1)?.size : undefined,
  journeys: journeys.status === 200 ? journeys.data.nodes[0]?.path : undefined,
  visits: visits.status === 200 ? visits.data.items[0]?.entry : undefined,
  health: health.status === 200 ? health.data.maxWaiting : undefined,
  wrong: wrong.status === 400 ? wrong.data.errors.limit : undefined,
};
console.log(JSON.stringify(answers));
