import type { JSX } from 'preact';

export function User(): JSX.Element {
  return <p>User</p>;
}
