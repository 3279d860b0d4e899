/** The medians of one variant in one situation. */
export interface Cell {
  adapter: string;
  database: string;
  scenario: string;
  connections: number;
  variant: string;
  /** Requests per second. */
  rps: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU milliseconds of Node and of the database for 1,000 requests. */
  cpu: number;
  databaseCpu: number;
}

const SCENARIOS: Record<string, string> = {
  known: 'one activity, known session',
  new: 'one activity, new session',
  batch: '20 activities, known session',
  jwt: 'one activity, JWT',
  rows: 'one activity, known session, tables empty and full',
};

/** Returns the report: ratios first, then the figures. */
export function report(cells: Cell[], run: { machine: string; rounds: number; seconds: number }): string {
  const situations = [...new Set(cells.map(situationOf))];
  const ratios = situations.flatMap((situation) => {
    const group = cells.filter((cell) => situationOf(cell) === situation);
    const of = (variant: string): Cell | undefined => group.find((cell) => cell.variant === variant);
    const [floor, naive, djaffar, full] = [of('floor'), of('naive'), of('djaffar'), of('full')];
    if (!djaffar || full) return [];
    return row(
      situation,
      ratio(djaffar.rps, floor?.rps),
      ratio(djaffar.rps, naive?.rps),
      ratio(djaffar.cpu, floor?.cpu),
      ratio(djaffar.p50, naive?.p50),
    );
  });
  const full = comparison(cells, 'requests/s with full tables of those with empty ones', 'full', 'djaffar');
  const before = comparison(cells, 'requests/s of those of the earlier commit', 'djaffar', 'before');
  const figures = cells.map((cell) =>
    row(
      situationOf(cell),
      cell.variant,
      cell.rps.toFixed(0),
      cell.p50,
      cell.p99,
      cell.cpu.toFixed(0),
      cell.databaseCpu.toFixed(0),
    ),
  );
  return `# Results

${run.machine}; the load comes from the same machine. Medians of ${run.rounds} alternating rounds of ${run.seconds} s, by \`npm run bench\`.

**floor** parses the same body and answers 204. **naive** checks a DTO, awaits \`repository.save()\` and answers 204.

## Ratios

${row('situation', 'requests/s of the floor', 'requests/s of the naive', 'CPU of the floor', 'p50 of the naive')}
${row('---', '---', '---', '---', '---')}
${ratios.join('\n')}

${full}${before}## Figures

${row('situation', 'variant', 'requests/s', 'p50 ms', 'p99 ms', 'CPU ms of Node for 1,000', 'CPU ms of the database for 1,000')}
${row('---', '---', '---', '---', '---', '---', '---')}
${figures.join('\n')}
`;
}

/** Returns a table of the ratios of two variants, or nothing if no situation has both. */
function comparison(cells: Cell[], title: string, variant: string, baseline: string): string {
  const rows = cells.flatMap((cell) => {
    const situation = situationOf(cell);
    const compared = cells.find((each) => each.variant === baseline && situationOf(each) === situation);
    return cell.variant === variant && compared ? row(situation, ratio(cell.rps, compared.rps)) : [];
  });
  return rows.length ? `${[row('situation', title), row('---', '---'), ...rows].join('\n')}\n\n` : '';
}

function situationOf({ adapter, database, scenario, connections }: Cell): string {
  return `${database}, ${adapter}, ${SCENARIOS[scenario] ?? scenario}, ${connections} conn.`;
}

function ratio(a: number | undefined, b: number | undefined): string {
  return a === undefined || b === undefined || b === 0 ? '–' : (a / b).toFixed(2);
}

function row(...values: (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}
