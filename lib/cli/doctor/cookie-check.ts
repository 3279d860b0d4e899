import { type Finding, ok, problem, warning } from '../../store/finding.js';

/** @param cookie the `Set-Cookie` header of the session */
export function checkCookie({ protocol }: URL, cookie: string | undefined): Finding[] {
  if (cookie === undefined)
    return [
      warning(
        'no cookie is set: each activity counts as a new visitor, unless you have chosen cookieless tracking',
        'let the proxy pass on Set-Cookie, if it removes it; the options privacy and consent may ask for no cookie',
      ),
    ];
  const isSecure = /;\s*secure/i.test(cookie);
  const isCrossSite = /;\s*samesite=none/i.test(cookie);
  if (protocol === 'https:' && !isSecure)
    return [
      warning(
        'the cookie is not Secure over HTTPS: the app takes the request for one over HTTP',
        "let the proxy send X-Forwarded-Proto, and trust it: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
      ),
    ];
  if (protocol === 'http:' && isCrossSite)
    return [
      problem(
        'browsers refuse the cookie: SameSite=None needs Secure, so HTTPS',
        "serve the app over HTTPS, or leave session.sameSite at its default 'lax'",
      ),
    ];
  return [ok(`the cookie of the session is set${isSecure ? ', only over HTTPS' : ''}`)];
}
