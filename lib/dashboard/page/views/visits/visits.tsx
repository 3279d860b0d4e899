import type { JSX } from 'preact';

export function Visits(): JSX.Element {
  return <p>Visits</p>;
}
