import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COUNTRIES, findCountry, storedCountry } from '../../lib/activity/country.js';
import { parseLanguage, MAX_LANGUAGE, storedLanguage } from '../../lib/activity/language.js';
import { mmdb } from '../../lib/index.js';
import { type MmdbOptions, writeMmdb } from '../support/mmdb.js';

describe('a country', () => {
  it('is one of ISO 3166-1, or Kosovo, and each has a name', () => {
    expect(COUNTRIES.size).toBe(250);
    const names = new Intl.DisplayNames('en', { type: 'region' });
    expect([...COUNTRIES].filter((code) => names.of(code) === code)).toEqual([]);
  });

  it.each([
    ['DE', 'DE'],
    ['de', 'DE'],
    [' FR ', 'FR'],
    ['XK', 'XK'],
    ['XX', null],
    ['T1', null],
    ['EU', null],
    ['ZZ', null],
    ['DEU', null],
    ['Germany', null],
    ['DE, FR', null],
    ['', null],
    ['__proto__', null],
    [49, null],
    [undefined, null],
  ])('%j is stored as %j', (given, stored) => {
    expect(storedCountry(given)).toBe(stored);
  });

  it.each<[Record<string, string>, string | null]>([
    [{ 'cf-ipcountry': 'DE' }, 'DE'],
    [{ 'cloudfront-viewer-country': 'FR' }, 'FR'],
    [{ 'x-vercel-ip-country': 'CH' }, 'CH'],
    [{ 'x-appengine-country': 'at' }, 'AT'],
    [{ 'cf-ipcountry': 'XX', 'x-vercel-ip-country': 'CH' }, 'CH'],
    [{ 'cf-ipcountry': 'T1' }, null],
    [{ 'fly-region': 'fra' }, null],
    [{}, null],
  ])('of the headers %j is %j', (headers, country) => {
    expect(findCountry('headers', { headers, ip: '192.0.2.1' })).toBe(country);
    expect(findCountry(false, { headers, ip: '192.0.2.1' })).toBeNull();
  });

  it('is none if the database of the host fails, or returns something else', () => {
    const headers = { 'cf-ipcountry': 'DE' };
    const open = async (): Promise<void> => {};
    const failing = {
      open,
      countryOf: (): string => {
        throw new Error('broken');
      },
    };
    expect(findCountry(failing, { headers, ip: '192.0.2.1' })).toBeNull();
    expect(findCountry({ open, countryOf: () => 'Germany' }, { headers, ip: '192.0.2.1' })).toBeNull();
    expect(findCountry({ open, countryOf: () => 'FR' }, { headers, ip: undefined })).toBeNull();
  });
});

describe('a language', () => {
  it.each([
    ['en-US,en;q=0.9', 'en-US'],
    ['de', 'de'],
    ['de;q=0.8, fr', 'de'],
    [' zh-hant-tw , zh', 'zh-Hant-TW'],
    ['EN-us', 'en-US'],
    ['iw', 'he'],
    ['sl-rozaj-biske', 'sl-biske-rozaj'],
    // Extensions could be anything.
    ['en-US-u-ca-gregory-x-jeff', 'en-US'],
    ['ar-u-nu-latn', 'ar'],
    ['*', null],
    ['*;q=0.5', null],
    ['', null],
    [undefined, null],
    ['und', null],
    ['x-jeff', null],
    ['i', null],
    ['en_US', null],
    ["en'--", null],
    ['\u0000', null],
    [`sl${'-rozaj'.repeat(10)}`, null],
    ['de-1901-1994-1996-abcde-fghij-klmno-pqrst', null],
  ])('of the header %j is %j', (header, language) => {
    expect(parseLanguage(header)).toBe(language);
  });

  it('of a very long header is none', () => {
    expect(parseLanguage('a'.repeat(100_000))).toBeNull();
  });

  it('is stored in its canonical form', () => {
    expect(storedLanguage('pt-br')).toBe('pt-BR');
    expect(storedLanguage('pt-br,pt')).toBeNull();
    expect(storedLanguage(5)).toBeNull();
    expect(MAX_LANGUAGE).toBe(35);
  });
});

