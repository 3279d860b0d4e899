/** The type of a value in JSON, in which dates are strings. */
export type Json<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

/** The server refused a request, or did not respond. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** The status of the answer; 0 if there was none. */
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

/** Returns the URL of data. It leaves out the user name and password of the page's URL, because `fetch` rejects them. */
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
  // A guard may redirect to a login page.
  if (response.redirected) throw new RequestError(REASONS[401] ?? '', 401);
  if (response.ok) return response;
  throw new RequestError(REASONS[response.status] ?? (await readReason(response)), response.status);
}

async function readReason(response: Response): Promise<string> {
  const parsed: unknown = await response.json().catch(() => undefined);
  const message =
    typeof parsed === 'object' && parsed !== null && 'message' in parsed ? parsed.message : undefined;
  return typeof message === 'string' || Array.isArray(message)
    ? [message].flat().join('; ')
    : `The server answered ${response.status}.`;
}
