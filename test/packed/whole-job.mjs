// What each host must do over HTTP, whatever it is built of.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

const ADMIN = { 'X-Admin': 'yes' };
/** Node's own would be a bot's, which statistics leave out. */
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** @returns the names of what was done */
export async function doWholeJob(url, { hasPassport }) {
  const djaffar = `${url}/djaffar`;
  await tracks(djaffar);
  await knowsOwnHost(djaffar);
  if (hasPassport) await asksDefaultStrategy(djaffar);
  await servesTracker(djaffar);
  await answersApi(djaffar);
  await worksInService(`${url}/job`);
  await showsDashboard(`${djaffar}/dashboard`);
  return ['track', 'tracker.js', 'api', 'find', 'stream', 'count', 'erase', 'statistics', 'dashboard'];
}

async function get(url) {
  const response = await fetch(url, { headers: ADMIN });
  assert.equal(response.status, 200, `${url}: ${await response.clone().text()}`);
  return response;
}

const json = async (url) => (await get(url)).json();

/** As a form, as JSON and as a beacon; the same `id` is stored once. */
async function tracks(djaffar) {
  const date = new Date().toISOString();
  const activity = { id: randomUUID(), date, path: '/packed' };
  const other = { id: randomUUID(), date, path: '/beacon', name: 'seen', properties: { plan: 'pro' } };
  const bodies = [
    [new URLSearchParams(activity), {}],
    [JSON.stringify({ activities: [activity] }), { 'Content-Type': 'application/json' }],
    [JSON.stringify(other), { 'Content-Type': 'text/plain' }],
  ];
  for (const [body, headers] of bodies) {
    const posted = await fetch(`${djaffar}/track/`, {
      method: 'POST',
      headers: { 'User-Agent': USER_AGENT, ...headers },
      body,
    });
    assert.equal(posted.status, 204, await posted.text());
  }
  const refused = await fetch(`${djaffar}/track/`, {
    method: 'POST',
    body: new URLSearchParams({ path: '/' }),
  });
  assert.equal(refused.status, 400);
  assert.equal((await fetch(`${djaffar}/activities`)).status, 403);
  const { items } = await json(`${djaffar}/activities?order=asc`);
  assert.deepEqual(
    items.map(({ id, date: at, path, session }) => [id, at, path, session.userAgent]),
    [activity, other].map((each) => [each.id, date, each.path, USER_AGENT]).sort(byId(items)),
  );
}

/** Each adapter says in its own way which host was asked, with a port or without: the host itself is no referrer. */
async function knowsOwnHost(djaffar) {
  const date = new Date().toISOString();
  const referers = [`${djaffar}/before`, 'https://example.org/'];
  const activities = referers.map((referer) => ({ date, path: '/from', name: 'came', referer }));
  const posted = await fetch(`${djaffar}/track/`, {
    method: 'POST',
    headers: { 'User-Agent': USER_AGENT, 'Content-Type': 'application/json' },
    body: JSON.stringify({ activities }),
  });
  assert.equal(posted.status, 204, await posted.text());
  const { items } = await json(`${djaffar}/activities?path=/from`);
  assert.deepEqual(
    new Set(items.map(({ referer }) => referer)),
    new Set(['/djaffar/before', 'https://example.org/']),
  );
}

/** With @nestjs/passport: its default strategy says who somebody is. */
async function asksDefaultStrategy(djaffar) {
  const track = (token) =>
    fetch(`${djaffar}/track/`, {
      method: 'POST',
      headers: { 'User-Agent': USER_AGENT, Authorization: `Bearer ${token}` },
      body: new URLSearchParams({ date: new Date().toISOString(), path: '/known', name: 'logged-in' }),
    });
  assert.equal((await track('of-nobody')).status, 401);
  assert.equal((await track('of-ada')).status, 204);
  const { items } = await json(`${djaffar}/activities?user=18`);
  assert.deepEqual(
    items.map(({ path, userName }) => [path, userName]),
    [['/known', 'ada']],
  );
}

/** Both have the same date, so that their ids decide. */
const byId = (items) => {
  const place = (id) => items.findIndex((item) => item.id === id);
  return ([a], [b]) => place(a) - place(b);
};

async function servesTracker(djaffar) {
  const script = await fetch(`${djaffar}/tracker.js`);
  assert.equal(script.status, 200);
  assert.match(script.headers.get('Content-Type'), /^text\/javascript/);
  assert.match(await script.text(), /self\.djaffar=/);
  const again = await fetch(`${djaffar}/tracker.js`, {
    headers: { 'If-None-Match': script.headers.get('ETag') },
  });
  assert.equal(again.status, 304);
}

