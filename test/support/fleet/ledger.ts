/** A client's knowledge of an activity: the intervals in which it was committed and erased, in milliseconds since 1970. */
interface Entry {
  id: string;
  group: string;
  sent: number;
  acknowledged: number;
  erasing: number;
  erased: number;
}

/** Records what clients have sent and erased, to check the results of the instances. */
export class Ledger {
  readonly entries: Entry[] = [];

  add(id: string, group: string): Entry {
    const never = Number.POSITIVE_INFINITY;
    const entry = { id, group, sent: Date.now(), acknowledged: never, erasing: never, erased: never };
    this.entries.push(entry);
    return entry;
  }

  of(group: string): Entry[] {
    return this.entries.filter((entry) => entry.group.startsWith(group));
  }

  /** Returns ids that must be stored, and that must not. */
  expected(): { stored: string[]; erased: string[] } {
    const ids = (found: Entry[]): string[] => found.map(({ id }) => id);
    return {
      stored: ids(this.entries.filter((each) => each.acknowledged < Infinity && each.erasing === Infinity)),
      erased: ids(this.entries.filter(({ erased }) => erased < Infinity)),
    };
  }

  /**
   * Returns how many activities of a group an answer may have: it has what was committed before `asOf`, and maybe some of what was
   * committed or erased between that and the answer.
   */
  bounds(group: string, asOf: number, answered: number): { least: number; most: number } {
    const entries = this.of(group);
    const least = entries.filter((each) => each.acknowledged < asOf && each.erasing > answered).length;
    const most = entries.filter((each) => each.sent <= answered && each.erased >= asOf).length;
    return { least, most };
  }
}
