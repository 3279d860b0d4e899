import uPlot from 'uplot';
import { readPalette } from './palette.js';
import { HEIGHT, plotData, plotOptions, type PlotSettings } from './plot.js';

/** CSS pixels. A canvas does not adapt to the width of the paper; this width is right for A4 and Letter. */
const PRINT_WIDTH = 640;

/** Draws a chart into an element, adapts it to the width of the element, and prints it in light colours. */
export function mountChart(
  element: HTMLElement,
  settings: Omit<PlotSettings, 'width' | 'palette'>,
): { chart: uPlot; destroy: () => void } {
  let palette = readPalette(element);
  const options = plotOptions({ ...settings, width: element.clientWidth, palette: () => palette });
  const chart = new uPlot(options, plotData(settings.points), element);

  const observer = new ResizeObserver(() => {
    if (element.clientWidth > 0) chart.setSize({ width: element.clientWidth, height: HEIGHT });
  });
  observer.observe(element);

  const draw = (scheme: string, width: number): void => {
    palette = readPalette(element, scheme);
    chart.setSize({ width, height: HEIGHT });
    chart.redraw();
  };
  const onBeforePrint = (): void => draw('light', PRINT_WIDTH);
  const onAfterPrint = (): void => draw('', element.clientWidth);
  addEventListener('beforeprint', onBeforePrint);
  addEventListener('afterprint', onAfterPrint);

  return {
    chart,
    destroy: () => {
      removeEventListener('beforeprint', onBeforePrint);
      removeEventListener('afterprint', onAfterPrint);
      observer.disconnect();
      chart.destroy();
    },
  };
}
