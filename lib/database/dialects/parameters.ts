/** Returns the values of all rows, one row after the other. `rows.flat()` takes twenty times as long: 1 µs for each activity. */
export function parametersOf(rows: unknown[][]): unknown[] {
  const parameters: unknown[] = [];
  for (const row of rows) parameters.push(...row);
  return parameters;
}
