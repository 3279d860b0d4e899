/** Returns the report as Markdown, the survivors without a reason, and the reasons without a survivor. */
export function report({ scores, sample, reasons, parts }) {
  const survivors = Object.entries(scores).flatMap(([part, { survivors: found }]) =>
    found.map((survivor) => ({ ...survivor, part, entry: findReason(survivor, reasons) })),
  );
  const open = survivors.filter(({ entry }) => entry === undefined);
  const used = new Set(survivors.map(({ entry }) => entry));
  const rows = Object.entries(scores).flatMap(([part, { before, after, minutes }]) =>
    Object.entries(after).map(([folder, { mutants, killed }]) => [
      part,
      folder,
      mutants,
      before[folder] ? percent(before[folder]) : '',
      percent({ mutants, killed }),
      parts[part]?.goal ?? '',
      mutants - killed,
      minutes,
    ]),
  );
  const folders = Object.values(scores).flatMap(({ after }) => Object.values(after));
  const total = { mutants: sum(folders, 'mutants'), killed: sum(folders, 'killed') };
  const text = `# Mutants

Written by \`npm run test:mutants\`: the percentage of changed code that tests notice, when the part was first run and now. Which code and
which tests a part has is in [parts.mjs](parts.mjs); the text of errors and log lines is not changed.

${table(['part', 'folder', 'mutants', 'first %', 'now %', 'goal %', 'survivors', 'minutes'], rows)}

In all ${total.mutants} mutants, of which ${percent(total)} % are killed.

${sample ? sampled(sample) : ''}
## Survivors that are kept

${open.length} more survivors have no reason yet: \`npm run test:mutants -- PART\` prints them.

${table(
  ['file', 'code', 'replacement', 'why no test notices'],
  survivors
    .filter(({ entry }) => entry !== undefined)
    .map(({ file, code, replacement, entry }) => [file, verbatim(code), verbatim(replacement), entry.reason]),
)}
`;
  return { text, open, unused: reasons.filter((reason) => !used.has(reason)) };
}

/** Each room counts by all its mutants. The margin assumes that the mutants of a place share their fate. */
function sampled({ seed, size, rooms }) {
  const killed = (room) => room.killed / room.tried;
  const tried = rooms.filter((room) => room.tried > 0);
  const weight = (room) => room.mutants / sum(tried, 'mutants');
  const estimate = tried.reduce((total, room) => total + weight(room) * killed(room), 0);
  const variance = tried.reduce(
    (total, room) => total + (weight(room) ** 2 * killed(room) * (1 - killed(room))) / room.places,
    0,
  );
  const places = sum(rooms, 'places');
  return `## Sample of all other files

An estimate, not a score: \`npm run test:mutants -- --sample ${size} --seed ${seed}\` has tried the mutants of ${places} places that were drawn at random from
the files in no part, of each room in proportion. The tests are those of \`SAMPLE\` in [parts.mjs](parts.mjs), on SQLite and Express. Code for other
databases, ClickHouse included, and for browsers is not in the sample, nor is what runs while files are loaded or an app starts.
Of the files that reach a mutant, none begins after 20 seconds: what only a later one or a test besides these notices counts as a survivor.
So the true percentage is rather higher; that of a room with few mutants says little.

${table(
  ['room', 'mutants', 'tried', 'killed %', 'survivors', 'of these in no test'],
  rooms.map((room) => [
    room.room,
    room.mutants,
    room.tried,
    room.tried > 0 ? (100 * killed(room)).toFixed(0) : '',
    room.survivors.length,
    room.survivors.filter(({ isReached }) => isReached === false).length,
  ]),
)}

Of all ${sum(rooms, 'mutants')} mutants of these files, an estimated ${(100 * estimate).toFixed(0)} % are killed (± ${(196 * Math.sqrt(variance)).toFixed(0)} with 95 % confidence).
[sample.json](sample.json) has the survivors.
`;
}

function sum(list, key) {
  return list.reduce((total, each) => total + each[key], 0);
}

/** A reason without a replacement, or without code, is that of all. */
function findReason(survivor, reasons) {
  return reasons.find((reason) =>
    ['file', 'line', 'code', 'replacement'].every(
      (key) => reason[key] === undefined || reason[key] === survivor[key],
    ),
  );
}

function percent({ mutants, killed }) {
  return ((100 * killed) / mutants).toFixed(1);
}

function verbatim(code) {
  return `\`\` ${code.replaceAll('|', String.raw`\|`)} \`\``;
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
