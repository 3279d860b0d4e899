/** An id is a number to the base 32. Its last digit is from `LAST`, the others from `MORE`, so no separator is needed. */
const LAST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MORE = 'abcdefghijklmnopqrstuvwxyz0189-+';
/** The same id again. */
const AGAIN = '.';
/** Characters after which an id begins, for a character class of a pattern. */
export const ENDS = 'A-Z2-7.';

/** The value of a character as a digit; a digit below {@link BASE} ends a number. */
const digits = Array.from({ length: 128 }, (_, code) => (LAST + MORE).indexOf(String.fromCharCode(code)));
const BASE = 32;

export function encodePathId(number: number): string {
  let text = LAST.charAt(number % BASE);
  for (let rest = Math.trunc(number / BASE); rest > 0; rest = Math.trunc(rest / BASE))
    text = MORE.charAt(rest % BASE) + text;
  return text;
}

export function encodePathIds(numbers: number[]): string {
  return numbers.map((number, i) => (number === numbers[i - 1] ? AGAIN : encodePathId(number))).join('');
}

/** Removes consecutive repeats. */
export function collapseRepeats(sequence: string): string {
  return sequence.includes(AGAIN) ? sequence.replaceAll(AGAIN, '') : sequence;
}

export function decodePathIds(sequence: string): number[] {
  const numbers: number[] = [];
  forEachPathId(sequence, (number) => numbers.push(number));
  return numbers;
}

/** Ten times as fast as {@link decodePathIds} for many short sequences. */
export function forEachPathId(sequence: string, use: (id: number) => void): void {
  let number = 0;
  let previous = 0;
  for (let at = 0; at < sequence.length; at++) {
    const digit = digitAt(sequence, at);
    if (digit < 0) {
      use(previous);
      continue;
    }
    number = number * BASE + (digit % BASE);
    if (digit >= BASE) continue;
    use(number);
    previous = number;
    number = 0;
  }
}

/** Returns the digit at an index. Outside of the sequence it is 0, which ends an id. */
function digitAt(sequence: string, at: number): number {
  return digits[sequence.charCodeAt(at)] ?? 0;
}

function isEnd(sequence: string, at: number): boolean {
  return digitAt(sequence, at) < BASE;
}

/** Up to `depth` steps from the first occurrence of `step` (or from the start) of a sequence without repeats; empty if it does not occur. */
export function takeForward(sequence: string, depth: number, step = ''): string {
  let from = sequence.indexOf(step);
  // Skips longer ids that end with the same characters.
  while (!isEnd(sequence, from - 1)) from = sequence.indexOf(step, from + 1);
  if (from < 0) return '';
  let end = from;
  for (let left = depth; left > 0; end++) if (isEnd(sequence, end)) left -= 1;
  return sequence.slice(from, end);
}

/** Up to `depth` steps that end with the last occurrence of `step`; empty if it does not occur. */
export function takeBackward(sequence: string, depth: number, step: string): string {
  let from = sequence.lastIndexOf(step);
  while (!isEnd(sequence, from - 1)) from = sequence.lastIndexOf(step, from - 1);
  if (from < 0) return '';
  const end = from + step.length;
  for (let left = depth - 1; left > 0 && from > 0; left--) {
    from -= 1;
    while (!isEnd(sequence, from - 1)) from -= 1;
  }
  return sequence.slice(from, end);
}
