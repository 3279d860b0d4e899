import session from 'express-session';
import passport from 'passport';
import { AuthModule } from '../../sample/auth/auth.module.js';
import { AdminGuard, DashboardGuard } from '../../sample/auth/guards.js';
import { ADAPTERS, cookieOf, type Host, startHost } from '../support/host.js';

const HTML = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const PATH = '/djaffar/activities?path=/a%22%3E&limit=1';

describe.each(ADAPTERS)("the sample's guard of pages, on %s,", (adapter) => {
  let host: Host;

  beforeAll(async () => {
    // Djaffar asks the guards of `api` as it does those of any page of its own.
    host = await startHost({
      adapter,
      djaffar: { imports: [AuthModule], guards: [AdminGuard], api: { guards: [DashboardGuard] } },
      configure: (app) => {
        app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }));
        app.use(passport.session());
      },
    });
  });

  afterAll(() => host.close());

  async function loggedIn(username: string, password: string): Promise<Record<string, string>> {
    const body = new URLSearchParams({ username, password });
    const login = await host.fetch('/auth/login', { method: 'POST', body });
    expect(login.status).toBe(204);
    return { Cookie: cookieOf(login) };
  }

  it('redirects to the login with a return URL if nobody is logged in', async () => {
    const answer = await host.fetch(PATH, { headers: HTML });
    expect(answer.status).toBe(302);
    const { pathname, searchParams } = new URL(answer.headers.get('Location') ?? '', host.url);
    expect([pathname, [...searchParams]]).toEqual(['/', [['next', PATH]]]);
  });

  it('tells jeff who may see it, on a page with a link to the login', async () => {
    const headers = await loggedIn('jeff', 'koons');
    const answer = await host.fetch(PATH, { headers: { ...HTML, ...headers } });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    const html = await answer.text();
    expect(html).toContain('Only ada may see this');
    expect(html).toContain(`href="/?next=${encodeURIComponent(PATH)}"`);
  });

  it('lets ada in', async () => {
    const headers = await loggedIn('ada', 'lovelace');
    expect((await host.fetch(PATH, { headers: { ...HTML, ...headers } })).status).toBe(200);
  });

  it('answers requests for data with JSON', async () => {
    const refusal = async (headers: Record<string, string>): Promise<unknown> =>
      (await host.fetch(PATH, { headers })).json();
    expect(await refusal({})).toMatchObject({ statusCode: 401 });
    expect(await refusal({ ...HTML, Accept: 'application/json' })).toMatchObject({ statusCode: 401 });
    expect(await refusal(await loggedIn('jeff', 'koons'))).toMatchObject({ statusCode: 403 });
  });
});
