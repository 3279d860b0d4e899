import { randomUUID } from 'node:crypto';
import { isPublic } from '../../activity/ip-address.js';
import { type Finding, fine, problem, warning } from '../../store/finding.js';
import { reasonOf } from '../errors.js';
import type { Services } from '../services.js';
import { blockedBy } from './csp.js';

/** Milliseconds. */
const TIMEOUT = 10_000;
const MAX_SKEW = 5000;
/** Bytes that are read of an answer. */
const MAX_BODY = 1_000_000;
/** The prefixes that hosts use most. */
const PREFIXES = ['api', 'v1', 'api/v1'];
/** Marked as a bot, so that statistics leave it out. */
const USER_AGENT = 'djaffar-doctor (bot)';
const NAME = 'djaffar-doctor';

interface Address {
  /** Of the app, with its global prefix. */
  url: string;
  /** A page with the tracker. */
  page?: string;
  /** The option `path`. */
  path: string;
}

interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** Looks at a running app as a browser would: it sends activities, which it erases. */
export async function examineAddress(address: Address, services: Services | undefined): Promise<Finding[]> {
  let base: URL;
  try {
    base = new URL(`${address.url.replace(/\/+$/, '')}/${address.path.replace(/^\/|\/$/g, '')}/`);
  } catch {
    return [
      problem(`--url is no URL: ${address.url}`, 'give the address of the app, such as https://example.org'),
    ];
  }
  let first: Answer;
  const id = randomUUID();
  try {
    first = await send(base, id);
  } catch (error) {
    return [
      problem(
        `${base.origin} does not answer: ${reasonOf(error)}`,
        'start the app, or correct --url; a self-signed certificate needs NODE_EXTRA_CA_CERTS',
      ),
    ];
  }
  if (first.status !== 204) return [await explainRefusal(base, first, address.path)];
  const findings = [fine(`POST ${base.href}track/ is answered with 204`), ...clockOf(first)];
  try {
    findings.push(...(await examineAccepted(base, address, services, { first, id })));
  } catch (error) {
    findings.push(
      problem(
        `${base.origin} has answered, but later did not: ${reasonOf(error)}`,
        'look at the log of the app',
      ),
    );
  } finally {
    await services?.activities.erase({ name: NAME }).catch(() => {});
  }
  return findings;
}

/** Looks further after an activity was accepted. */
async function examineAccepted(
  base: URL,
  address: Address,
  services: Services | undefined,
  { first, id }: { first: Answer; id: string },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const cookie = first.headers.getSetCookie().find((each) => /^djaffar_session=[^;]/.test(each));
  findings.push(...cookieFindings(base, cookie));
  const second = randomUUID();
  if (cookie !== undefined) await send(base, second, cookie.split(';', 1)[0]);
  if (services) findings.push(...(await examineStored(services, base, [id, second], cookie !== undefined)));
  findings.push(...(await examineScript(base)), ...(await examinePage(base, address.page)));
  return findings;
}

/** Others can track activities of the same name, but not of this path. */
const pathOf = (id: string): string => `/djaffar-doctor/${id}`;

function send(base: URL, id: string, cookie?: string): Promise<Answer> {
  return request(new URL('track/', base), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': USER_AGENT,
      ...(cookie !== undefined && { Cookie: cookie }),
    },
    body: JSON.stringify({ id, date: new Date().toISOString(), path: pathOf(id), name: NAME }),
  });
}

async function request(url: URL, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT), ...init });
  return { status: response.status, headers: response.headers, body: await readBody(response) };
}

/** Returns the beginning of a body, which may have no end. */
async function readBody({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    size += part.length;
    if (size >= MAX_BODY) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, MAX_BODY);
}

