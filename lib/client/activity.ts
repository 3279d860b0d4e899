/** A JSON object that says more about an activity: up to 4 KiB, up to 3 levels deep. */
export type Properties = Record<string, unknown>;

/** Too long a path or referer must not cost an activity. */
export const cut = (text?: string): string | undefined => {
  return text?.slice(0, 2048);
};

/**
 * A version 4 UUID (RFC 9562). It need not be hard to guess, and `crypto.randomUUID` is missing outside secure contexts.
 */
export const uuid = (): string => {
  return 'xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx'.replace(/x/g, () => Math.random().toString(16)[2]!);
};
