import type { ContextRequest, ContextResponse } from './request.js';
import type { RequestContexts } from './request-contexts.js';
import { RequestScope } from './request-scope.js';

type Next = () => void;
type Handler = (request: ContextRequest, response: ContextResponse, next: Next) => void;

/** As much of Express as is needed here. */
interface Express {
  use(handler: Handler): void;
}

/** As much of Fastify as is needed here. */
interface Fastify {
  addHook(name: 'onRequest' | 'preValidation' | 'preHandler', hook: Handler): void;
}

/** Has all that comes after the body parsers run in the context of its request: middleware, guards, pipes, handlers, filters. */
export function enterOnExpress(express: Express, contexts: RequestContexts): void {
  express.use((request, response, next) => contexts.enter(new RequestScope(request, response), next));
}

/**
 * The same from the first hook on. What reads a body goes on in the context of the socket, not of the request: so the
 * request is entered again behind the parsers (preValidation), and behind plugins that read it later, such as multipart.
 */
export function enterOnFastify(fastify: Fastify, contexts: RequestContexts): void {
  const scopes = new WeakMap<ContextRequest, RequestScope>();
  fastify.addHook('onRequest', (request, response, next) => {
    const scope = new RequestScope(request, response);
    scopes.set(request, scope);
    contexts.enter(scope, next);
  });
  const enterAgain: Handler = (request, _response, next) => {
    const scope = scopes.get(request);
    if (!scope || contexts.isIn(scope)) next();
    else contexts.enter(scope, next);
  };
  fastify.addHook('preValidation', enterAgain);
  fastify.addHook('preHandler', enterAgain);
}
