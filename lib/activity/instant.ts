import type { ValueTransformer } from 'typeorm';

/**
 * Keeps an instant as milliseconds since 1970 in a `bigint`: the one column type that TypeORM has on every
 * database which neither loses milliseconds nor passes through the time zone of a process or a connection.
 */
export const instant = {
  to: (value?: Date | null): number | null | undefined => value && value.getTime(),
  from: (value: string | number | null): Date | null => (value === null ? null : new Date(Number(value))),
} satisfies ValueTransformer;

/** The same without a date: what is before all time can be told. */
export const milliseconds = {
  to: (value?: number | null): number | null | undefined => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
} satisfies ValueTransformer;
