/** Whether a browser asks not to be tracked, by Global Privacy Control or Do Not Track. */
export function hasPrivacySignal(request: unknown): boolean {
  const headers = readHeaders(request);
  return headers !== undefined && (headers['sec-gpc'] === '1' || headers['dnt'] === '1');
}

/** Returns the headers of a request of Express, Fastify or Node; of nothing else, such as a job's context. */
function readHeaders(request: unknown): Partial<Record<string, unknown>> | undefined {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return undefined;
  const { headers } = request;
  return typeof headers === 'object' && headers !== null ? { ...headers } : undefined;
}
