import { randomUUID } from 'node:crypto';
import { Session } from '../../lib/index.js';
import { type Host, PAIRS, startHost } from '../support/host.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

describe.each(PAIRS)('POST /djaffar/track/ on $adapter and $database', ({ adapter, database }) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter, database });
  });

  afterAll(() => host.close());

  beforeEach(async () => {
    await host.dataSource.query('DELETE FROM djaffar_activity');
    await host.dataSource.query('DELETE FROM djaffar_session');
  });

  const date = '2026-02-03T04:05:06.789Z';

  describe('stores', () => {
    it.each([
      ['application/json', JSON.stringify({ date, path: '/a?b=c', properties: { plan: 'pro' } })],
      [
        'application/x-www-form-urlencoded',
        `date=${date}&path=/a%3Fb%3Dc&properties=%7B%22plan%22:%22pro%22%7D`,
      ],
      ['text/plain', JSON.stringify({ date, path: '/a?b=c', properties: { plan: 'pro' } })],
      ['text/plain;charset=UTF-8', `date=${date}&path=/a%3Fb%3Dc&properties=%7B%22plan%22:%22pro%22%7D`],
    ])('a body of %s: %s', async (type, body) => {
      const response = await host.post(body, { 'Content-Type': type, 'User-Agent': FIREFOX });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
      const [activity, ...others] = await host.stored();
      expect(others).toEqual([]);
      expect(activity).toMatchObject({
        date: new Date(date),
        path: '/a?b=c',
        name: 'view',
        referer: null,
        properties: { plan: 'pro' },
        userId: null,
        userName: null,
        ipAddress: '127.0.0.1',
        session: { userAgent: FIREFOX, browser: 'Firefox', system: 'Linux', device: 'desktop', bot: false },
      });
    });

    it.each(['/djaffar/track', '/djaffar/track/'])('at %s', async (path) => {
      const body = new URLSearchParams({ date, path: '/' });
      expect((await host.fetch(path, { method: 'POST', body })).status).toBe(204);
      expect(await host.stored()).toHaveLength(1);
    });

    it('a path of 2,048 characters, a name of 64 and a referer of 2,048, of any Unicode, unchanged', async () => {
      const path = '/' + '🦋'.repeat(2047);
      const activity = { path, name: 'ギ'.repeat(64), referer: `${'é'.repeat(2047)} ` };
      expect((await host.post({ date, ...activity })).status).toBe(204);
      expect((await host.stored())[0]).toMatchObject(activity);
    });

    it('a form whose offset was sent without encoding its plus', async () => {
      await host.post('date=2026-02-03T06:05:06.789+02:00&path=/', {
        'Content-Type': 'application/x-www-form-urlencoded',
      });
      expect((await host.stored())[0]?.date).toEqual(new Date(date));
    });

    it('empty properties of a form as missing', async () => {
      const body = new URLSearchParams({
        date,
        path: '/',
        referer: '',
        name: '',
        properties: '',
        id: '',
        sentAt: '',
      });
      expect((await host.fetch('/djaffar/track/', { method: 'POST', body })).status).toBe(204);
      expect((await host.stored())[0]).toMatchObject({ name: 'view', referer: null, properties: null });
    });

    it('the path of the Referer header if the body has none, without scheme and host', async () => {
      await host.post({ date }, { Referer: 'https://example.org:8443/shop?id=1' });
      await host.post({ date, path: '' }, { Referer: 'https://example.org' });
      const paths = (await host.stored()).map(({ path }) => path);
      expect(paths.sort()).toEqual(['/', '/shop?id=1']);
    });

    it('what a header says of too great length, cut at a whole character', async () => {
      const long = 'x'.repeat(3000);
      const response = await host.post({ date }, { Referer: `http://host/${long}`, 'User-Agent': long });
      expect(response.status).toBe(204);
      const [activity] = await host.stored();
      expect(activity?.path).toHaveLength(2048);
      expect(activity?.session?.userAgent).toHaveLength(1024);
    });

    it('the same id once, whatever its case and however often it is sent', async () => {
      const id = randomUUID();
      for (const sent of [id, id.toUpperCase(), id]) {
        expect((await host.post({ id: sent, date, path: '/' })).status).toBe(204);
      }
      const both = await host.post({
        activities: [
          { id, date, path: '/' },
          { id, date, path: '/' },
        ],
      });
      expect(both.status).toBe(204);
      expect((await host.stored()).map((activity) => activity.id)).toEqual([id]);
    });

    it('a batch of 100', async () => {
      const activities = Array.from({ length: 100 }, (_, i) => ({ date, path: `/${i}`, id: randomUUID() }));
      expect((await host.post({ activities })).status).toBe(204);
      const stored = await host.stored();
      expect(new Set(stored.map(({ path }) => path)).size).toBe(100);
      expect(new Set(stored.map(({ sessionId, visitId }) => `${sessionId} ${visitId}`)).size).toBe(1);
    });

    it('a date corrected by the error of the client clock', async () => {
      const clock = Date.now() + 26 * 3600_000;
      const sent = {
        sentAt: new Date(clock).toISOString(),
        activities: [{ date: new Date(clock - 60_000).toISOString(), path: '/' }],
      };
      const before = Date.now();
      expect((await host.post(sent)).status).toBe(204);
      const after = Date.now();
      const stored = (await host.stored())[0]?.date.getTime();
      expect(stored).toBeGreaterThanOrEqual(before - 60_000);
      expect(stored).toBeLessThanOrEqual(after - 60_000);
    });

    it('a user agent that is a known bot, marked', async () => {
      await host.post(
        { date, path: '/' },
        { 'User-Agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' },
      );
      expect((await host.stored())[0]?.session).toMatchObject({ bot: true });
    });
  });

  describe('answers 400 to, and stores nothing of,', () => {
    it.each<[string, unknown, string[]]>([
      ['no date', { path: '/' }, ['date']],
      ['a date without a time', { date: '2026-02-03', path: '/' }, ['date']],
      ['a year after 9999', { date: '+275760-09-13T00:00:00Z', path: '/' }, ['date']],
      ['a year before 1970', { date: '1969-12-31T23:59:59Z', path: '/' }, ['date']],
      ['a day that is not in the calendar', { date: '2026-02-30T00:00:00Z', path: '/' }, ['date']],
      [
        'a date more than a day ahead',
        { date: new Date(Date.now() + 25 * 3600_000).toISOString(), path: '/' },
        ['date'],
      ],
      ['neither a path nor a Referer header', { date }, ['path']],
      ['a path of 2,049 characters', { date, path: 'x'.repeat(2049) }, ['path']],
      ['a path with NUL', { date, path: 'a\0b' }, ['path']],
      ['a path with a lone surrogate', `{"date":"${date}","path":"\\ud800"}`, ['path']],
      ['a referer of 2,049 characters', { date, path: '/', referer: 'x'.repeat(2049) }, ['referer']],
      ['a name of 65 characters', { date, path: '/', name: 'x'.repeat(65) }, ['name']],
      ['a name that is a number', { date, path: '/', name: 5 }, ['name']],
      ['an id that is no UUID', { date, path: '/', id: '17' }, ['id']],
      ['properties as a text', { date, path: '/', properties: '{}' }, ['properties']],
      ['an integer beyond 2^53', { date, path: '/', properties: { order: 2 ** 53 } }, ['properties']],
      ['properties as an array', { date, path: '/', properties: [] }, ['properties']],
      [
        'properties of 4 levels',
        { date, path: '/', properties: { a: { b: { c: { d: 1 } } } } },
        ['properties'],
      ],
      ['properties over 4 KiB', { date, path: '/', properties: { a: 'x'.repeat(4096) } }, ['properties']],
      ['properties with NUL in a key', { date, path: '/', properties: { 'a\0': 1 } }, ['properties']],
      [
        'properties with a lone surrogate',
        `{"date":"${date}","path":"/","properties":{"a":["\\udc00"]}}`,
        ['properties'],
      ],
      [
        'an unknown property',
        { date, path: '/', userId: '1', ipAddress: '1.2.3.4' },
        ['userId', 'ipAddress'],
      ],
      [
        'a property named as those of every object',
        { date, path: '/', constructor: 1, toString: 2 },
        ['constructor', 'toString'],
      ],
      ['two wrong properties', { date: 'x', path: 5 }, ['date', 'path']],
      [
        'wrong ones within a batch',
        { activities: [{ date, path: '/' }, { date: 'x', path: '/' }, 5] },
        ['activities.1.date', 'activities.2'],
      ],
      ['an unknown property beside a batch', { activities: [{ date, path: '/' }], date }, ['date']],
      ['an empty batch', { activities: [] }, ['activities']],
      [
        'a batch of 101',
        { activities: Array.from({ length: 101 }, () => ({ date, path: '/' })) },
        ['activities'],
      ],
      ['a batch that is no array', { activities: { date } }, ['activities']],
      ['an array', [{ date, path: '/' }], ['body']],
      ['what is no JSON', '{"date":', ['body']],
    ])('%s', async (_, body, wrong) => {
      const response = await host.post(body);
      const answer = (await response.json()) as { errors: object; message: string[] };
      expect({ status: response.status, ...answer }).toMatchObject({
        status: 400,
        statusCode: 400,
        error: 'Bad Request',
      });
      expect(Object.keys(answer.errors).sort()).toEqual([...wrong].sort());
      expect(answer.message.length).toBeGreaterThanOrEqual(wrong.length);
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await host.stored()).toEqual([]);
      expect(await host.dataSource.getRepository(Session).count()).toBe(0);
    });

    it('an empty body, of whatever type', async () => {
      for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
        expect((await host.post('', { 'Content-Type': type })).status).toBe(400);
      }
      expect(await host.stored()).toEqual([]);
    });

    it.each(['application/x-www-form-urlencoded', 'text/plain'])(
      'a field twice in a form, as %s',
      async (type) => {
        const form = new URLSearchParams([
          ['date', date],
          ['path', '/1'],
          ['path', '/2'],
        ]);
        const response = await host.post(form.toString(), { 'Content-Type': type });
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ errors: { path: [expect.any(String)] } });
        expect(await host.stored()).toEqual([]);
      },
    );

    it('a key __proto__', async () => {
      for (const body of [
        `{"date":"${date}","path":"/","__proto__":{}}`,
        `{"date":"${date}","path":"/","properties":{"__proto__":1}}`,
      ]) {
        expect((await host.post(body)).status).toBe(400);
        expect((await host.post(body, { 'Content-Type': 'text/plain' })).status).toBe(400);
      }
      expect(await host.stored()).toEqual([]);
    });

    it('30,000 nested brackets', async () => {
      const nested = '['.repeat(30_000) + ']'.repeat(30_000);
      expect((await host.post(`{"date":"${date}","path":"/","properties":${nested}}`)).status).toBe(400);
      expect((await host.post(`{"properties":{"a":${nested}},"date":"${date}","path":"/"}`)).status).toBe(
        400,
      );
    });
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('answers 405 to %s, and allows POST', async (method) => {
    for (const path of ['/djaffar/track', '/djaffar/track/']) {
      const response = await host.fetch(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('Allow')).toBe('POST');
    }
  });

  it('leaves OPTIONS to the CORS settings of the host', async () => {
    expect((await host.fetch('/djaffar/track/', { method: 'OPTIONS' })).status).toBe(404);
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'answers 413 to over 64 KiB of %s',
    async (type) => {
      const [open, close] = type === 'application/json' ? ['{"a":"', '"}'] : ['a=', ''];
      const bodyOf = (bytes: number): string => open + 'x'.repeat(bytes - open.length - close.length) + close;
      expect((await host.post(bodyOf(65_537), { 'Content-Type': type })).status).toBe(413);
      expect((await host.post(bodyOf(65_536), { 'Content-Type': type })).status).toBe(400);
    },
  );

  it('answers 413 to over 64 KiB in chunks of no announced length', async () => {
    for (const type of ['application/json', 'text/plain']) {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"path":"'));
          for (let i = 0; i < 70; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(1000)));
          controller.enqueue(new TextEncoder().encode('"}'));
          controller.close();
        },
      });
      const init = { method: 'POST', body, duplex: 'half' as const, headers: { 'Content-Type': type } };
      expect((await host.fetch('/djaffar/track/', init)).status).toBe(413);
    }
  });

  it.each(['text/xml', 'multipart/form-data; boundary=x', 'application/octet-stream'])(
    'answers 415 to %s',
    async (type) => {
      expect((await host.post('<a/>', { 'Content-Type': type })).status).toBe(415);
    },
  );

  it('sets a first-party cookie that scripts cannot read, renews it, and keeps the session', async () => {
    const first = await host.post({ date, path: '/1' });
    const [set = ''] = first.headers.getSetCookie();
    expect(set).toMatch(/^djaffar_session=[\w.-]+; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/);
    const second = await host.post({ date, path: '/2' }, { Cookie: set.split(';')[0] ?? '' });
    expect(second.headers.getSetCookie()).toHaveLength(1);
    const sessions = (await host.stored()).map(({ sessionId }) => sessionId);
    expect(new Set(sessions).size).toBe(1);
  });

  it.each(['', 'x', '../..', 'a'.repeat(5000), `${'a'.repeat(15)}.${'b'.repeat(15)}.zzzzzzzzz.`])(
    'takes the cookie %j for what it is worth',
    async (value) => {
      const response = await host.post({ date, path: '/' }, { Cookie: `djaffar_session=${value}` });
      expect(response.status).toBe(204);
      expect(await host.stored()).toHaveLength(1);
    },
  );
});
