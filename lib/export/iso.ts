const MINUTE = 60_000;

const padded = (length: number): string[] =>
  Array.from({ length: 10 ** length }, (_, number) => String(number).padStart(length, '0'));

const TWO = padded(2);
const THREE = padded(3);

let minute = Number.NaN;
let prefix = '';

/**
 * As `toISOString` of a date since 1970, at a fifth of its cost where the dates are in order.
 * @param instant milliseconds since 1970
 */
export function isoOf(instant: string | number): string {
  const time = Number(instant);
  const rest = time % MINUTE;
  if (time - rest !== minute) {
    prefix = new Date(time).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:'.length);
    minute = time - rest;
  }
  return `${prefix}${TWO[Math.trunc(rest / 1000)]}.${THREE[rest % 1000]}Z`;
}
