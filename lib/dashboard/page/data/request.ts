/** What is on its way as JSON: dates are texts there. */
export type Json<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

/** The host said no, or nothing. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** Of the answer; 0 where there was none. */
    readonly status: number,
  ) {
    super(message);
  }
}

const REASONS: Record<number, string> = {
  0: 'The server is not responding.',
  401: 'Your session has expired.',
  403: 'You do not have access to this.',
};

/** The URL of data. It has no name and password, which the page's own may have and `fetch` refuses. */
export function dataUrl(path: string): URL {
  const url = new URL(`data/${path}`, document.baseURI);
  url.username = '';
  url.password = '';
  return url;
}

/** @throws RequestError */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(dataUrl(path), { ...init, headers: { Accept: 'application/json' } }).catch(
    (error: unknown) => {
      if (init?.signal?.aborted) throw error;
      throw new RequestError(REASONS[0] ?? '', 0);
    },
  );
  // A guard may lead whoever is not logged in to a page of the host's.
  if (response.redirected) throw new RequestError(REASONS[401] ?? '', 401);
  if (response.ok) return response;
  throw new RequestError(REASONS[response.status] ?? (await reasonOf(response)), response.status);
}

async function reasonOf(response: Response): Promise<string> {
  const parsed: unknown = await response.json().catch(() => undefined);
  const message =
    typeof parsed === 'object' && parsed !== null && 'message' in parsed ? parsed.message : undefined;
  return typeof message === 'string' || Array.isArray(message)
    ? [message].flat().join('; ')
    : `The server answered ${response.status}.`;
}
