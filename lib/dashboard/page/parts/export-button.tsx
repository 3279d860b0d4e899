import type { JSX } from 'preact';
import { type Cell, downloadCsv } from './download.js';
import { Icon } from './icon.js';

interface ExportButtonProps {
  /** What it downloads, as in "Download the funnel as CSV". */
  label: string;
  /** Of the file, without its ending. */
  name: string;
  /** None before the host has answered. */
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
