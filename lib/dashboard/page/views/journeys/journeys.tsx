import type { JSX } from 'preact';

export function Journeys(): JSX.Element {
  return <p>Journeys</p>;
}
