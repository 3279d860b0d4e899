/** Whether a browser asks not to be tracked, by Global Privacy Control or Do Not Track. */
export function hasPrivacySignal(request: unknown): boolean {
  const headers = readHeaders(request);
  return (
    headers !== undefined && (Reflect.get(headers, 'sec-gpc') === '1' || Reflect.get(headers, 'dnt') === '1')
  );
}

/** Returns the headers of a request of Express, Fastify or Node; of nothing else, such as a job's context. */
function readHeaders(request: unknown): object | undefined {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return undefined;
  const { headers } = request;
  return typeof headers === 'object' && headers !== null ? headers : undefined;
}