const QUESTIONS = [
  'overview?compareTo=previous',
  'series?measure=views&interval=day',
  'top?dimension=path',
  'live',
  `funnel?steps=${encodeURIComponent('[{"path":"/packed"}]')}`,
  'retention',
  'journeys?start=/packed',
  'visits',
];

async function answersApi(djaffar) {
  for (const question of QUESTIONS) await json(`${djaffar}/stats/${question}`);
  const { views } = await json(`${djaffar}/stats/overview`);
  assert.equal(views.value, 1);
}

/** The host's own code: every method of both services. */
async function worksInService(job) {
  const { answers, found, streamed, counted, erased, after } = await json(job);
  const measures = ({ visits, activities, views, sessions }) =>
    [visits, activities, views, sessions].map(valueOf);
  const counts = (rows) => rows.map(({ value, count }) => [value, count]);
  assert.deepEqual(measures(answers.overview), [4, 7, 6, 2]);
  assert.equal(
    answers.series.points.reduce((sum, { value }) => sum + value, 0),
    6,
  );
  assert.deepEqual(
    new Map(counts(itemsOf(answers.top))),
    new Map([
      ['/a', 3],
      ['/c', 2],
      ['/b', 1],
    ]),
  );
  assert.deepEqual(counts(itemsOf(answers.plans)), [['pro', 1]]);
  assert.equal(valueOf(answers.filtered.views), 1);
  assert.equal(itemsOf(answers.browsers).length, 1);
  assert.deepEqual(
    answers.funnel.steps.map(({ visitors }) => visitors),
    [2, 1],
  );
  assert.equal(answers.live.activities, 0);
  assert.equal(answers.retention.cohorts[0].size, 2);
  assert(answers.journeys.nodes.some(({ path }) => path === '/b'));
  assert.equal(answers.visits.items.length, 4);
  assert.deepEqual(
    found.items.map(({ path }) => path),
    ['/a', '/a'],
  );
  assert(found.next);
  assert.equal(streamed.length, 7);
  assert.equal(counted, 7);
  assert.equal(erased, 4);
  // Of days whose counts were kept for the answers before.
  assert.deepEqual(measures(after.overview), [2, 3, 3, 1]);
  assert.deepEqual(
    new Map(counts(itemsOf(after.top))),
    new Map([
      ['/a', 2],
      ['/c', 1],
    ]),
  );
  assert.equal(after.visits.items.length, 2);
}

const valueOf = ({ value }) => value;
const itemsOf = (answer) => (Array.isArray(answer) ? answer : answer.items);

/** The page, all that it loads, and what it asks for. */
async function showsDashboard(dashboard) {
  assert.equal((await fetch(`${dashboard}/`)).status, 403);
  const page = await (await get(`${dashboard}/`)).text();
  const loaded = await loadAll(new URL(`${dashboard}/`), page);
  assert(loaded.some((file) => file.endsWith('.css')) && loaded.length > 10, loaded.join());
  const { version, since } = await json(`${dashboard}/data/about`);
  assert.equal(version, process.env.npm_package_version);
  // The history begins 30 days ago.
  assert(Date.parse(since) < Date.now() - 29 * 86_400_000, since);
  for (const question of QUESTIONS) await json(`${dashboard}/data/stats/${question}`);
  const csv = await (await get(`${dashboard}/data/activities/export?format=csv`)).text();
  // A header, and what is left of the history.
  assert.equal(csv.trim().split('\r\n').length, 1 + 3);
  const eraseFrom = (Origin) =>
    fetch(`${dashboard}/data/activities?path=/c`, { method: 'DELETE', headers: { ...ADMIN, Origin } });
  assert.equal((await eraseFrom('http://shop.example')).status, 403);
  const erased = await eraseFrom(new URL(dashboard).origin);
  assert.equal(erased.status, 200, await erased.text());
}

/** Follows what HTML and scripts name, as a browser would. */
async function loadAll(base, html) {
  const seen = new Set();
  const follow = async (url) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const text = await (await get(url)).text();
    if (!url.pathname.endsWith('.js')) return;
    for (const [, name] of text.matchAll(/["'`](\.\/[\w-]+\.(?:js|css))["'`]/g))
      await follow(new URL(name, url));
  };
  for (const [, link] of html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)) await follow(new URL(link, base));
  return [...seen];
}
