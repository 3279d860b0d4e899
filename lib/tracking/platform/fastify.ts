import { MAX_BODY, ofParser } from '../track.body.js';

interface Route {
  url: string;
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

/** Gives the tracking route alone the contract's limit, its answer to a bad body, and its trailing slash. */
export function prepareFastify(fastify: Fastify, isTrackRoute: (path: string) => boolean): void {
  const { ignoreTrailingSlash, routerOptions } = fastify.initialConfig;
  const isSlashIgnored = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash;
  fastify.addHook('onRoute', (route) => {
    if (!isTrackRoute(route.url)) return;
    route.bodyLimit = MAX_BODY;
    // Thrown again, it goes to the host's filters.
    route.errorHandler = (error) => {
      throw ofParser(error);
    };
    const url = `${route.url}/`;
    if (isSlashIgnored || route.url.endsWith('/') || fastify.hasRoute({ url, method: 'POST' })) return;
    fastify.route({ ...route, url });
  });
}
