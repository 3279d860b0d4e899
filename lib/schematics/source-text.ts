/** A change that was made or not, and why it was not. */
export type Edit = { code: string } | { fault: string };

/** A range of a text. */
interface Span {
  start: number;
  /** Exclusive. */
  end: number;
}

/** An object literal: its properties with the places of their values. */
export interface ObjectLiteral extends Span {
  properties: Map<string, Span>;
  /** Whether other objects are spread into it. */
  hasSpread: boolean;
}

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
/** Matches comments and string literals. */
const OPAQUE = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;

/** Returns the code with blanks for comments and for what texts contain, at the same places. */
export function mask(code: string): string {
  return code.replaceAll(OPAQUE, (found) => {
    const quote = found.startsWith('/') ? '' : found.slice(0, 1);
    const inner = found.slice(quote.length, found.length - quote.length);
    return `${quote}${inner.replaceAll(/[^\n]/g, ' ')}${quote}`;
  });
}

/** @returns the place of the bracket that closes the one at `open`; -1 if the brackets do not match */
function findClosing(masked: string, open: number): number {
  const expected: string[] = [];
  for (let at = open; at < masked.length; at++) {
    const character = masked.charAt(at);
    const closing = CLOSING[character];
    if (closing) expected.push(closing);
    else if (/[)\]}]/.test(character)) {
      if (expected.pop() !== character) return -1;
      if (expected.length === 0) return at;
    }
  }
  return -1;
}

/** Splits what is between two brackets at its commas; the part after a last comma is left out if it is blank. */
function splitAtCommas(masked: string, { start, end }: Span): Span[] {
  const parts: Span[] = [];
  let from = start;
  for (let at = start; at < end; at++) {
    const character = masked.charAt(at);
    if (CLOSING[character]) at = findClosing(masked, at);
    else if (character === ',') {
      parts.push({ start: from, end: at });
      from = at + 1;
    }
    if (at < 0) return [];
  }
  if (masked.slice(from, end).trim() !== '') parts.push({ start: from, end });
  return parts;
}

/** @returns the object literal whose brace is at `open`; `undefined` if it is not understood */
export function parseObject(code: string, open: number): ObjectLiteral | undefined {
  const masked = mask(code);
  const close = masked.charAt(open) === '{' ? findClosing(masked, open) : -1;
  if (close < 0) return undefined;
  const properties = new Map<string, Span>();
  let hasSpread = false;
  for (const part of splitAtCommas(masked, { start: open + 1, end: close })) {
    const start = part.start + masked.slice(part.start, part.end).search(/\S/);
    const text = code.slice(start, part.end);
    if (text.startsWith('...')) {
      hasSpread = true;
      continue;
    }
    const [whole, , name] = /^(['"]?)([\w$]+)\1\s*:\s*/.exec(text) ?? [];
    const shorthand = /^[\w$]+\s*$/.exec(text)?.[0].trim();
    if (whole !== undefined && name !== undefined)
      properties.set(name, { start: start + whole.length, end: part.end });
    else if (shorthand) properties.set(shorthand, { start, end: part.end });
    // A method, or a computed key.
    else return undefined;
  }
  return { start: open, end: close + 1, properties, hasSpread };
}

/** Adds an item at the end of an array or an object literal whose bracket is at `open`, in its own layout. */
export function appendItem(code: string, open: number, item: string): string {
  const masked = mask(code);
  const close = findClosing(masked, open);
  const inner = masked.slice(open + 1, close);
  const last = inner.trimEnd().length;
  if (last === 0 && code.slice(open + 1, close).trim() === '') {
    const [before, after] = masked.charAt(open) === '{' ? [' ', ' '] : ['', ''];
    return `${code.slice(0, open + 1)}${before}${item}${after}${code.slice(close)}`;
  }
  const at = open + 1 + last;
  const hasComma = inner.trimEnd().endsWith(',') || last === 0;
  if (!inner.includes('\n'))
    return `${code.slice(0, at)}${hasComma ? '' : ','} ${item}${hasComma ? ',' : ''}${code.slice(at)}`;
  const indent = /\n([ \t]*)\S/.exec(code.slice(open + 1, close))?.[1] ?? '  ';
  const line = endOfLine(masked, at);
  return `${code.slice(0, at)}${hasComma ? '' : ','}${code.slice(at, line)}\n${indent}${item},${code.slice(line)}`;
}

/** @returns the end of the line, after a comment too; the place itself if other code follows */
function endOfLine(masked: string, at: number): number {
  const [blank = ''] = /^[^\S\n]*(?=\n|$)/.exec(masked.slice(at)) ?? [];
  return at + blank.length;
}

/** Imports names from a package, in an import that is there already, or after the last one. */
export function addImport(code: string, names: string[], from: string): string {
  const existing = new RegExp(`^import \\{([^}]*)\\} from (['"])${from}\\2`, 'm').exec(code);
  if (existing) {
    const [statement, list = ''] = existing;
    const known = list.split(',').map((name) => name.trim());
    const missing = names.filter((name) => !known.includes(name));
    if (missing.length === 0) return code;
    const all = [...known.filter((name) => name !== ''), ...missing].join(', ');
    return code.replace(statement, () => statement.replace(`{${list}}`, () => `{ ${all} }`));
  }
  const masked = mask(code);
  const imports = [...masked.matchAll(/^import\b[^;'"]*(['"]) *\1 *\)?;?/gm)];
  const last = imports.at(-1);
  const quote = last?.[1] ?? "'";
  const semicolon = last && !last[0].endsWith(';') ? '' : ';';
  const statement = `import { ${names.join(', ')} } from ${quote}${from}${quote}${semicolon}`;
  if (!last) return `${statement}\n${code}`;
  const end = endOfLine(masked, last.index + last[0].length);
  return `${code.slice(0, end)}\n${statement}${code.slice(end)}`;
}
