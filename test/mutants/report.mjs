/** Returns the report as Markdown, the survivors without a reason, and the reasons without a survivor. */
export function report(scores, reasons, parts) {
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
  const total = Object.values(scores)
    .flatMap(({ after }) => Object.values(after))
    .reduce((sum, each) => ({ mutants: sum.mutants + each.mutants, killed: sum.killed + each.killed }), {
      mutants: 0,
      killed: 0,
    });
  const text = `# Mutants

Written by \`npm run test:mutants\`: the percentage of changed code that tests notice, when the part was first run and now. Which code and
which tests a part has is in [parts.mjs](parts.mjs); the text of errors and log lines is not changed.

${table(['part', 'folder', 'mutants', 'first %', 'now %', 'goal %', 'survivors', 'minutes'], rows)}

In all ${total.mutants} mutants, of which ${percent(total)} % are killed.

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
