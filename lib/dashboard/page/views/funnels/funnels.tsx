import type { JSX } from 'preact';

export function Funnels(): JSX.Element {
  return <p>Funnels</p>;
}
