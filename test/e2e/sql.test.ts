import { randomUUID } from 'node:crypto';
import { Between, IsNull, LessThan } from 'typeorm';
import { VIEW_COLUMNS } from '../../lib/store/typeorm/activities.view.js';
import { Activity, ActivityStats } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const DAY = 86_400_000;
const EXPLAIN = { postgres: 'EXPLAIN', mariadb: 'EXPLAIN', sqlite: 'EXPLAIN QUERY PLAN' };
const FIRST = new Date('2025-11-01T10:00:00.123Z');

describe.each(FOUND)('by SQL and TypeORM on %s', (name) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'fastify', database: name });
  });

  afterAll(() => host.close());

  beforeEach(async () => {
    await host.activities.erase({ from: new Date(0) });
    for (const day of [0, 1, 2])
      await host.activities.track({
        path: `/${day}?q=x`,
        date: new Date(FIRST.getTime() + day * DAY),
        user: { id: 17, name: 'jeff' },
        session: `s${day}`,
        visit: `v${day}`,
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
        country: 'DE',
        language: 'de-CH',
        referer: 'https://www.example.org/a',
        properties: { plan: 'pro', day },
      });
  });

  async function paths(query: { path: string }[] | Promise<{ path: string }[]>): Promise<string[]> {
    return (await query).map(({ path }) => path.slice(0, 2)).sort();
  }

  describe('the view', () => {
    it('has the columns that are documented, with plain types', async () => {
      await host.app.get(ActivityStats, { strict: false }).overview({ from: FIRST, to: new Date() });
      const rows: Record<string, unknown>[] = await host.dataSource.query(
        'SELECT * FROM djaffar_activities ORDER BY date',
      );
      expect(rows).toHaveLength(3);
      const [row] = rows;
      expect(Object.keys(row ?? {})).toEqual(Object.keys(VIEW_COLUMNS));
      expect(row).toMatchObject({
        name: 'view',
        path: '/0?q=x',
        page: '/0',
        referer: 'https://www.example.org/a',
        user_id: '17',
        user_name: 'jeff',
        session_id: 's0',
        visit_id: 'v0',
        ip_address: null,
        browser: 'Firefox',
        system: 'Linux',
        device: 'desktop',
        country: 'DE',
        language: 'de-CH',
        entry: '/0',
        exit: '/0',
        referrer: 'example.org',
        utm_source: null,
      });
      expect(Number(row?.date_ms)).toBe(FIRST.getTime());
      expect([false, 0]).toContain(row?.bot);
      const [date, properties] = {
        postgres: [FIRST, { plan: 'pro', day: 0 }],
        // As text, because the driver takes it for local time.
        mariadb: [expect.any(Date), '{"plan":"pro","day":0}'],
        sqlite: ['2025-11-01 10:00:00.123', '{"plan":"pro","day":0}'],
      }[name];
      expect([row?.date, row?.properties]).toEqual([date, properties]);
      const [{ text }]: [{ text: string }] = await host.dataSource.query(
        `SELECT CAST(${name === 'postgres' ? "date AT TIME ZONE 'UTC'" : 'date'} AS CHAR(23)) AS text FROM djaffar_activities ORDER BY date LIMIT 1`,
      );
      expect(text).toBe('2025-11-01 10:00:00.123');
    });

    it('uses an index for dates as people write them', async () => {
      const many = Array.from({ length: 20_000 }, (_, i) => {
        const date = new Date(FIRST.getTime() - i * 1_000_000);
        return { id: randomUUID(), date, receivedAt: date, name: 'view', path: '/' };
      });
      for (let at = 0; at < many.length; at += 4000)
        await host.dataSource.getRepository(Activity).insert(many.slice(at, at + 4000));
      await host.dataSource.query(name === 'mariadb' ? 'ANALYZE TABLE djaffar_activity' : 'ANALYZE');
      for (const sql of [
        'SELECT date, path FROM djaffar_activities ORDER BY date DESC LIMIT 50',
        `SELECT path FROM djaffar_activities WHERE date >= '2025-10-25' AND date < '2025-10-26'`,
        // PostgreSQL looks for the end of an index only if there is no join.
        ...(name === 'postgres' ? [] : ['SELECT MAX(date) FROM djaffar_activities']),
        'SELECT * FROM djaffar_activity ORDER BY date DESC LIMIT 50',
        'SELECT MAX(date) FROM djaffar_activity',
      ]) {
        const plan: object[] = await host.dataSource.query(`${EXPLAIN[name]} ${sql}`);
        // MariaDB has looked the last one up already.
        expect(JSON.stringify(plan)).toMatch(/djaffar_activity_(timestamp|date)|optimized away/);
      }
    });

    it('has every millisecond of the years 1970 to 9999', async () => {
      await host.activities.erase({ from: new Date(0) });
      const dates = [0, 1, 999, 2 ** 31 * 1000 + 1, Date.UTC(9999, 11, 31, 23, 59, 59, 999)];
      const repository = host.dataSource.getRepository(Activity);
      for (const time of dates) {
        const [date, id] = [new Date(time), randomUUID()];
        await repository.insert({ id, date, receivedAt: date, name: 'view', path: '/' });
      }
      const text = {
        postgres: `to_char(date AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')`,
        mariadb: 'CAST(date AS CHAR)',
        sqlite: 'date',
      }[name];
      const found: { text: string }[] = await host.dataSource.query(
        `SELECT ${text} AS text FROM djaffar_activities ORDER BY date`,
      );
      expect(found.map((row) => row.text)).toEqual(
        dates.map((time) => new Date(time).toISOString().replace('T', ' ').replace('Z', '')),
      );
      await repository.clear();
    });
  });

  describe('a date in a query', () => {
    const second = new Date(FIRST.getTime() + DAY);

    it('is right as a Date of find(), and as milliseconds of a query builder', async () => {
      const repository = host.dataSource.getRepository(Activity);
      expect(await paths(repository.findBy({ date: second }))).toEqual(['/1']);
      expect(await paths(repository.findBy({ date: LessThan(second) }))).toEqual(['/0']);
      expect(await paths(repository.findBy({ date: Between(second, new Date()) }))).toEqual(['/1', '/2']);
      const built = repository
        .createQueryBuilder('a')
        .where('a.date >= :from', { from: second.getTime() })
        .getMany();
      expect(await paths(built)).toEqual(['/1', '/2']);
    });

    it('is right in the filter of createQueryBuilder()', async () => {
      const built = host.activities.createQueryBuilder({ from: second, user: '17' });
      expect(await paths(built.getMany())).toEqual(['/1', '/2']);
      const query = host.activities
        .createQueryBuilder({ to: second })
        .innerJoin('activity.session', 'session')
        .andWhere('session.browser = :browser', { browser: 'Firefox' })
        .select('COUNT(*)', 'count');
      expect(Number((await query.getRawOne<{ count: string }>())?.count)).toBe(1);
      expect(await host.activities.createQueryBuilder().getCount()).toBe(3);
      expect(() => host.activities.createQueryBuilder({ from: 'x' })).toThrow('from');
    });

    it('is right in a job that keeps activities for some days, and statistics know of it', async () => {
      expect(await host.activities.erase({ to: second })).toBe(1);
      expect(await paths(host.stored())).toEqual(['/1', '/2']);
      const stats = host.app.get(ActivityStats, { strict: false });
      const range = { from: new Date(0), to: new Date() };
      expect(await stats.overview(range)).toMatchObject({ visits: { value: 2 } });
    });
  });

  it('properties are found as a whole', async () => {
    const repository = host.dataSource.getRepository(Activity);
    expect(await paths(repository.findBy({ properties: { plan: 'pro', day: 1 } }))).toEqual(['/1']);
    expect(await paths(repository.find({ where: { properties: { plan: 'pro' } } }))).toEqual([]);
    expect(await paths(repository.findBy({ properties: IsNull() }))).toEqual([]);
    await repository.update({ path: '/2?q=x' }, { properties: null });
    expect(await paths(repository.findBy({ properties: IsNull() }))).toEqual(['/2']);
    const [first] = await repository.findBy({ properties: { plan: 'pro', day: 0 } });
    if (!first) throw new Error('it is there');
    await repository.save({ ...first, properties: { a: [1, { b: null }] } });
    expect((await repository.findOneByOrFail({ id: first.id })).properties).toEqual({ a: [1, { b: null }] });
  });
});
