/** Digits that end a number, and digits that another follows: so each number is as short as it can be, and stands alone. */
const LAST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MORE = 'abcdefghijklmnopqrstuvwxyz0189-+';
/** The same number again. */
const AGAIN = '.';
/** What may stand before a number, as a set of characters in a pattern. */
export const ENDS = 'A-Z2-7.';

/** What a character is worth: below {@link BASE} it ends a number. */
const digits = Array.from({ length: 128 }, (_, code) => (LAST + MORE).indexOf(String.fromCharCode(code)));
const BASE = 32;

/** A visit of more activities is looked up when somebody asks for its way. */
export const MAX_ACTIVITIES = 1000;

/** A path's number as it is in a way. */
export function stepOf(number: number): string {
  let text = LAST.charAt(number % BASE);
  for (let rest = Math.trunc(number / BASE); rest > 0; rest = Math.trunc(rest / BASE))
    text = MORE.charAt(rest % BASE) + text;
  return text;
}

export function wayOf(numbers: number[]): string {
  return numbers.map((number, i) => (number === numbers[i - 1] ? AGAIN : stepOf(number))).join('');
}

/** Where to be at a path once more at once is no step. */
export function withoutRepeats(way: string): string {
  return way.includes(AGAIN) ? way.replaceAll(AGAIN, '') : way;
}

/** The numbers of the paths in a way. */
export function numbersIn(way: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let at = 0; at < way.length; at++) {
    const digit = digitAt(way, at);
    if (digit < 0) {
      numbers.push(numbers.at(-1) ?? 0);
      continue;
    }
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

/** Of a way without repeats, at most so many steps from the first time that the way is at `step`, or from its beginning; empty where it never is. */
export function onwards(way: string, depth: number, step = ''): string {
  let from = way.indexOf(step);
  // What ends like the number of the step may be another.
  while (from > 0 && !isEnd(way, from - 1)) from = way.indexOf(step, from + 1);
  if (from < 0) return '';
  let end = from;
  for (let left = depth; left > 0 && end < way.length; end++) if (isEnd(way, end)) left -= 1;
  return way.slice(from, end);
}

/** Of such a way, at most so many steps up to the last time that the way is at `step`; empty where it never is. */
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
