import { type Finding, problem } from '../../store/finding.js';
import { type HttpResponse, request } from './http-client.js';

/** The most common global prefixes. */
const PREFIXES = ['api', 'v1', 'api/v1'];

/**
 * Explains why the tracking route refused an activity.
 * @param response its status is not 204
 * @param path the option `path`
 */
export async function explainRefusal(
  base: URL,
  { status, headers, body }: HttpResponse,
  path: string,
): Promise<Finding> {
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
      return problem(text, 'the database did not store it: see the log of the app, and the findings above');
    default:
      return problem(text, 'see the log of the app');
  }
}

async function findPrefix(base: URL, path: string): Promise<Finding> {
  const what = `POST ${base.href}track/ is answered with 404`;
  for (const prefix of PREFIXES) {
    const other = new URL(`/${prefix}/${path}/`, base);
    // The tracking route rejects a body without a date, and its error names the property.
    const response = await request(new URL('track/', other), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    }).catch(() => undefined);
    if (response?.status === 400 && response.body.includes('"date"'))
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
