// Everything is formatted by the browser's locale.

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const wholePercent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const change = new Intl.NumberFormat(undefined, {
  style: 'percent',
  maximumFractionDigits: 0,
  signDisplay: 'exceptZero',
});
const unit = (name: string): Intl.NumberFormat =>
  new Intl.NumberFormat(undefined, { style: 'unit', unit: name, unitDisplay: 'narrow' });
const hours = unit('hour');
const minutes = unit('minute');
const seconds = unit('second');

export const formatNumber = (value: number): string => number.format(value);
export const formatCompact = (value: number): string => compact.format(value);
export const formatPercent = (value: number): string => percent.format(value);
/** A share above zero is not rounded to 0 %. */
export const formatShare = (value: number): string =>
  value > 0 && value < 0.005 ? `<${wholePercent.format(0.01)}` : wholePercent.format(value);

export const formatChange = (value: number): string => change.format(value);

/** @param total seconds */
export function formatDuration(total: number): string {
  const whole = Math.round(total);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (h > 0) return `${hours.format(h)} ${minutes.format(m)}`;
  if (m > 0) return s > 0 ? `${minutes.format(m)} ${seconds.format(s)}` : minutes.format(m);
  return seconds.format(s);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Caches formats, because creating one takes longer than using it a hundred times. */
function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(undefined, options)));
  return format;
}

const DAY = { day: 'numeric', month: 'short' } as const;
const TIME = { hour: '2-digit', minute: '2-digit' } as const;

export const formatDay = (date: Date, timeZone: string): string =>
  dateFormat({ ...DAY, timeZone }).format(date);

export const formatWeekday = (date: Date, timeZone: string): string =>
  dateFormat({ ...DAY, weekday: 'short', timeZone }).format(date);

export const formatMonth = (date: Date, timeZone: string): string =>
  dateFormat({ month: 'short', year: 'numeric', timeZone }).format(date);

export const formatTime = (date: Date, timeZone: string): string =>
  dateFormat({ ...TIME, timeZone }).format(date);

export const formatSeconds = (date: Date, timeZone: string): string =>
  dateFormat({ ...TIME, second: '2-digit', timeZone }).format(date);

export const formatMoment = (date: Date, timeZone: string): string =>
  dateFormat({ ...DAY, ...TIME, timeZone }).format(date);

/** Formats a range such as "1–30 Nov 2026"; with times if it is short and not a whole day. */
export function formatRange(from: Date, to: Date, timeZone: string): string {
  const isWholeDay = formatTime(from, timeZone) === formatTime(to, timeZone);
  const isShort = +to - +from < 36 * 3_600_000 && !isWholeDay;
  const options = isShort ? { ...DAY, ...TIME, timeZone } : { ...DAY, year: 'numeric' as const, timeZone };
  // The end is exclusive.
  return dateFormat(options).formatRange(from, new Date(+to - (isShort ? 0 : 1)));
}

/** The same name in all languages, such as "America/New York". */
export const formatZone = (timeZone: string): string => timeZone.replaceAll('_', ' ');

/** Such as "14 Nov 2026". */
export const formatDate = (date: Date, timeZone: string): string =>
  dateFormat({ ...DAY, year: 'numeric', timeZone }).format(date);

const names = {
  country: new Intl.DisplayNames(undefined, { type: 'region' }),
  language: new Intl.DisplayNames(undefined, { type: 'language' }),
};

/** Dimensions whose values are codes. */
export const hasNames = (dimension: string): dimension is keyof typeof names => dimension in names;

/** Returns the name of a country or a language. Other dimensions, and values that are not codes, are returned unchanged. */
export function formatValue(dimension: string, value: string): string {
  if (!hasNames(dimension)) return value;
  try {
    return names[dimension].of(value) ?? value;
  } catch {
    return value;
  }
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' });

export function formatAgo(date: Date, now: Date): string {
  const past = Math.max(0, (+now - +date) / 1000);
  if (past < 60) return relative.format(-Math.round(past), 'second');
  if (past < 3600) return relative.format(-Math.round(past / 60), 'minute');
  if (past < 86_400) return relative.format(-Math.round(past / 3600), 'hour');
  return relative.format(-Math.round(past / 86_400), 'day');
}
