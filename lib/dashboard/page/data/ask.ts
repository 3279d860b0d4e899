/** What is on its way as JSON: dates are texts there. */
export type Json<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

/** The host said no, or nothing. */
export class Refusal extends Error {
  constructor(
    message: string,
    /** Of the answer; 0 where there was none. */
    readonly status: number,
  ) {
    super(message);
  }
}

const REASONS: Record<number, string> = {
  0: 'The host does not answer.',
  401: 'You are not logged in any more.',
  403: 'You may not see this.',
};

/** @throws Refusal */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(`data/${path}`, { ...init, headers: { Accept: 'application/json' } }).catch(
    (error: unknown) => {
      if (init?.signal?.aborted) throw error;
      throw new Refusal(REASONS[0] ?? '', 0);
    },
  );
  // A guard may lead whoever is not logged in to a page of the host's.
  if (response.redirected) throw new Refusal(REASONS[401] ?? '', 401);
  if (response.ok) return response;
  throw new Refusal(REASONS[response.status] ?? (await reasonOf(response)), response.status);
}

async function reasonOf(response: Response): Promise<string> {
  const told: unknown = await response.json().catch(() => undefined);
  const message = typeof told === 'object' && told !== null && 'message' in told ? told.message : undefined;
  return typeof message === 'string' || Array.isArray(message)
    ? [message].flat().join('; ')
    : `The host answered ${response.status}.`;
}
