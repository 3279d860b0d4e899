import type { JSX } from 'preact';

export function Retention(): JSX.Element {
  return <p>Retention</p>;
}
