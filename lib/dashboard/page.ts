import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { PackedFile } from '../packed-file.js';

/** Where the package's build has put it, seen from `lib` as from `dist`. */
const FOLDER = new URL('../../dist/dashboard/page/', import.meta.url);

const TYPES = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.woff2', 'font/woff2'],
  ['.webmanifest', 'application/manifest+json'],
  ['.txt', 'text/plain; charset=utf-8'],
]);

/** Of what may be another under the same name: to be asked for anew. */
const CHANGING = 'no-cache';
/** Of what esbuild has put a hash of into its name. For the browser alone: caches on the way know of no guards. */
const IMMUTABLE = 'private, max-age=31536000, immutable';
const HASHED = /-[0-9A-Z]{8}\.\w+$/;

/** The files of the page as they were when the application started. */
export class Page {
  static readonly none = new Page(undefined, new Map());

  private constructor(
    private readonly indexFile: PackedFile | undefined,
    private readonly assets: ReadonlyMap<string, PackedFile>,
  ) {}

  static async read(folder: URL = FOLDER): Promise<Page> {
    const index = await unlessMissing(readFile(new URL('index.html', folder)));
    const names = (await unlessMissing(readdir(new URL('assets/', folder)))) ?? [];
    const assets = names.map(async (name): Promise<[string, PackedFile]> => {
      const content = await readFile(new URL(`assets/${encodeURIComponent(name)}`, folder));
      const type = TYPES.get(extname(name)) ?? 'application/octet-stream';
      return [name, new PackedFile(content, type, HASHED.test(name) ? IMMUTABLE : CHANGING)];
    });
    return new Page(
      index && new PackedFile(index, 'text/html; charset=utf-8', CHANGING),
      new Map(await Promise.all(assets)),
    );
  }

  /** @throws ServiceUnavailableException where the page was not built */
  get index(): PackedFile {
    if (this.indexFile) return this.indexFile;
    throw new ServiceUnavailableException('The page of the dashboard is not there: run `npm run build`');
  }

  /** @throws NotFoundException */
  asset(name: string): PackedFile {
    const asset = this.assets.get(name);
    if (!asset) throw new NotFoundException();
    return asset;
  }
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (typeof error === 'object' && error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
