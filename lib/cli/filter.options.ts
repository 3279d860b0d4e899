import type { Command } from 'commander';
import type { ActivityFilter } from '../activity/activity.filter.js';

/** The options of a command that select activities. */
export type FilterOptions = { [K in keyof ActivityFilter]?: string };

/** Adds an option for each property of a filter of activities. */
export function addFilterOptions(command: Command): Command {
  return addDateOptions(addCommonOptions(command))
    .option('--page <page>', 'the whole page, as statistics count it, or its beginning with a trailing *')
    .option(
      '--route <pattern>',
      'the pattern of the route, such as /orders/:id, or its beginning with a trailing *',
    )
    .option('--subject <subject>', 'the object of the activity, such as order:17');
}

export function addDateOptions(command: Command): Command {
  return command
    .option(
      '--from <date>',
      'at this moment or later: ISO 8601, without an offset UTC; a date alone is the start of that day',
    )
    .option('--to <date>', 'before this moment; a date alone is the end of that day');
}

/** Adds the options that also filter statistics, except the dates. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--user <id>', 'the id of the user')
    .option('--session <id>', 'the id of the session')
    .option('--visit <id>', 'the id of the visit')
    .option('--path <path>', 'the whole path, or its beginning with a trailing *')
    .option('--name <name>', 'what was done, such as view')
    .option('--group <group>', 'the group of the user, such as company:17')
    .option('--ip <address>', 'the IP address');
}

/** Returns the filter from the options of a command, without undefined properties. */
export function filterOf({
  user,
  session,
  visit,
  path,
  page,
  route,
  name,
  subject,
  group,
  from,
  to,
  ip,
}: FilterOptions): ActivityFilter {
  const filter = { user, session, visit, path, page, route, name, subject, group, from, to, ip };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
