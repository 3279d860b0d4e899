/**
 * Matches the start of a formula in spreadsheets, also after blanks and in full width: see OWASP, "CSV injection". It also matches after
 * apostrophes, so that {@link unescapeFormulas} restores the original.
 */
const FORMULA = /^'*(?:[\t\r\n]|[\s']*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/;

/**
 * The same after a character that may begin another cell. In many locales Excel splits a line at `;`, even inside quotes
 * that do not begin the line; the part then may begin with a quote of its own.
 */
const PART = /[;\t\r\n](?=(?:[^\S\r\n]|['"])*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

const ESCAPED_PART = /([;\t\r\n])'(?=(?:[^\S\r\n]|['"])*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

/** Cells to quote: RFC 4180 names the first four; `;` and tab separate cells in some spreadsheets. */
const SPECIAL = /[",\r\n;\t]/;

/** Excel reads UTF-8 correctly only after this mark. */
export const BYTE_ORDER_MARK = '\uFEFF';

export const LINE_BREAK = '\r\n';

export type Cell = string | number | null;

/** Puts an apostrophe before everything that a spreadsheet would run, so that it is shown as text. */
export function escapeFormulas(text: string): string {
  const escaped = text.replace(PART, "$&'");
  return FORMULA.test(text) ? `'${escaped}` : escaped;
}

/** The text of which {@link escapeFormulas} has made this one. */
export function unescapeFormulas(text: string): string {
  const parts = text.replace(ESCAPED_PART, '$1');
  return parts.startsWith("'") && FORMULA.test(parts) ? parts.slice(1) : parts;
}

/**
 * Cells as RFC 4180 writes them, without the line break.
 * @param raw leaves cells unchanged that a spreadsheet would run as a formula
 */
export function csvRow(cells: Cell[], raw = false): string {
  return cells.map((cell) => csvCell(cell, raw)).join(',');
}

function csvCell(cell: Cell, raw: boolean): string {
  if (cell === null) return '';
  // A negative number is no formula.
  if (typeof cell === 'number') return String(cell);
  const text = raw ? cell : escapeFormulas(cell);
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
