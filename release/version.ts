const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[\da-z.-]+)?$/;

/**
 * @param wanted a version, or which part of the current one to raise
 * @throws Error if it is neither
 */
export function nextVersion(current: string, wanted: string | undefined): string {
  if (wanted !== undefined && VERSION.test(wanted)) return wanted;
  const [major = 0, minor = 0, patch = 0] = (VERSION.exec(current) ?? []).slice(1, 4).map(Number);
  if (wanted === 'major') return `${major + 1}.0.0`;
  if (wanted === 'minor') return `${major}.${minor + 1}.0`;
  if (wanted === 'patch') return `${major}.${minor}.${patch + 1}`;
  throw new Error(`"${wanted ?? ''}" is no version; allowed: patch, minor, major, or one such as 1.2.3`);
}
