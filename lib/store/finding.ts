/** One result of an inspection. */
export interface Finding {
  /** `warning`: it works, but not as it should; `problem`: something does not work. */
  level: 'ok' | 'warning' | 'problem';
  text: string;
  /** The remedy. */
  cure?: string | undefined;
}

export const fine = (text: string): Finding => ({ level: 'ok', text });
export const warning = (text: string, cure: string): Finding => ({ level: 'warning', text, cure });
export const problem = (text: string, cure: string): Finding => ({ level: 'problem', text, cure });
