import { ahoy } from './ahoy.js';
import { ga4 } from './ga4.js';
import { matomo } from './matomo.js';
import { plausible } from './plausible.js';
import type { Source } from './source.js';
import type { OnLoss } from './source-row.js';
import { umami } from './umami.js';

/** By the values of `--from`. */
export const SOURCES = { umami, plausible, ahoy, matomo, ga4 } satisfies Record<
  string,
  (onLoss: OnLoss) => Source
>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES: SourceName[] = ['umami', 'plausible', 'ahoy', 'matomo', 'ga4'];

/** The tool of which a file with these columns is. */
export function toolOf(columns: Set<string>): { name: string; option: SourceName } | undefined {
  for (const option of SOURCE_NAMES) {
    const { name, tables } = SOURCES[option](() => {});
    if (tables.some(({ matches }) => matches(columns))) return { name, option };
  }
  return undefined;
}
