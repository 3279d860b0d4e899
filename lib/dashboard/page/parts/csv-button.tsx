import type { JSX } from 'preact';
import { type Cell, downloadCsv } from './download.js';
import { Icon } from './icon.js';

interface CsvButtonProps {
  /** What it downloads, as in "Download the funnel as CSV". */
  what: string;
  /** Of the file, without its ending. */
  name: string;
  /** None before the host has answered. */
  rows: (() => Cell[][]) | undefined;
}

export function CsvButton({ what, name, rows }: CsvButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="plain"
      aria-label={`Download ${what} as CSV`}
      disabled={!rows}
      onClick={() => rows && downloadCsv(name, rows())}
    >
      <Icon name="download" /> CSV
    </button>
  );
}
