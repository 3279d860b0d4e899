import { type Finding, ok, problem, warning } from '../../store/finding.js';
import { formatReason } from '../errors.js';
import { findMetaPolicies, isBlocked } from './csp.js';
import { type HttpResponse, request } from './http-client.js';

export async function checkTrackerScript(base: URL): Promise<Finding[]> {
  const url = new URL('tracker.js', base);
  const { status, headers } = await request(url);
  const type = headers.get('content-type') ?? 'without a type';
  if (status === 200 && type.includes('javascript')) return [ok(`${url.href} is a script`)];
  return [
    problem(
      `GET ${url.href} is answered with ${status}, ${type}`,
      status === 401 || status === 403
        ? 'a global guard turns it away: decorators: [Public()] in DjaffarModule.forRoot'
        : 'a proxy or a front end answers instead of the app, or the option "tracker" names it otherwise',
    ),
  ];
}

/**
 * Finds out if a page can load the tracker script and send activities.
 * @param given the option `--page`
 */
export async function checkPage(base: URL, given: string | undefined): Promise<Finding[]> {
  const page = new URL(given ?? base.origin);
  let response: HttpResponse;
  try {
    response = await request(page);
  } catch (error) {
    return [warning(`${page.href} does not answer: ${formatReason(error)}`, 'give a page in --page')];
  }
  // An error page can have another policy than other pages.
  if (response.status >= 400)
    return [
      warning(
        `${page.href} is answered with ${response.status}: the Content-Security-Policy of your pages was not checked`,
        'give a page that has the tracker in --page',
      ),
    ];
  const findings: Finding[] = [];
  const policies = [response.headers.get('content-security-policy'), ...findMetaPolicies(response.body)];
  for (const policy of policies) {
    if (!policy) continue;
    const source = page.origin === base.origin ? "'self'" : base.origin;
    for (const directive of ['script-src', 'connect-src'] as const)
      if (isBlocked(policy, directive, base, page))
        findings.push(
          problem(
            `the Content-Security-Policy of ${page.href} blocks ${directive === 'script-src' ? 'the script' : 'what the script sends'}`,
            `add ${source} to ${directive}`,
          ),
        );
  }
  if (page.protocol === 'https:' && base.protocol === 'http:')
    findings.push(problem('a page over HTTPS cannot send over HTTP', 'serve the app over HTTPS'));
  if (page.origin !== base.origin) findings.push(...(await checkCors(base, page.origin)));
  if (given !== undefined && !/djaffar|tracker\.js/.test(response.body))
    findings.push(
      warning(
        `${page.href} has no script tag of the tracker`,
        `add <script defer src="${page.origin === base.origin ? base.pathname : base.href}tracker.js"></script>, unless the page bundles it`,
      ),
    );
  if (findings.length === 0) findings.push(ok(`${page.href} lets the tracker send`));
  return findings;
}

async function checkCors(base: URL, origin: string): Promise<Finding[]> {
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
