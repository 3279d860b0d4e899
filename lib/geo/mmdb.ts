import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { Reader, Response } from 'mmdb-lib';
import type { GeoDatabase } from '../options/privacy.options.js';

/** Parts of records that are kept in memory: a database of countries has some hundred, one of cities 100,000s. */
const MAX_CACHED = 5000;

/** Databases that have no countries. */
const WITHOUT_COUNTRIES =
  /\b(ASN|ISP|Domain|Connection-Type|Anonymous-(IP|Plus)|Static-IP-Score|User-Count)\b/i;

/** The last part of a file, its description, begins with it. */
const MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

/** Addresses that every database has, to find a damaged file when the application starts. */
const KNOWN = ['8.8.8.8', '2001:4860:4860::8888'];

/**
 * For the option `geo`: a database of countries or cities in MaxMind's format, such as GeoLite2 Country or DB-IP Country Lite. The
 * file is read once, when the application starts. It needs the package `mmdb-lib`.
 * @param file its path, from the working directory
 * @example
 * ```ts
 * import { DjaffarModule, mmdb } from 'nestjs-djaffar';
 *
 * DjaffarModule.forRoot({ geo: mmdb('GeoLite2-Country.mmdb'), ip: 'masked' });
 * ```
 */
export function mmdb(file: string | URL): GeoDatabase {
  return new MmdbFile(file);
}

class MmdbFile implements GeoDatabase {
  private reader: Reader<Response> | undefined;

  constructor(private readonly file: string | URL) {}

  /** @throws Error that names the problem of the file */
  async open(): Promise<void> {
    if (this.reader) return;
    const MmdbReader = await loadReader();
    try {
      const cache = new LRUCache<string | number, object>({ max: MAX_CACHED });
      const content = await readFile(this.file);
      if (!content.includes(MARK))
        throw new Error('it is not in the format MMDB of MaxMind; unpack an archive');
      const reader = new MmdbReader<Response>(content, {
        cache: { get: (key) => cache.get(key), set: (key, value: object) => cache.set(key, value) },
      });
      const { databaseType } = reader.metadata;
      if (WITHOUT_COUNTRIES.test(databaseType)) throw new Error(`${databaseType} has no countries`);
      for (const address of KNOWN) readCountryCode(find(reader, address));
      this.reader = reader;
    } catch (cause) {
      throw new Error(
        `DjaffarModule: option "geo" cannot use the file ${String(this.file)}: ${readMessage(cause)}`,
        {
          cause,
        },
      );
    }
  }

  countryOf(address: string): string | null {
    return this.reader ? readCountryCode(find(this.reader, address)) : null;
  }
}

/** An IPv4-only database has no answer for IPv6. */
function find(reader: Reader<Response>, address: string): unknown {
  return reader.metadata.ipVersion === 4 && address.includes(':') ? null : reader.get(address);
}

/** MaxMind and DB-IP have `country.iso_code`; IPinfo, ip-location-db and others `country_code` or `country`. */
function readCountryCode(record: unknown): string | null {
  if (typeof record !== 'object' || record === null) return null;
  const { country, country_code: code }: { country?: unknown; country_code?: unknown } = record;
  if (typeof country === 'object' && country !== null && 'iso_code' in country)
    return textOrNull(country.iso_code);
  return textOrNull(code ?? country);
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const readMessage = (error: unknown): string => String(error).replace(/^Error: /, '');

async function loadReader(): Promise<typeof Reader> {
  try {
    const loaded: { Reader?: typeof Reader; default?: { Reader: typeof Reader } } = await import('mmdb-lib');
    // Some loaders and bundlers find only the default export of a CommonJS module, which is the module itself.
    const found = loaded.Reader ?? loaded.default?.Reader;
    if (!found) throw new Error('no Reader');
    return found;
  } catch (cause) {
    throw new Error('DjaffarModule: option "geo" needs the package mmdb-lib: run "npm install mmdb-lib"', {
      cause,
    });
  }
}
