import { posix } from 'node:path';

/** Links of Markdown and of HTML, with what is before and after the address. */
const LINKS = /(?<before>\]\(|\b(?:href|src|srcset)=")(?<address>[^)"\s]+)(?<after>[)"])/g;
const CODE = /^ *```[^]*?^ *```$|`[^`\n]*`/gm;

/** Where the files of a version are on the web. */
export interface Repository {
  /** Such as `https://github.com/owner/name`. */
  url: string;
  tag: string;
}

/**
 * Makes links absolute that point to no file of the package, because they would be broken in it and on npm's site.
 * @param files paths of the files in the package
 */
export function absoluteLinks(
  markdown: string,
  files: ReadonlySet<string>,
  { url, tag }: Repository,
): string {
  return mapLinks(markdown, (address, isImage) => {
    if (isAbsolute(address) || files.has(pathOf(address))) return address;
    return `${url}/${isImage ? 'raw' : 'blob'}/${tag}/${posix.normalize(address)}`;
  });
}

/**
 * Returns the links that point neither to a file of the package nor to one of the repository.
 * @param exists whether the repository has a path
 */
export function brokenLinks(
  markdown: string,
  files: ReadonlySet<string>,
  repository: Repository,
  exists: (path: string) => boolean,
): string[] {
  const broken = new Set<string>();
  const bases = ['blob', 'raw'].map((kind) => `${repository.url}/${kind}/${repository.tag}/`);
  mapLinks(markdown, (address) => {
    const base = bases.find((each) => address.startsWith(each));
    const isThere =
      base === undefined
        ? isAbsolute(address) || files.has(pathOf(address))
        : exists(pathOf(address.slice(base.length)));
    if (!isThere) broken.add(address);
    return address;
  });
  return [...broken];
}

function mapLinks(markdown: string, map: (address: string, isImage: boolean) => string): string {
  const code = [...markdown.matchAll(CODE)].map(
    ({ 0: text, index }) => [index, index + text.length] as const,
  );
  return markdown.replaceAll(
    LINKS,
    (whole: string, before: string, address: string, after: string, at: number) => {
      if (code.some(([start, end]) => at >= start && at < end)) return whole;
      return `${before}${map(address, before.startsWith('src') || isOfImage(markdown, at))}${after}`;
    },
  );
}

/** `![text](address)` */
function isOfImage(markdown: string, at: number): boolean {
  const start = markdown.lastIndexOf('[', at);
  return markdown.charAt(start - 1) === '!';
}

const isAbsolute = (address: string): boolean => /^(?:[a-z]+:|#)/i.test(address);
const pathOf = (address: string): string => posix.normalize(address.split('#', 1).join()).replace(/\/$/, '');
