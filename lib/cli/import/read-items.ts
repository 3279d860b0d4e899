import { isObject } from '../../activity/properties.js';
import { truncate } from '../../activity/text.js';
import type { Input } from './input.js';
import type { Item } from './item.js';
import { itemsOf } from './items.js';

export interface ReadOptions {
  stop: AbortSignal;
  /** Called with the number of bytes that were read since the last call. */
  onBytes: (count: number) => void;
}

/**
 * Reads the items of a file.
 * @throws Error that names the file, if it cannot be read; InterruptedError after `stop`
 */
export async function* readItems(
  input: Input,
  { onBytes, stop }: ReadOptions,
): AsyncGenerator<Item, void, void> {
  try {
    for await (const item of itemsOf(input.chunks(onBytes, stop))) {
      stop.throwIfAborted();
      yield item;
    }
  } catch (error) {
    stop.throwIfAborted();
    throw new Error(`${input.name} cannot be read`, { cause: error });
  }
}

/** Returns the column names of a row, or `undefined` if the row cannot be read. */
export function readColumns(item: Item): Set<string> | undefined {
  try {
    const value = item.read();
    return isObject(value) ? new Set(Object.keys(value)) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns some of the columns, for a message. */
export function describe(columns: Set<string>): string {
  const some = [...columns].slice(0, 8).map((column) => truncate(column, 40));
  if (some.length < columns.size) some.push('…');
  return some.join(', ') || 'nothing';
}
