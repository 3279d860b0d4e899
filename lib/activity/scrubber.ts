/** The value of a parameter may be another URL, which is scrubbed too. Deeper URLs are not. */
const MAX_DEPTH = 3;

/** A name that {@link normalize} leaves as it is, like nearly all. */
const PLAIN_NAME = /^[a-z\d]+$/;
/** A text without these has no parameters of its own, not even encoded. */
const MAY_HOLD_URL = /[?#%]/;

/** Removes query parameters from the URLs and paths of activities. */
export class Scrubber {
  private readonly names: ReadonlySet<string>;
  private readonly endings: readonly string[];

  /** @param parameters names as in the option `scrub` */
  constructor(parameters: readonly string[]) {
    this.names = new Set(parameters.filter((name) => !isEnding(name)).map(normalize));
    this.endings = parameters.filter(isEnding).map(normalize);
  }

  /**
   * Removes the parameters from the query and from the fragment, also inside a parameter that holds a URL.
   * @returns the same text if there is nothing to remove; never a longer one
   */
  scrub(url: string, depth = 1): string {
    const start = url.search(/[?#]/);
    if (start < 0 || !url.includes('=', start)) return url;
    const query = url.slice(start).replace(/([?#])([^?#]*)/g, (part, mark: string, text: string) => {
      const parameters = text.split('&');
      const kept = parameters.map((parameter) => this.keep(parameter, depth));
      if (kept.every((parameter, i) => parameter === parameters[i])) return part;
      const left = kept.filter((parameter) => parameter !== undefined);
      return left.length > 0 ? mark + left.join('&') : '';
    });
    return url.slice(0, start) + query;
  }

  /** @returns the parameter; `undefined` if it must be removed */
  private keep(parameter: string, depth: number): string | undefined {
    const at = parameter.indexOf('=');
    if (at < 0) return parameter;
    const name = parameter.slice(0, at);
    if (this.isSecret(name)) return undefined;
    const value = parameter.slice(at + 1);
    if (depth >= MAX_DEPTH || !MAY_HOLD_URL.test(value)) return parameter;
    const decoded = decode(value.replaceAll('+', ' '));
    const text = decoded ?? value;
    const scrubbed = this.scrub(text, depth + 1);
    if (scrubbed === text) return parameter;
    return `${name}=${decoded === undefined ? scrubbed : encode(scrubbed)}`;
  }

  private isSecret(parameter: string): boolean {
    const name = PLAIN_NAME.test(parameter) ? parameter : normalize(decodeName(parameter));
    return this.names.has(name) || this.endings.some((ending) => name.endsWith(ending));
  }
}

function decodeName(parameter: string): string {
  return (decode(parameter) ?? parameter).replace(/\[\d+\]/g, '');
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

/** Encodes only characters that would break a parameter or cannot be stored, so that the text does not become longer than before. */
function encode(text: string): string {
  return text
    .replace(/[%&#+]/g, encodeURIComponent)
    .replaceAll('\0', '%00')
    .replaceAll(' ', '+');
}
