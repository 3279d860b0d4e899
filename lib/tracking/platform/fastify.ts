import type { TrackRequest } from '../../http/request.js';
import type { RefusalCounter } from '../refusal-counter.js';
import { MAX_BODY, toBodyError } from '../track.body.js';

type OnResponse = (request: TrackRequest, reply: { statusCode: number }, done: () => void) => void;

interface Route {
  url: string;
  method: string | string[];
  bodyLimit?: number;
  errorHandler?: (error: unknown) => never;
  onResponse?: OnResponse | OnResponse[];
}

/** The part of Fastify that is needed here. */
interface Fastify {
  initialConfig: { ignoreTrailingSlash?: boolean; routerOptions?: { ignoreTrailingSlash?: boolean } };
  addHook(name: 'onRoute', hook: (route: Route) => void): void;
  route(route: Route): void;
  hasRoute(route: { url: string; method: string }): boolean;
}

/**
 * Sets the body limit of the tracking route, counts refused requests, and converts the errors of parsers to our answers. Also adds a route with a
 * trailing slash for tracking and for the dashboard.
 */
export function prepareFastify(
  fastify: Fastify,
  isTrackRoute: (path: string) => boolean,
  isDashboard: (path: string) => boolean,
  refusals: RefusalCounter,
): void {
  const onResponse: OnResponse = (request, { statusCode }, done) => {
    refusals.answered(request, statusCode);
    done();
  };
  const { ignoreTrailingSlash, routerOptions } = fastify.initialConfig;
  const isSlashIgnored = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash;
  fastify.addHook('onRoute', (route) => {
    if (isTrackRoute(route.url)) {
      route.bodyLimit = MAX_BODY;
      const hooks = [route.onResponse ?? []].flat();
      if (!hooks.includes(onResponse)) route.onResponse = [...hooks, onResponse];
      // The host's exception filters get it if it is thrown again.
      route.errorHandler = (error) => {
        throw toBodyError(error);
      };
    } else if (!isDashboard(route.url)) return;
    const url = `${route.url}/`;
    const [method = ''] = [route.method].flat();
    if (isSlashIgnored || route.url.endsWith('/') || fastify.hasRoute({ url, method })) return;
    fastify.route({ ...route, url });
  });
}