/** @param answer not 204 */
async function explainRefusal(base: URL, { status, headers, body }: Answer, path: string): Promise<Finding> {
  const what = `POST ${base.href}track/ is answered with ${status}`;
  const reason = /"message":\s*"([^"]{1,200})"/.exec(body)?.[1];
  const text = reason === undefined ? what : `${what}: ${reason}`;
  if (status >= 300 && status < 400)
    return problem(
      `${what}: it redirects to ${headers.get('location') ?? 'nowhere'}`,
      /login|sign/i.test(headers.get('location') ?? '')
        ? 'a login page is in front of the tracking route: open the route with decorators: [Public()], or in the proxy'
        : 'give that address to the tracker and to --url: a redirect turns POST into GET',
    );
  switch (status) {
    case 200:
      return problem(
        `${what}, ${headers.get('content-type') ?? 'without a type'}: another route answers`,
        'a front end or a proxy catches all routes: pass this one on to the app',
      );
    case 401:
    case 403:
      return problem(
        text,
        'a global guard turns anonymous visitors away: decorators: [Public()] in DjaffarModule.forRoot',
      );
    case 404:
      return await findPrefix(base, path);
    case 400:
      return problem(text, 'a middleware or a pipe of the app changes the body of the request');
    case 422:
      return problem(
        text,
        'the options "user" or "transform" return what the database cannot store: see the log',
      );
    case 429:
      return problem(text, 'the rate limit of the app: decorators: [SkipThrottle()], or a higher limit');
    case 502:
    case 504:
      return problem(text, 'the proxy cannot reach the app: start it');
    case 503:
      return problem(text, 'the database does not take it: see the log of the app, and the findings above');
    default:
      return problem(text, 'see the log of the app');
  }
}

async function findPrefix(base: URL, path: string): Promise<Finding> {
  const what = `POST ${base.href}track/ is answered with 404`;
  for (const prefix of PREFIXES) {
    const other = new URL(`/${prefix}/${path}/`, base);
    // Nothing is stored without a date, and only the tracking route names it.
    const answer = await request(new URL('track/', other), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': USER_AGENT },
      body: '{}',
    }).catch(() => undefined);
    if (answer?.status === 400 && answer.body.includes('"date"'))
      return problem(
        what,
        `the route is below a prefix: --url ${other.origin}/${prefix}, and <script defer src="${other.pathname}tracker.js"></script>`,
      );
  }
  return problem(
    what,
    'import DjaffarModule in the app; give its global prefix in --url, and the option "path" in --path',
  );
}

