/** Why something failed, in one line. */
export function reasonOf(error: unknown): string {
  return textOf(error).trim().replaceAll(/\s+/g, ' ');
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Such as a host with two addresses, neither of which takes a connection: the message is empty.
  if (error instanceof AggregateError && error.message === '') return textOf(error.errors[0]);
  const message = error.message || error.name;
  return error.cause instanceof Error ? `${message}: ${textOf(error.cause)}` : message;
}
