import type { ActivityRow } from '../activity/reader.js';
import { csv } from './csv.js';
import { lines } from './ndjson.js';

/** How activities are written. */
export interface Format {
  /** Before the first row. */
  head: string;
  rows(activities: ActivityRow[]): string;
  /** Between the rows of two pages. */
  separator: string;
  /** After the last row. */
  tail: string;
  /** Whether more rows can be written behind what is there. */
  canGoOn: boolean;
}

export const FORMATS = ['ndjson', 'csv', 'json'] as const;
export type FormatName = (typeof FORMATS)[number];

/** @param raw whether cells stay as they are that a spreadsheet would run as a formula */
export function formatOf(name: FormatName, raw: boolean): Format {
  if (name === 'csv') return csv(raw);
  return name === 'json' ? json() : ndjson();
}

function ndjson(): Format {
  const lineOf = lines();
  return {
    head: '',
    rows: (activities) => activities.map((activity) => `${lineOf(activity)}\n`).join(''),
    separator: '',
    tail: '',
    canGoOn: true,
  };
}

function json(): Format {
  const lineOf = lines();
  return {
    head: '[\n',
    rows: (activities) => activities.map(lineOf).join(',\n'),
    separator: ',\n',
    tail: '\n]\n',
    canGoOn: false,
  };
}
