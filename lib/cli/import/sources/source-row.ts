import type { Properties } from '../../../activity/activity.js';
import { isObject } from '../../../activity/properties.js';

/** Called with the name of each value that is not stored. */
export type OnLoss = (what: string) => void;

/** Texts by which databases write NULL. */
const EMPTY = new Set(['', '\\N', 'NULL']);

/** Reads a row of another tool, and records which columns were not read. */
export class SourceRow {
  private readonly known = new Set<string>();

  constructor(
    private readonly row: Properties,
    private readonly onLoss: OnLoss,
  ) {}

  /** Returns the raw value; `undefined` for an empty cell. */
  value(name: string): unknown {
    this.known.add(name);
    const value = Object.hasOwn(this.row, name) ? (this.row[name] ?? undefined) : undefined;
    return typeof value === 'string' && EMPTY.has(value) ? undefined : value;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  }

  number(name: string): number | undefined {
    const number = Number(this.text(name) ?? Number.NaN);
    return Number.isFinite(number) ? number : undefined;
  }

  /** Returns an array or an object, which may be JSON text, or JSON text within JSON text. */
  json(name: string): unknown {
    const value = this.value(name);
    if (typeof value !== 'string') return value;
    const parsed = parseJson(value);
    if (parsed === undefined) throw new Error(`${name} is not JSON`);
    return typeof parsed === 'string' ? (parseJson(parsed) ?? parsed) : parsed;
  }

  /** Returns an object; any other value is counted as lost. */
  object(name: string): Properties {
    const value = this.json(name) ?? {};
    if (isObject(value)) return value;
    if (value !== '') this.onLoss(`${name} (no object)`);
    return {};
  }

  /** Returns a nested object as a row. */
  inner(name: string): SourceRow {
    return new SourceRow(this.object(name), this.onLoss);
  }

  /** Marks columns that are not lost: they are derived from others, or have no meaning outside the tool. */
  ignore(...names: string[]): void {
    for (const name of names) this.known.add(name);
  }

  /** Returns the names of matching columns that have a value. */
  namesLike(pattern: RegExp): string[] {
    return Object.keys(this.row).filter((name) => pattern.test(name) && this.value(name) !== undefined);
  }

  /** Reports the columns with a value that were not read. */
  end(): void {
    for (const name of Object.keys(this.row)) {
      if (!this.known.has(name) && this.value(name) !== undefined) this.onLoss(name);
    }
  }
}

/** @returns `undefined` for a text that is not JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
