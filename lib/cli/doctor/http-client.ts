import { DOCTOR_ACTIVITY, DOCTOR_USER_AGENT } from '../../diagnostics/doctor-request.js';

/** Milliseconds. */
const TIMEOUT = 10_000;
/** Bytes that are read of a response body. */
const MAX_BODY = 1_000_000;

export interface HttpResponse {
  status: number;
  headers: Headers;
  body: string;
}

/** `headers` as an object, because they are merged with those of all requests. */
type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

/** Anybody can track activities with this name, but nobody else knows the path. */
export const buildPath = (id: string): string => `/djaffar-doctor/${id}`;

/** Tracks an activity as a browser would. */
export function sendActivity(base: URL, id: string, cookie?: string): Promise<HttpResponse> {
  return request(new URL('track/', base), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(cookie !== undefined && { Cookie: cookie }),
    },
    body: JSON.stringify({ id, date: new Date().toISOString(), path: buildPath(id), name: DOCTOR_ACTIVITY }),
  });
}

export async function request(url: URL, init: Init = {}): Promise<HttpResponse> {
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT),
    ...init,
    headers: { 'User-Agent': DOCTOR_USER_AGENT, ...init.headers },
  });
  return { status: response.status, headers: response.headers, body: await readBody(response) };
}

/** Returns at most MAX_BODY bytes, because a body may be endless. */
async function readBody({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    size += part.length;
    if (size >= MAX_BODY) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, MAX_BODY);
}
