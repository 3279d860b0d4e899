/** The page of a path by default, as docs/statistics.md defines it. */
export function pageOf(path: string): string {
  const [, before = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(path) ?? [];
  const stays = cut(before) === '' || /^#!?\//.test(cut(fragment));
  return cut(before) + (stays ? cut(fragment) : '') || '/';
}

function cut(text: string): string {
  return text.replace(/\?.*$/s, '').replace(/(?<!^)\/+$/, '');
}
