import { BYTE_ORDER_MARK, type Cell, csvRow, LINE_BREAK } from '../../../export/csv-row.js';

export type { Cell };

export function downloadCsv(name: string, rows: Cell[][]): void {
  const text = BYTE_ORDER_MARK + rows.map((row) => csvRow(row) + LINE_BREAK).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
