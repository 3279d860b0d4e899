import { ahoy } from './ahoy.js';
import { ga4 } from './ga4.js';
import { matomo } from './matomo.js';
import { plausible } from './plausible.js';
import type { Source } from './source.js';
import type { OnLoss } from './source-row.js';
import { umami } from './umami.js';

/** The sources by the values of `--from`. */
export const SOURCES = { umami, plausible, ahoy, matomo, ga4 } satisfies Record<
  string,
  (onLoss: OnLoss) => Source
>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES: SourceName[] = ['umami', 'plausible', 'ahoy', 'matomo', 'ga4'];

/** Returns the tool that writes files with these columns. */
export function detectTool(columns: Set<string>): { name: string; option: SourceName } | undefined {
  for (const option of SOURCE_NAMES) {
    const { name, tables } = SOURCES[option](() => {});
    if (tables.some(({ matches }) => matches(columns))) return { name, option };
  }
  return undefined;
}