describe('mmdb()', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-mmdb-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function write(networks: Parameters<typeof writeMmdb>[1], options?: MmdbOptions): string {
    const file = join(folder, `${Math.random()}.mmdb`);
    writeMmdb(file, networks, options);
    return file;
  }

  const of = (code: string): { country: { iso_code: string } } => ({ country: { iso_code: code } });

  it('finds the country of IPv4, IPv6 and IPv4-mapped addresses', async () => {
    const geo = mmdb(
      write({ '192.0.2.0/24': of('DE'), '192.0.3.0/25': of('FR'), '2001:db8::/32': of('CH') }),
    );
    expect(geo.countryOf('192.0.2.1')).toBeNull();
    await geo.open();
    await geo.open();
    const find = (ip: string): string | null => findCountry(geo, { headers: {}, ip });
    expect(['192.0.2.0', '192.0.2.255', '192.0.3.127', '192.0.3.128'].map(find)).toEqual([
      'DE',
      'DE',
      'FR',
      null,
    ]);
    expect(['2001:db8::1', '2001:db9::1', '::ffff:192.0.2.1', '::ffff:c000:201'].map(find)).toEqual([
      'CH',
      null,
      'DE',
      'DE',
    ]);
    expect(['192.0.2.1:4711', '[2001:db8::1]:443', 'unknown', ''].map(find)).toEqual([
      'DE',
      'CH',
      null,
      null,
    ]);
    // From memory.
    expect(find('192.0.2.77')).toBe('DE');
  });

  it.each<[string, Parameters<typeof writeMmdb>[1][string], string | null]>([
    ['MaxMind', { country: { iso_code: 'DE', names: { en: 'Germany' } }, city: { geoname_id: 1 } }, 'DE'],
    ['IPinfo', { country: 'Germany', country_code: 'DE' }, 'DE'],
    ['ip-location-db', { country_code: 'DE' }, 'DE'],
    ['another', { country: 'DE' }, 'DE'],
    ['nothing of the country', { city: 'Bonn' }, null],
    ['what is no code', { country: { iso_code: 49 } }, null],
  ])('reads the records of %s', async (_, record, country) => {
    const geo = mmdb(write({ '192.0.2.0/24': record }));
    await geo.open();
    expect(findCountry(geo, { headers: {}, ip: '192.0.2.1' })).toBe(country);
  });

  it('takes a URL, and a database of IPv4 alone', async () => {
    const geo = mmdb(pathToFileURL(write({ '192.0.2.0/24': of('DE') }, { ipVersion: 4 })));
    await geo.open();
    expect([geo.countryOf('192.0.2.1'), geo.countryOf('2001:db8::1')]).toEqual(['DE', null]);
  });

  it('says what is wrong with a file', async () => {
    const missing = join(folder, 'missing.mmdb');
    await expect(mmdb(missing).open()).rejects.toThrow(
      `DjaffarModule: option "geo" cannot use the file ${missing}: ENOENT`,
    );
    const text = join(folder, 'text.mmdb');
    for (const content of ['', 'no database', 'x'.repeat(100_000)]) {
      writeFileSync(text, content);
      await expect(mmdb(text).open()).rejects.toThrow(
        `option "geo" cannot use the file ${text}: it is not in the format MMDB`,
      );
    }
    const networks = write(
      { '192.0.2.0/24': { autonomous_system_number: 64_496 } },
      { type: 'GeoLite2-ASN' },
    );
    await expect(mmdb(networks).open()).rejects.toThrow('GeoLite2-ASN has no countries');
    const whole = readFileSync(write({ '8.8.8.0/24': of('US') }));
    const damaged = join(folder, 'damaged.mmdb');
    writeFileSync(damaged, whole);
    truncateSync(damaged, whole.length - 20);
    await expect(mmdb(damaged).open()).rejects.toThrow(`cannot use the file ${damaged}`);
  });
});
