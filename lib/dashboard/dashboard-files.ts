import { extname } from 'node:path';
import { NotFoundException } from '@nestjs/common';
import { CompressedFile } from '../http/compressed-file.js';

const TYPES = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
]);

/** For a file that may change under the same name: the browser revalidates it each time. */
const CHANGING = 'no-cache';
/** For a file whose name contains a hash. Only browsers may cache it, because shared caches do not ask the guards. */
const IMMUTABLE = 'private, max-age=31536000, immutable';
const HASHED = /-[0-9A-Z]{8}\.\w+$/;

export interface PageFiles {
  /** The HTML of the page. */
  index: string;
  /** The files that it loads, by their names. */
  assets: Readonly<Record<string, string>>;
}

/** The dashboard's page and the files that it loads. */
export class DashboardFiles {
  /** For hosts without a dashboard; their guard answers 404 before it is used. */
  static readonly none = new DashboardFiles({ index: '', assets: {} });

  readonly index: CompressedFile;
  private readonly assets: ReadonlyMap<string, CompressedFile>;

  constructor({ index, assets }: PageFiles) {
    this.index = new CompressedFile(index, 'text/html; charset=utf-8', CHANGING);
    this.assets = new Map(
      Object.entries(assets).map(([name, content]): [string, CompressedFile] => {
        const type = TYPES.get(extname(name)) ?? 'application/octet-stream';
        return [name, new CompressedFile(content, type, HASHED.test(name) ? IMMUTABLE : CHANGING)];
      }),
    );
  }

  /** Loads the files lazily, so that hosts without a dashboard never load them. */
  static async load(): Promise<DashboardFiles> {
    return new DashboardFiles(await import('../generated/page.js'));
  }

  /** @throws NotFoundException */
  asset(name: string): CompressedFile {
    const asset = this.assets.get(name);
    if (!asset) throw new NotFoundException();
    return asset;
  }
}
