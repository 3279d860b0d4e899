import type { JSX } from 'preact';

const PATHS = {
  close: 'M5 5l10 10M15 5L5 15',
  search: 'M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM17 17l-3.800-3.800',
  download: 'M10 3v10m0 0l-4-4m4 4l4-4M4 17h12',
  more: 'M4 10h12m0 0l-5-5m5 5l-5 5',
  refresh: 'M16 10a6 6 0 1 1-1.800-4.300L16 7.500M16 3v4.500h-4.500',
  sun: 'M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600L16 16M4 16l1.400-1.400M14.600 5.400L16 4',
  moon: 'M16.500 11.500A7 7 0 0 1 8.500 3.500a7 7 0 1 0 8 8z',
  auto: 'M3 4h14v9H3zM7 17h6M10 13v4',
  user: 'M10 10a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3.500 17a6.500 6.500 0 0 1 13 0',
  up: 'M10 15V5m0 0L5.500 9.500M10 5l4.500 4.500',
  down: 'M10 5v10m0 0l4.500-4.500M10 15l-4.500-4.500',
  plus: 'M10 4v12M4 10h12',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 11h6.600L14 6',
  table: 'M3 4h14v12H3zM3 8h14M3 12h14M8 4v12',
  chart: 'M3 16l4.500-6 3.500 3 6-8',
  desktop: 'M3 4h14v9H3zM7 17h6M10 13v4',
  mobile: 'M6.500 2.500h7v15h-7zM9.500 15h1',
  tablet: 'M4.500 2.500h11v15h-11zM9.500 15h1',
  chevron: 'M7 5l5 5-5 5',
  pulse: 'M2 10h4l2.500-6 3.500 12 2.500-6H18',
  back: 'M13 5l-5 5 5 5',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon next to a text, or in a button with a label. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
