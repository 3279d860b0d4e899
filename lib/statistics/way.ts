/** Digits that end a number, and digits that another follows: so each number is as short as it can be, and stands alone. */
const LAST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MORE = 'abcdefghijklmnopqrstuvwxyz0189-+';

const isLast = Array.from({ length: 128 }, (_, code) => LAST.includes(String.fromCharCode(code)));

/** A visit of more views is looked up when somebody asks for its way. */
export const MAX_VIEWS = 1000;

/** A path's number as it is in a way. */
export function stepOf(number: number): string {
  let text = LAST.charAt(number % 32);
  for (let rest = Math.trunc(number / 32); rest > 0; rest = Math.trunc(rest / 32))
    text = MORE.charAt(rest % 32) + text;
  return text;
}

export function numberOf(step: string): number {
  let number = 0;
  for (const digit of step.slice(0, -1)) number = number * 32 + MORE.indexOf(digit);
  return number * 32 + LAST.indexOf(step.slice(-1));
}

/** The steps of a way, one by one. */
export function stepsOf(way: string): string[] {
  return way.match(/[-+a-z0189]*[A-Z2-7]/g) ?? [];
}

function isEnd(way: string, at: number): boolean {
  return at < 0 || isLast[way.charCodeAt(at)] === true;
}

/** At most so many steps from the first time that the way is at `step`, or from its beginning; empty where it never is. */
export function onwards(way: string, depth: number, step = ''): string {
  let from = way.indexOf(step);
  // What ends like the number of the step may be another.
  while (from > 0 && !isEnd(way, from - 1)) from = way.indexOf(step, from + 1);
  if (from < 0) return '';
  let end = from;
  for (let left = depth; left > 0 && end < way.length; end++) if (isEnd(way, end)) left -= 1;
  return way.slice(from, end);
}

/** At most so many steps up to the last time that the way is at `step`; empty where it never is. */
export function upTo(way: string, depth: number, step: string): string {
  let from = way.lastIndexOf(step);
  while (from > 0 && !isEnd(way, from - 1)) from = way.lastIndexOf(step, from - 1);
  if (from < 0) return '';
  const end = from + step.length;
  for (let left = depth - 1; left > 0 && from > 0; left--) {
    from -= 1;
    while (!isEnd(way, from - 1)) from -= 1;
  }
  return way.slice(from, end);
}
