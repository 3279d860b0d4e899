import type { JSX } from 'preact';

export function Live(): JSX.Element {
  return <p>Live</p>;
}
