import type { JSX } from 'preact';

/** What an activity says of itself, in short. */
export function Properties({ of }: { of: Record<string, unknown> | null }): JSX.Element | null {
  const entries = Object.entries(of ?? {});
  if (entries.length === 0) return null;
  return (
    <span class="properties">
      {entries.map(([key, value]) => (
        <span key={key} class="property">
          <span class="muted">{key}</span> {typeof value === 'string' ? value : JSON.stringify(value)}
        </span>
      ))}
    </span>
  );
}
