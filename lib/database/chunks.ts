/** Rows in one statement. */
const CHUNK_SIZE = 500;

export function chunks<T>(all: T[], size = CHUNK_SIZE): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
