import type { ContextRequest, ContextResponse } from './request.js';
import type { RequestContexts } from './request-contexts.js';

type Next = () => void;
type Handler = (request: ContextRequest, response: ContextResponse, next: Next) => void;

/** The part of Express that is used here. */
interface Express {
  use(handler: Handler): void;
}

/** The part of Fastify that is used here. */
interface Fastify {
  addHook(name: 'onRequest' | 'preValidation' | 'preHandler', hook: Handler): void;
}

/** Runs everything after the body parsers in the context of its request: middleware, guards, pipes, handlers, filters. */
export function enterOnExpress(express: Express, contexts: RequestContexts): void {
  express.use((request, response, next) => contexts.enter(request, response, next));
}

/**
 * Enters the context on Fastify, from its first hook on. Body parsers run in the socket's async context, so it is entered again after them
 * (preValidation), and after plugins that read the body later, such as multipart.
 */
export function enterOnFastify(fastify: Fastify, contexts: RequestContexts): void {
  for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const)
    fastify.addHook(hook, (request, response, next) => contexts.enter(request, response, next));
}
