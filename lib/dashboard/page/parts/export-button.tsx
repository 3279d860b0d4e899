import type { JSX } from 'preact';
import { BYTE_ORDER_MARK, type Cell, csvRow, LINE_BREAK } from '../../../export/csv-row.js';
import { Icon } from './icon.js';

interface ExportButtonProps {
  /** The name of the content, as in "Download the funnel as CSV". */
  label: string;
  /** The name of the file, without its extension. */
  name: string;
  /** `undefined` before the first answer. */
  getRows: (() => Cell[][]) | undefined;
}

export function ExportButton({ label, name, getRows }: ExportButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="plain"
      aria-label={`Download ${label} as CSV`}
      disabled={!getRows}
      onClick={() => getRows && downloadCsv(name, getRows())}
    >
      <Icon name="download" /> CSV
    </button>
  );
}

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
