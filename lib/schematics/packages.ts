/** Packages that are installed in addition to Djaffar. */
export type Driver = 'libsql' | 'pg' | 'mysql2';

/** Versions of each Nest; those of the README's table of versions. */
const BY_NEST: Record<string, Record<string, string>> = {
  10: { '@nestjs/typeorm': '^10.0.2', typeorm: '^0.3.28' },
  11: { '@nestjs/typeorm': '^11.0.0', typeorm: '^0.3.28' },
  12: { '@nestjs/typeorm': '^12.0.1', typeorm: '^1.0.0' },
};
const ALWAYS = { 'class-transformer': '^0.5.1', 'class-validator': '^0.14.1' };
const DRIVERS: Record<Driver, string> = { libsql: '^0.5.29', mysql2: '^3.14.0', pg: '^8.16.0' };

/** The part of a `package.json` that is changed. */
export interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

export function readManifest(text: string): Manifest {
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null ? manifest : {};
}

export function isInstalled({ dependencies, devDependencies }: Manifest, name: string): boolean {
  return dependencies?.[name] !== undefined || devDependencies?.[name] !== undefined;
}

/**
 * Adds the packages that Djaffar needs and the app lacks.
 * @returns the new text; `undefined` if nothing is missing
 * @throws Error if the version of Nest is not supported
 */
export function addPackages(text: string, driver: Driver | undefined): string | undefined {
  const manifest = readManifest(text);
  const nest = manifest.dependencies?.['@nestjs/core'] ?? manifest.dependencies?.['@nestjs/common'] ?? '';
  const versions = BY_NEST[/\d+/.exec(nest)?.[0] ?? ''];
  if (!versions)
    throw new Error(
      `nestjs-djaffar needs Nest 10, 11 or 12; package.json has @nestjs/core ${nest || 'nowhere'}`,
    );
  const needed = { ...ALWAYS, ...versions, ...(driver && { [driver]: DRIVERS[driver] }) };
  const missing = Object.entries(needed).filter(([name]) => !isInstalled(manifest, name));
  if (missing.length === 0) return undefined;
  const dependencies = Object.entries({ ...manifest.dependencies, ...Object.fromEntries(missing) });
  const sorted = Object.fromEntries(dependencies.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  return `${JSON.stringify({ ...manifest, dependencies: sorted }, null, indent)}\n`;
}
