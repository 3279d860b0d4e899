/** Details of an activity: a JSON object of up to 4 KiB, up to 3 levels deep. */
export type Properties = Record<string, unknown>;

/** Truncates a path or referer, because the server rejects longer ones. */
export const truncate = (text?: string): string | undefined => {
  return text?.slice(0, 2048);
};

let count = 0;

/**
 * A version 7 UUID (RFC 9562): it begins with the date, so that new rows are near each other in the database's index, and goes on
 * with a counter, so that activities of the same millisecond keep their order. It need not be hard to guess, and
 * `crypto.randomUUID` is missing outside secure contexts.
 */
export const uuid = (): string => {
  const digits = '0' + Math.abs(Date.now()).toString(16) + (count++ % 4096).toString(16).padStart(3, '0');
  let at = 0;
  return 'xxxxxxxx-xxxx-7xxx-axxx-xxxxxxxxxxxx'.replace(
    /x/g,
    () => digits[at++] ?? Math.random().toString(16)[2]!,
  );
};
