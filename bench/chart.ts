import type { Cell } from './report.js';

const COLOURS: Record<string, string> = { floor: '#9aa5b1', naive: '#d9822b', djaffar: '#1f77b4' };
const WIDTH = 760;
const LABEL = 190;
const BAR = 14;

/** Returns an SVG for light and dark pages: requests per second at 64 connections as horizontal bars. */
export function chart(cells: Cell[]): string {
  const shown = cells.filter(({ scenario, connections }) => scenario === 'known' && connections === 64);
  const most = Math.max(...shown.map(({ rps }) => rps));
  let y = 40;
  let before = '';
  const bars = shown.map(({ adapter, database, variant, rps }) => {
    const situation = `${database}, ${adapter}`;
    if (before !== '' && before !== situation) y += 12;
    const title =
      before === situation ? '' : `<text x="0" y="${y + 11}" font-weight="bold">${situation}</text>`;
    before = situation;
    const width = Math.round((rps / most) * (WIDTH - LABEL - 110));
    const bar = `${title}<rect x="${LABEL}" y="${y}" width="${width}" height="${BAR - 2}" fill="${COLOURS[variant]}"/><text x="${LABEL + width + 6}" y="${y + 11}">${variant} ${Math.round(rps).toLocaleString('en')}</text>`;
    y += BAR + 2;
    return bar;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" font-family="system-ui, sans-serif" font-size="12" fill="#7b8794"><text x="0" y="18" font-size="14">Requests a second, 64 connections, one activity each</text>${bars.join('')}</svg>\n`;
}
