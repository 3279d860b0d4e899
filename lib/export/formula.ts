/** What spreadsheets take for the beginning of a formula, also behind blanks and in full width: see OWASP, "CSV injection". */
const FORMULA = /^(?:[\t\r\n]|\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/;

/** To a spreadsheet the apostrophe says that the rest is text. */
export function harmless(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}
