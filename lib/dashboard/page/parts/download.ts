import { harmless } from '../../../export/formula.js';

export type Cell = string | number | null;

/** RFC 4180, with nothing in it that a spreadsheet would run. */
function csvOf(rows: Cell[][]): string {
  const cell = (value: Cell): string => {
    if (value === null) return '';
    const text = typeof value === 'string' ? harmless(value) : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

export function downloadCsv(name: string, rows: Cell[][]): void {
  const url = URL.createObjectURL(new Blob([csvOf(rows)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
