import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileOutput, isClosedPipe, print, StandardOutput } from '../../lib/cli/output.js';
import { CapturedStream, replaceStream } from '../support/streams.js';

/** Three bytes for each character, and more than fits into the first buffers. */
const LONG = '€'.repeat(100_000);

const closedPipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

afterEach(() => jest.restoreAllMocks());

describe('standard output', () => {
  let stream: CapturedStream;
  let restore: () => void;

  function useStream(given: CapturedStream): void {
    stream = given;
    restore = replaceStream('stdout', stream);
  }

  beforeEach(() => useStream(new CapturedStream()));

  afterEach(() => restore());

  it('gets texts and bytes in their order', async () => {
    const output = new StandardOutput();
    await output.write(['a', Buffer.from('é'), LONG, Buffer.from(LONG), 'b']);
    await output.write(['c']);
    await output.write([]);
    expect(stream.text).toBe(`aé${LONG}${LONG}bc`);
  });

  it('gets large pieces of bytes first', async () => {
    await new StandardOutput().write([Buffer.from(LONG), 'b']);
    expect(stream.text).toBe(`${LONG}b`);
  });

  it('gets no control character if it is a terminal, and all if it is none', async () => {
    await new StandardOutput().write(['\u001b[2J\n']);
    expect(stream.take()).toBe('\u001b[2J\n');
    restore();
    useStream(new CapturedStream(true));
    await new StandardOutput().write(['\u001b', '[2Jé\n']);
    expect(stream.take()).toBe('\\u001b[2Jé\n');
  });

  it('continues other data only if the command says so', () => {
    expect([new StandardOutput().isResumed, new StandardOutput(true).isResumed]).toEqual([false, true]);
  });

  it('fails where the write fails, and nowhere else', async () => {
    const output = new StandardOutput();
    stream.failure = new Error('no room');
    // The stream emits the error, too, which would end the process.
    await expect(output.write(['a'])).rejects.toThrow('no room');
    expect(stream.listenerCount('error')).toBe(1);
    await output.close();
    expect(stream.listenerCount('error')).toBe(0);
  });

  it('gets a printed line', async () => {
    await print('a');
    await print('b');
    expect(stream.text).toBe('a\nb\n');
  });

  it('ends a printed line in silence if nobody reads it, but not for another reason', async () => {
    stream.failure = closedPipe;
    await expect(print('a')).resolves.toBeUndefined();
    restore();
    useStream(new CapturedStream());
    stream.failure = new Error('no room');
    await expect(print('a')).rejects.toThrow('no room');
  });
});

it.each<[unknown, boolean]>([
  [closedPipe, true],
  [Object.assign(new Error('no room'), { code: 'ENOSPC' }), false],
  [new Error('EPIPE'), false],
  [{ code: 'EPIPE' }, false],
])('%j is the error of a pipe that its reader has closed: %s', (error, isClosed) => {
  expect(isClosedPipe(error)).toBe(isClosed);
});

describe('a file', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-output-'));
    path = join(folder, 'file');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const content = (): string => readFileSync(path, 'utf8');

  it.each([true, false])('is created if it is not there, to append: %s', async (append) => {
    const output = await FileOutput.open(path, append);
    expect(output.isResumed).toBe(false);
    await output.write(['a', Buffer.from('é')]);
    await output.write([LONG]);
    await output.close();
    expect(content()).toBe(`aé${LONG}`);
  });

  it('is replaced, or continued', async () => {
    writeFileSync(path, 'before');
    const continued = await FileOutput.open(path, true);
    await continued.write([' and after']);
    expect(continued.isResumed).toBe(true);
    await continued.close();
    expect(content()).toBe('before and after');
    const replaced = await FileOutput.open(path, false);
    await replaced.write(['new']);
    expect(replaced.isResumed).toBe(false);
    await replaced.close();
    expect(content()).toBe('new');
  });

  it.each([true, false])(
    'has only whole writes, also if one fails half-way, to append: %s',
    async (append) => {
      writeFileSync(path, 'before ');
      const output = await FileOutput.open(path, append);
      await output.write(['one ', 'é ']);
      const handle = await open(path);
      const prototype = Object.getPrototypeOf(handle) as FileHandle;
      await handle.close();
      jest.spyOn(prototype, 'appendFile').mockImplementationOnce(async function (this: FileHandle) {
        await this.write('hal');
        throw new Error('no room');
      });
      await expect(output.write(['half'])).rejects.toThrow('no room');
      const whole = append ? 'before one é ' : 'one é ';
      expect(content()).toBe(whole);
      await output.write(['two']);
      await output.close();
      expect(content()).toBe(`${whole}two`);
    },
  );

  it('says that there is no room, also if it cannot be shortened', async () => {
    const output = await FileOutput.open('/dev/full', false);
    await expect(output.write(['a'])).rejects.toThrow('ENOSPC');
    await output.close();
  });

  it('is closed at the end', async () => {
    const output = await FileOutput.open(path, false);
    await output.close();
    await expect(output.write(['a'])).rejects.toThrow('closed');
  });
});
