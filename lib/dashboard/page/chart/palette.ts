/** The colours of the style sheet, for what is drawn on a canvas. */
export interface Palette {
  line: string;
  fill: string;
  compared: string;
  axis: string;
  grid: string;
}

export function paletteOf(element: Element): Palette {
  const probe = document.createElement('span');
  element.append(probe);
  // A custom property alone would be told as it is written, with light-dark() in it.
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