function clockOf({ headers }: Answer): Finding[] {
  const skew = Date.parse(headers.get('date') ?? '') - Date.now();
  if (!(Math.abs(skew) > MAX_SKEW)) return [];
  return [
    warning(
      `the clock of the app is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      'synchronize the clocks (NTP)',
    ),
  ];
}

function cookieFindings({ protocol }: URL, cookie: string | undefined): Finding[] {
  if (cookie === undefined)
    return [
      warning(
        'no cookie is set: each activity is a new visitor, unless you have chosen that',
        "privacy: 'identified', and consent, decide it; a proxy may remove Set-Cookie",
      ),
    ];
  const isSecure = /;\s*secure/i.test(cookie);
  const isCrossSite = /;\s*samesite=none/i.test(cookie);
  if (protocol === 'https:' && !isSecure)
    return [
      warning(
        'the cookie is not Secure over HTTPS: the app takes the request for one over HTTP',
        "trust the proxy: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
      ),
    ];
  if (protocol === 'http:' && isCrossSite)
    return [
      problem(
        'browsers refuse the cookie: SameSite=None needs Secure, so HTTPS',
        "serve the app over HTTPS, or leave session.sameSite at its default 'lax'",
      ),
    ];
  return [fine(`the cookie of the session is set${isSecure ? ', only over HTTPS' : ''}`)];
}

/** Compares what the app has stored with what was sent, and erases it. */
async function examineStored(
  { activities, store }: Services,
  base: URL,
  [first, second]: [string, string],
  hasCookie: boolean,
): Promise<Finding[]> {
  const find = async (
    id: string,
  ): Promise<Awaited<ReturnType<typeof activities.find>>['items'][number] | undefined> =>
    (await activities.find({ name: NAME, path: pathOf(id) }, { limit: 1 })).items[0];
  try {
    const [stored, again] = [await find(first), await find(second)];
    if (!stored)
      return [
        problem(
          'the activity is not in the database of the data source file',
          'the app uses another database than -d, or one of the options transform, respect and consent drops it',
        ),
      ];
    const findings = [fine('the activity is in the database')];
    if (hasCookie && again)
      findings.push(
        again.sessionId === stored.sessionId
          ? fine('the cookie comes back')
          : problem(
              'the cookie does not come back: each activity is a new visitor',
              'a proxy may change cookies; all instances must use one database',
            ),
      );
    const isLocal = /^(localhost|127\.|\[::1\])/.test(base.hostname);
    if (!isLocal && stored.ipAddress !== null && !isPublic(stored.ipAddress))
      findings.push(
        warning(
          `the stored address is private: ${stored.ipAddress}`,
          "if a proxy is before the app, trust it: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
        ),
      );
    return findings;
  } catch (error) {
    if (!store.classifyError(error)) throw error;
    return [problem(`activities cannot be read: ${reasonOf(error)}`, 'see the findings above')];
  }
}

async function examineScript(base: URL): Promise<Finding[]> {
  const url = new URL('tracker.js', base);
  const { status, headers } = await request(url);
  const type = headers.get('content-type') ?? 'without a type';
  if (status === 200 && type.includes('javascript')) return [fine(`${url.href} is a script`)];
  return [
    problem(
      `GET ${url.href} is answered with ${status}, ${type}`,
      status === 401 || status === 403
        ? 'a global guard turns it away: decorators: [Public()] in DjaffarModule.forRoot'
        : 'a proxy or a front end answers instead of the app, or the option "tracker" names it otherwise',
    ),
  ];
}

/** Looks for what keeps the browser from loading the script, or from sending. */
async function examinePage(base: URL, given: string | undefined): Promise<Finding[]> {
  const page = new URL(given ?? base.origin);
  let answer: Answer;
  try {
    answer = await request(page);
  } catch (error) {
    return [warning(`${page.href} does not answer: ${reasonOf(error)}`, 'give a page in --page')];
  }
  // Error pages have policies of their own.
  if (answer.status >= 400)
    return [
      warning(
        `${page.href} is answered with ${answer.status}: nothing is known of your pages' Content-Security-Policy`,
        'give a page that has the tracker in --page',
      ),
    ];
  const findings: Finding[] = [];
  const policies = [answer.headers.get('content-security-policy'), ...policiesIn(answer.body)];
  for (const policy of policies) {
    if (!policy) continue;
    const source = page.origin === base.origin ? "'self'" : base.origin;
    for (const directive of ['script-src', 'connect-src'] as const)
      if (blockedBy(policy, directive, base, page))
        findings.push(
          problem(
            `the Content-Security-Policy of ${page.href} blocks ${directive === 'script-src' ? 'the script' : 'what the script sends'}`,
            `add ${source} to ${directive}`,
          ),
        );
  }
  if (page.protocol === 'https:' && base.protocol === 'http:')
    findings.push(problem('a page over HTTPS cannot send over HTTP', 'serve the app over HTTPS'));
  if (page.origin !== base.origin) findings.push(...(await examineCors(base, page.origin)));
  if (given !== undefined && !/djaffar|tracker\.js/.test(answer.body))
    findings.push(
      warning(
        `${page.href} has no script tag of the tracker`,
        `add <script defer src="${page.origin === base.origin ? base.pathname : base.href}tracker.js"></script>, unless the page bundles it`,
      ),
    );
  if (findings.length === 0) findings.push(fine(`${page.href} lets the tracker send`));
  return findings;
}

/** The policies of the page's own tags. */
function policiesIn(html: string): string[] {
  const tags = html.match(/<meta\b[^>]{1,10000}>/gi) ?? [];
  return tags.flatMap((tag) => {
    if (!/\bhttp-equiv=["']?content-security-policy\b/i.test(tag)) return [];
    const [, quoted, other] = /\bcontent=(?:"([^"]*)"|'([^']*)')/i.exec(tag) ?? [];
    return quoted ?? other ?? [];
  });
}

async function examineCors(base: URL, origin: string): Promise<Finding[]> {
  const { headers } = await request(new URL('track/', base), {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    },
  });
  const isAllowed = headers.get('access-control-allow-origin') === origin;
  const isWithCookie = headers.get('access-control-allow-credentials') === 'true';
  if (isAllowed && isWithCookie) return [];
  return [
    problem(
      `pages of ${origin} may not send to ${base.origin}${isAllowed ? ' with the cookie' : ''}`,
      `app.enableCors({ origin: ['${origin}'], credentials: true })`,
    ),
  ];
}
