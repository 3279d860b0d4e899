/**
 * Gives the newest section of the changelog, `## Unreleased` or `## X.Y.Z`, its version and date.
 * @throws Error if the newest section is of another version, or empty
 */
export function nameSection(changelog: string, version: string, date: string): string {
  const [section, name] = /^## (.+)\n[^]*?(?=^## |(?![^]))/m.exec(changelog) ?? [];
  if (section === undefined || (name !== 'Unreleased' && name !== version))
    throw new Error(
      `CHANGELOG.md begins with the section "${name ?? ''}"; write what has changed below "## Unreleased"`,
    );
  const heading = `## ${name}\n`;
  if (section.slice(heading.length).trim() === '')
    throw new Error(`the section "${name}" of CHANGELOG.md is empty; write what has changed`);
  return changelog.replace(section, () => `## ${version} (${date})\n${section.slice(heading.length)}`);
}
