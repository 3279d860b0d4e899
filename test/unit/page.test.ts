import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { Page } from '../../lib/dashboard/page.js';

describe('the page of the dashboard', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-page-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = (): Promise<Page> => Page.read(pathToFileURL(`${folder}/`));

  it('that was not built says what to run', async () => {
    const page = await read();
    expect(() => page.index).toThrow(ServiceUnavailableException);
    expect(() => page.index).toThrow(/npm run build/);
    expect(() => page.asset('index.js')).toThrow(NotFoundException);
  });

  it('has the files that were there when it was read', async () => {
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>');
    writeFileSync(join(folder, 'assets', 'a#%.js'), '');
    const page = await read();
    writeFileSync(join(folder, 'assets', 'later.js'), '');
    expect(page.index).toBeDefined();
    expect(page.asset('a#%.js')).toBeDefined();
    for (const name of ['later.js', '../index.html', 'constructor'])
      expect(() => page.asset(name)).toThrow(NotFoundException);
  });
});
