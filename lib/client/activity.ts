/** Details of an activity: a JSON object of up to 4 KiB, up to 3 levels deep. */
export type Properties = Record<string, unknown>;

/** Truncates a path or referer, because the server rejects longer ones. */
export const truncate = (text?: string): string | undefined => {
  return text?.slice(0, 2048);
};

/**
 * A version 4 UUID (RFC 9562). It need not be hard to guess, and `crypto.randomUUID` is missing outside secure contexts.
 */
export const uuid = (): string => {
  return 'xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx'.replace(/x/g, () => Math.random().toString(16)[2]!);
};
