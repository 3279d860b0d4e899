/** One result of an inspection. */
export interface Finding {
  /** `warning`: it works, but not as it should; `problem`: something does not work. */
  level: 'ok' | 'warning' | 'problem';
  text: string;
  remedy?: string | undefined;
}

export const ok = (text: string): Finding => ({ level: 'ok', text });
export const warning = (text: string, remedy: string): Finding => ({ level: 'warning', text, remedy });
export const problem = (text: string, remedy: string): Finding => ({ level: 'problem', text, remedy });
