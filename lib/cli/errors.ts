/** Why something failed, in one line. */
export function reasonOf(error: unknown): string {
  return escapeControls(textOf(error).trim().replaceAll(/\s+/g, ' '));
}

/** All but tab and line ends: the C0 and C1 controls, and those that turn the direction of text round. */
// oxlint-disable-next-line no-control-regex -- these are what a terminal must not get
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/** What comes from data must not command the terminal that shows it. Within JSON the escapes stand for the same text. */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Such as a host with two addresses, neither of which takes a connection: the message is empty.
  if (error instanceof AggregateError && error.message === '') return textOf(error.errors[0]);
  const message = error.message || error.name;
  return error.cause instanceof Error ? `${message}: ${textOf(error.cause)}` : message;
}
