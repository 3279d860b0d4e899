import { MAX_BODY, ofParser } from '../track.body.js';

interface Route {
  url: string;
  method: string | string[];
  bodyLimit?: number;
  errorHandler?: (error: unknown) => never;
}

/** As much of Fastify as is needed here. */
interface Fastify {
  initialConfig: { ignoreTrailingSlash?: boolean; routerOptions?: { ignoreTrailingSlash?: boolean } };
  addHook(name: 'onRoute', hook: (route: Route) => void): void;
  route(route: Route): void;
  hasRoute(route: { url: string; method: string }): boolean;
}

/** Gives the tracking route alone the contract's limit and its answer to a bad body; and to the dashboard too, its trailing slash. */
export function prepareFastify(
  fastify: Fastify,
  isTrackRoute: (path: string) => boolean,
  isDashboard: (path: string) => boolean,
): void {
  const { ignoreTrailingSlash, routerOptions } = fastify.initialConfig;
  const isSlashIgnored = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash;
  fastify.addHook('onRoute', (route) => {
    if (isTrackRoute(route.url)) {
      route.bodyLimit = MAX_BODY;
      // Thrown again, it goes to the host's filters.
      route.errorHandler = (error) => {
        throw ofParser(error);
      };
    } else if (!isDashboard(route.url)) return;
    const url = `${route.url}/`;
    const [method = ''] = [route.method].flat();
    if (isSlashIgnored || route.url.endsWith('/') || fastify.hasRoute({ url, method })) return;
    fastify.route({ ...route, url });
  });
}
