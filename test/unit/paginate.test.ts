import type { Cursor } from '../../lib/activity/pagination.js';
import { type FetchedPage, paginate } from '../../lib/store/paginate.js';

const SIZE = 2;
const cursorOf = (id: string): Cursor => ({ date: 1000, id });
const pageOf = (...ids: string[]): FetchedPage<string> => {
  const last = ids.at(-1);
  return {
    page: ids.join(),
    count: ids.length,
    last: last === undefined ? undefined : { id: last, date: '1000' },
  };
};

/** Returns the given pages one after the other, and notes after which activity each was asked for. */
class Source {
  readonly asked: (Cursor | undefined)[] = [];
  readonly answers: (FetchedPage<string> | Error | Promise<FetchedPage<string>>)[];

  constructor(...answers: (FetchedPage<string> | Error | Promise<FetchedPage<string>>)[]) {
    this.answers = answers;
  }

  read(after?: Cursor): AsyncGenerator<string, void, void> {
    return paginate(SIZE, after, async (place) => {
      this.asked.push(place);
      const answer = await this.answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? pageOf();
    });
  }
}

async function collect(pages: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

describe('the pages of a list', () => {
  it('are read from a cursor on, each after the last activity of the page before, up to one that is not full', async () => {
    const source = new Source(pageOf('b', 'c'), pageOf('d', 'e'), pageOf('f'));
    expect(await collect(source.read(cursorOf('a')))).toEqual(['b,c', 'd,e', 'f']);
    expect(source.asked).toEqual([cursorOf('a'), cursorOf('c'), cursorOf('e')]);
  });

  it('end before an empty one', async () => {
    const source = new Source(pageOf('a', 'b'), pageOf());
    expect(await collect(source.read())).toEqual(['a,b']);
    expect(source.asked).toEqual([undefined, cursorOf('b')]);
    expect(await collect(new Source(pageOf()).read())).toEqual([]);
  });

  it('are loaded while the one before is used', async () => {
    const source = new Source(pageOf('a', 'b'), pageOf('c', 'd'), pageOf());
    const pages = source.read();
    expect(await pages.next()).toEqual({ value: 'a,b', done: false });
    expect(source.asked).toHaveLength(2);
    expect(await pages.next()).toEqual({ value: 'c,d', done: false });
    expect(source.asked).toHaveLength(3);
  });

  it('end with the error of a page that cannot be loaded, after those before it', async () => {
    const error = new Error('no connection');
    const pages = new Source(pageOf('a', 'b'), error).read();
    expect(await pages.next()).toEqual({ value: 'a,b', done: false });
    await expect(pages.next()).rejects.toBe(error);
  });

  it.each([
    ['is loaded', pageOf('c')],
    ['fails', new Error('no connection')],
  ])('end for a reader who stops only when the next one, which nobody needs, %s', async (_, answer) => {
    const [next, settle] = withResolver();
    const pages = new Source(pageOf('a', 'b'), next).read();
    await pages.next();
    let hasEnded = false;
    const stop = async (): Promise<void> => {
      await pages.return();
      hasEnded = true;
    };
    const end = stop();
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    settle(answer);
    await end;
    expect(hasEnded).toBe(true);
  });
});

function withResolver(): [Promise<FetchedPage<string>>, (answer: FetchedPage<string> | Error) => void] {
  let settle: (answer: FetchedPage<string> | Error) => void = () => {};
  const promise = new Promise<FetchedPage<string>>((resolve, reject) => {
    settle = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
  });
  return [promise, settle];
}
