/** How many rows are read, or written, by one statement. */
const AT_ONCE = 500;

export function chunks<T>(all: T[], size = AT_ONCE): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
