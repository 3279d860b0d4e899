/** The colours of the style sheet, for a canvas. */
export interface Palette {
  line: string;
  fill: string;
  compared: string;
  axis: string;
  grid: string;
}

/** @param scheme a colour scheme other than that of the screen */
export function readPalette(element: Element, scheme = ''): Palette {
  const probe = document.createElement('span');
  probe.style.colorScheme = scheme;
  element.append(probe);
  // The computed value of a custom property would still contain light-dark().
  const color = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    line: color('accent'),
    fill: color('accent-faint'),
    compared: color('compared'),
    axis: color('muted'),
    grid: color('line'),
  };
  probe.remove();
  return palette;
}
