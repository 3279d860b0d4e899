import { yieldingChunks } from '../../../../../database/chunks.js';
import { decodePathIds, encodePathId, forEachPathId } from '../path-sequence.js';

/** Ids of paths that are assigned here are larger than those of stored paths. */
const FIRST_PATH_ID = 2 ** 40;

/** What {@link VisitorIds.toText} returns, as JSON. */
interface Stored {
  /** Empty if the ids are those of stored paths. */
  values: (string | null)[];
  visitors: string[];
  /** The encoded ids of each visitor's values: indexes of `values`, or ids of paths. */
  ids: string[];
}

/** The values that each visitor has, such as the paths of a session. Sets of several time ranges can be merged. */
export class VisitorIds {
  /** The ids that were assigned here. */
  private readonly assigned = new Map<string | null, number>();
  /** Encoded ids by visitor; an id may be repeated. */
  private readonly encoded = new Map<string, string>();

  /** @param isPath whether the values are paths, which have ids */
  constructor(private readonly isPath: boolean) {}

  /** @param encoded ids of stored paths */
  add(visitor: string, encoded: string): void {
    this.encoded.set(visitor, (this.encoded.get(visitor) ?? '') + encoded);
  }

  /** @param id of a stored path */
  addValue(visitor: string, value: string | null, id?: number): void {
    this.add(visitor, encodePathId(id ?? this.assign(value)));
  }

  addStored(text: string): void {
    const { values, visitors, ids }: Stored = JSON.parse(text);
    const known = new Map<string, string>();
    const translate = (encoded: string): string => {
      const found =
        known.get(encoded) ??
        decodePathIds(encoded)
          .map((i) => encodePathId(this.assign(values[i] ?? null)))
          .join('');
      known.set(encoded, found);
      return found;
    };
    for (const [i, visitor] of visitors.entries()) {
      const encoded = ids[i] ?? '';
      this.add(visitor, this.isPath ? encoded : translate(encoded));
    }
  }

  /** The same text for the same sets. `null` if it would be longer, or if a path is not stored, so that its id is not known. */
  toText(max: number): string | null {
    if (this.isPath && this.assigned.size > 0) return null;
    let size = 0;
    for (const visitor of this.encoded.keys()) size += visitor.length;
    if (size > max) return null;
    const values = [...this.assigned.keys()].sort(compare);
    const index = new Map(values.map((value, i) => [this.assigned.get(value) ?? 0, i]));
    const sets = [...this.encoded].sort(([a], [b]) => compare(a, b));
    const stored: Stored = {
      values,
      visitors: sets.map(([visitor]) => visitor),
      ids: sets.map(([, encoded]) =>
        [...new Set(decodePathIds(encoded))]
          .map((id) => index.get(id) ?? id)
          .sort((a, b) => a - b)
          .map(encodePathId)
          .join(''),
      ),
    };
    return JSON.stringify(stored);
  }

  /** The number of visitors by id of a value. */
  async count(): Promise<Map<number, number>> {
    // Objects, because ids are mostly small integers: maps take three times as long.
    const counts: Record<number, number> = {};
    const lastVisitors: Record<number, number> = {};
    let visitor = 0;
    const count = (id: number): void => {
      if (lastVisitors[id] === visitor) return;
      lastVisitors[id] = visitor;
      counts[id] = (counts[id] ?? 0) + 1;
    };
    for await (const some of yieldingChunks([...this.encoded.values()])) {
      for (const encoded of some) {
        visitor += 1;
        forEachPathId(encoded, count);
      }
    }
    return new Map(Object.entries(counts).map(([id, visitors]) => [Number(id), visitors]));
  }

  /** Returns the values of the ids that were assigned here. */
  listValues(): Map<number, string | null> {
    return new Map([...this.assigned].map(([value, id]) => [id, value]));
  }

  private assign(value: string | null): number {
    const id = this.assigned.get(value) ?? (this.isPath ? FIRST_PATH_ID : 0) + this.assigned.size;
    this.assigned.set(value, id);
    return id;
  }
}

function compare(a: string | null, b: string | null): number {
  if (a === b) return 0;
  return a === null || (b !== null && a < b) ? -1 : 1;
}
