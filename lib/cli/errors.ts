/** Returns the reason of an error in one line. */
export function formatReason(error: unknown): string {
  return escapeControls(toText(error).trim().replaceAll(/\s+/g, ' '));
}

/** C0 and C1 control characters, except tab and line ends, and characters that change the direction of text. */
// oxlint-disable-next-line no-control-regex -- a terminal must not get these
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/** Escapes control characters, so that data cannot control the terminal. In JSON the escapes mean the same text. */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function toText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The message is empty, for example, if a host has two addresses and neither accepts a connection.
  if (error instanceof AggregateError && error.message === '') return toText(error.errors[0]);
  const message = error.message || error.name;
  return error.cause instanceof Error ? `${message}: ${toText(error.cause)}` : message;
}
