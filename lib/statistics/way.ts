/** Digits that end a number, and digits that another follows: so each number is as short as it can be, and stands alone. */
const LAST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MORE = 'abcdefghijklmnopqrstuvwxyz0189-+';

/** What a character is worth: below {@link BASE} it ends a number. */
const digits = Array.from({ length: 128 }, (_, code) => (LAST + MORE).indexOf(String.fromCharCode(code)));
const BASE = 32;

/** A visit of more views is looked up when somebody asks for its way. */
export const MAX_VIEWS = 1000;

/** A path's number as it is in a way. */
export function stepOf(number: number): string {
  let text = LAST.charAt(number % BASE);
  for (let rest = Math.trunc(number / BASE); rest > 0; rest = Math.trunc(rest / BASE))
    text = MORE.charAt(rest % BASE) + text;
  return text;
}

/** The numbers of the paths in a way. */
export function numbersIn(way: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let at = 0; at < way.length; at++) {
    const digit = digitAt(way, at);
    number = number * BASE + (digit % BASE);
    if (digit >= BASE) continue;
    numbers.push(number);
    number = 0;
  }
  return numbers;
}

function digitAt(way: string, at: number): number {
  return digits[way.charCodeAt(at)] ?? 0;
}

function isEnd(way: string, at: number): boolean {
  return at < 0 || digitAt(way, at) < BASE;
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
