/** The value of a parameter may be another URL, which is scrubbed too. Deeper URLs are not. */
const MAX_DEPTH = 3;

/** A name that {@link normalize} leaves as it is, like nearly all. */
const PLAIN_NAME = /^[a-z\d]+$/;
/** Characters that would break a parameter. */
const RESERVED = /[%&#+]/g;
/** The same of a text with malformed escapes, in which a `%` may stand alone. */
const RESERVED_IN_MALFORMED = /[&#+]|%(?=[\da-f]{2})/gi;

/** Removes query parameters from the URLs and paths of activities. */
export class Scrubber {
  private readonly names: ReadonlySet<string>;
  private readonly endings: readonly string[];

  /** @param parameters names as in the option `scrub` */
  constructor(parameters: readonly string[]) {
    this.names = new Set(parameters.map(normalize));
    this.endings = parameters.filter(isEnding).map(normalize);
  }

  /**
   * Removes the parameters from the query and from the fragment, also inside a parameter that holds a URL.
   * @returns the same text if there is nothing to remove; never a longer one
   */
  scrub(url: string, depth = 1): string {
    return url.replace(/([?#])([^?#]*)/g, (_, mark: string, text: string) => {
      const kept = text
        .split('&')
        .map((parameter) => this.keep(parameter, depth))
        .filter((parameter) => parameter !== undefined);
      return kept.length > 0 ? mark + kept.join('&') : '';
    });
  }

  /** @returns the parameter; `undefined` if it must be removed */
  private keep(parameter: string, depth: number): string | undefined {
    const at = parameter.indexOf('=');
    if (at < 0) return parameter;
    const name = parameter.slice(0, at);
    if (this.isSecret(name)) return undefined;
    const value = parameter.slice(at + 1);
    // A URL with parameters has a "?" or "#", which ends this parameter if it is not encoded.
    if (depth >= MAX_DEPTH || !value.includes('%')) return parameter;
    const encoded = value.replaceAll('+', ' ');
    const whole = decode(encoded);
    const text = whole ?? decodeParts(encoded);
    const scrubbed = this.scrub(text, depth + 1);
    if (scrubbed === text) return parameter;
    return `${name}=${encode(scrubbed, whole === undefined ? RESERVED_IN_MALFORMED : RESERVED)}`;
  }

  private isSecret(parameter: string): boolean {
    const name = PLAIN_NAME.test(parameter) ? parameter : normalize(decodeName(parameter));
    return this.names.has(name) || this.endings.some((ending) => name.endsWith(ending));
  }
}

function decodeName(parameter: string): string {
  return (decode(parameter) ?? decodeParts(parameter)).replace(/\[\d+\]/g, '');
}

function isEnding(name: string): boolean {
  return name.startsWith('*');
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** @returns `undefined` if an escape is malformed */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Decodes a text with malformed escapes: one that is cut off stays, and bytes that are not UTF-8 become U+FFFD. */
function decodeParts(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString(),
  );
}

/** Encodes only characters that would break a parameter or cannot be stored, so that the text does not become longer than before. */
function encode(text: string, reserved: RegExp): string {
  return text.replace(reserved, encodeURIComponent).replaceAll('\0', '%00').replaceAll(' ', '+');
}
