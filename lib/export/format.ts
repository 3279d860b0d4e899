import type { ActivityRow } from '../store/typeorm/reading/rows.js';
import { csv, type CsvOptions } from './csv.js';
import { lines } from './ndjson.js';

/** How activities are written. */
export interface Format {
  /** Before the first row. */
  head: string;
  row: (activity: ActivityRow) => string;
  /** Behind each row. */
  end: string;
  /** Between rows. */
  separator: string;
  /** After the last row. */
  tail: string;
  /** Whether more rows can be written behind what is there. */
  canGoOn: boolean;
  /** Whether a row is JSON. */
  isJson: boolean;
}

export const FORMATS = ['ndjson', 'csv', 'json'] as const;
export type FormatName = (typeof FORMATS)[number];

/** @param options of CSV alone */
export function formatOf(name: FormatName, options: CsvOptions = {}): Format {
  if (name === 'csv') return csv(options);
  return name === 'json' ? json() : ndjson();
}

function ndjson(): Format {
  return { head: '', row: lines(), end: '\n', separator: '', tail: '', canGoOn: true, isJson: true };
}

function json(): Format {
  return {
    head: '[\n',
    row: lines(),
    end: '',
    separator: ',\n',
    tail: '\n]\n',
    canGoOn: false,
    isJson: true,
  };
}
